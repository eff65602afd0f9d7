"""
The server's life, and plain requests to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import subprocess
import sys
import threading
from pathlib import Path

import aiohttp
import pytest
import requests
from hermetic.foundation import ListSink
from hermetic.world.http import MockServer, MockServerContext
from hermetic.world.http.errors import (
    NotRunningError,
    PortTakenError,
    ServerError,
    StartFailedError,
    UnmatchedRequestsError,
)
from hermetic.world.http.faults import refuse


def descriptors() -> set[tuple[str, str]]:
    """
    Number and target of each open descriptor but that of the listing itself, which is closed before targets are read.
    """
    found = set()
    for path in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):
            found.add((path.name, str(path.readlink())))
    return found


class TestLife:
    __test__ = True

    async def test_start_and_stop_may_be_called_twice(self):
        """
        Both are idempotent, and `is_running` tells the state.
        """
        server = MockServer()

        assert not server.is_running
        await server.start()
        port = server.port
        await server.start()

        assert server.is_running
        assert server.port == port
        await server.stop()
        await server.stop()

        assert not server.is_running

    async def test_stop_leaves_no_thread_no_descriptor_and_no_task(self):
        """
        Nothing of a server outlives its stop.
        """
        gc.collect()  # What an earlier test dropped is not to vanish between the two listings.
        threads, tasks, before = threading.active_count(), asyncio.all_tasks(), descriptors()
        async with MockServer() as api, aiohttp.ClientSession() as client:
            api.get("/").text("x")
            await (await client.get(api.url)).read()

        await asyncio.sleep(0)
        assert threading.active_count() == threads
        assert asyncio.all_tasks() == tasks
        assert not descriptors() - before

    def test_a_plain_with_statement_serves_code_without_a_loop(self):
        """
        No event loop is needed to use a server.
        """
        with MockServer() as api:
            api.get("/ip").json({"ip": "203.0.113.7"})

            assert requests.get(api.url_for("/ip"), timeout=5).json() == {"ip": "203.0.113.7"}

    async def test_the_same_port_can_be_taken_again_at_once(self, client):
        """
        A server started again listens where it did before, with a client's connection still open.
        """
        server = MockServer()
        server.get("/").text("x")
        ports = set[int]()
        for _ in range(20):
            async with server:
                ports.add(server.port)
                async with client.get(server.url) as reply:
                    assert await reply.text() == "x"

        assert len(ports) == 1

    async def test_in_loop_runs_on_the_loop_of_its_caller(self, client):
        """
        With in_loop=True there is no further thread.
        """
        threads = threading.active_count()
        async with MockServer(in_loop=True) as api:
            api.get("/").call(lambda _: threading.current_thread().name)

            assert threading.active_count() == threads
            async with client.get(api.url) as reply:
                assert await reply.text() == threading.current_thread().name

        assert threading.active_count() == threads

    def test_in_loop_cannot_start_without_a_loop(self):
        """
        The error says what to write instead.
        """
        with pytest.raises(ServerError, match="Use `async with`"), MockServer(in_loop=True):
            pass

    async def test_ipv6_and_ipv4_share_a_port(self, client):
        """
        Several hosts are served under one port number.
        """
        async with MockServer(host=("127.0.0.1", "::1")) as api:
            api.get("/").text("x")
            for host in ("127.0.0.1", "[::1]"):
                async with client.get(f"http://{host}:{api.port}/") as reply:
                    assert await reply.text() == "x"

    async def test_unix_socket_is_served_and_removed(self, tmp_path):
        """
        The file appears with the server and goes with it; a stale one of a dead process is replaced.
        """
        path = tmp_path / "s"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        async with (
            MockServer(unix=str(path)) as api,
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as client,
        ):
            api.get("/").text("x")
            async with client.get(api.url) as reply:
                assert await reply.text() == "x"
            await api.down()
            with pytest.raises(aiohttp.ClientConnectorError) as refused:
                await client.get(api.url)
            # A service that is down, and not one that was never there.
            assert isinstance(refused.value.os_error, ConnectionRefusedError)
            await api.up()
            async with client.get(api.url) as reply:
                assert await reply.text() == "x"
            api.fault(refuse())

        assert not path.exists()

    async def test_tls_with_an_authority_of_its_own(self, client):
        """
        A client that trusts the authority is served, one that does not refuses the server.
        """
        async with MockServer(tls=True) as api:
            api.get("/").call(lambda request: str(request.is_tls))
            async with client.get(api.url, ssl=api.authority.client_context()) as reply:
                assert await reply.text() == "True"
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await client.get(api.url)

    async def test_port_in_use_names_the_process(self):
        """
        The error says which process holds the port, and that it is this one when it is.
        """
        async with MockServer() as first:
            second = MockServer("second", port=first.port)
            with pytest.raises(PortTakenError, match="held by this process") as caught:
                await second.start()

            assert isinstance(caught.value, OSError)
            assert not second.is_running
        with socket.create_server(("127.0.0.1", 0)) as theirs:
            port = theirs.getsockname()[1]
            other = await asyncio.create_subprocess_exec("sleep", "60", pass_fds=[theirs.fileno()])
        try:
            with pytest.raises(PortTakenError, match=rf"port {port}: .* held by pid {other.pid} \(sleep\)"):
                await MockServer(port=port).start()
        finally:
            other.kill()
            await other.wait()

    @pytest.mark.parametrize("port", [-1, 65536])
    async def test_port_out_of_range_is_refused(self, port):
        """
        With the allowed range, and nothing left open.
        """
        with pytest.raises(StartFailedError, match="0 to 65535"):
            await MockServer(port=port).start()

    async def test_address_of_another_machine_is_refused(self):
        """
        The error keeps the system's reason.
        """
        with pytest.raises(StartFailedError, match="assign requested address"):
            await MockServer(host="203.0.113.1").start()

    def test_address_before_start_is_an_error(self):
        """
        There is no port yet.
        """
        with pytest.raises(NotRunningError, match="asked for its address but it is not running"):
            _ = MockServer().url

    async def test_concurrent_starts_and_stops_end_in_a_stopped_server(self):
        """
        Stop during start, twice at once, in any order: no error, nothing left.
        """
        server = MockServer()
        before = threading.active_count()
        for _ in range(20):
            await asyncio.gather(server.start(), server.stop(), server.start(), server.stop(), server.stop())
        await server.stop()

        assert threading.active_count() == before

    def test_importing_and_using_a_server_leaves_pytest_alone(self):
        """
        Servers work in scripts and services, where there is no pytest.
        """
        code = (
            "import sys, hermetic, hermetic.world.http as w\n"
            "from hermetic import MockServer\n"
            "assert 'httptools' not in sys.modules and 'trustme' not in sys.modules\n"
            "with MockServer(tls=True) as s: s.get('/').text('x')\n"
            "assert [getattr(w, n) for n in w.__all__] and [getattr(hermetic, n) for n in hermetic.__all__]\n"
            "assert 'pytest' not in sys.modules and '_pytest' not in sys.modules\n"
        )
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)

        assert (done.returncode, done.stderr) == (0, "")

    async def test_forgotten_server_warns(self):
        """
        Dropping a running server is told, with its name.
        """
        server = MockServer("lost")
        await server.start()
        thread = server._hosting._thread
        with pytest.warns(ResourceWarning, match="'lost'.*never stopped"):
            server.__del__()
        await server.stop()
        assert thread is not None


class TestStop:
    async def test_requests_in_flight_are_reset_and_reported(self, api, raw):
        """
        Each with its route, age, bytes sent and fault.
        """
        hang = api.get("/hang").call(lambda _: asyncio.sleep(60))
        sockets = [raw(api) for _ in range(50)]
        for sock in sockets:
            sock.send(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        await hang.wait_for(50)
        report = await api.stop()

        assert [one.read_to_end() for one in sockets] == [(b"", "rst")] * 50
        assert (report.connections, len(report.in_flight), report.swallowed) == (50, 50, ())
        assert report.in_flight[0].route == "GET /hang"
        assert report.in_flight[0].age_s > 0
        assert {call.outcome for call in hang.calls} == {"stopped"}
        assert "50 requests in flight" in str(report)

    async def test_handler_that_swallows_cancellation_is_named_and_ended(self, api, raw):
        """
        The report names its line, and no task is left.
        """

        async def stubborn(_):
            while True:
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    continue

        route = api.get("/stubborn").call(stubborn)
        sock = raw(api)
        sock.send(b"GET /stubborn HTTP/1.1\r\nHost: x\r\n\r\n")
        await route.wait_for(1)
        threads = threading.active_count()
        report = await api.stop()

        assert len(report.swallowed) == 1
        assert report.swallowed[0].is_ended
        assert Path(__file__).name in report.swallowed[0].where
        assert threading.active_count() == threads - 1
        assert sock.read_to_end() == (b"", "rst")

    @pytest.mark.hermetic(blocking=60, reason="the handler blocks on purpose")
    async def test_handler_that_blocks_the_thread_does_not_block_the_stop(self, api, raw):
        """
        The clients are cut off from outside, and the report shows the line.
        """
        release = threading.Event()
        entered = threading.Event()

        def block(_):
            entered.set()
            release.wait(30)

        api.get("/block").call(block)
        sock = raw(api)
        sock.send(b"GET /block HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.to_thread(entered.wait)
        thread = api._hosting._thread._thread
        report = await api.stop()

        assert report.blocked_at is not None
        assert "release.wait(30)" not in report.blocked_at
        assert f"{Path(__file__).name}" in report.blocked_at
        assert sock.read_to_end()[0] == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", api.port))
        release.set()
        await asyncio.to_thread(thread.join)

    async def test_stop_from_two_threads_at_once_ends_once(self, api):
        """
        Both get a report of a stopped server.
        """
        reports = await asyncio.gather(api.stop(), asyncio.to_thread(api.stop_blocking))

        assert [report.server for report in reports] == ["test", "test"]
        assert not api.is_running


class TestRequests:
    async def test_unmatched_request_gets_404_and_a_comparison(self, api, client):
        """
        The reply and the error say what the nearest route wanted.
        """
        api.get("/ip", query={"format": "json"}).json({})
        async with client.get(api.url_for("/ip?format=xml")) as reply:
            text = await reply.text()

        assert reply.status == 404
        assert "GET /ip: query format: wanted 'json', got 'xml'" in text
        with pytest.raises(UnmatchedRequestsError, match="got 1 request that no route takes"):
            api.check_unmatched()
        api.forget_calls()

    async def test_context_fails_on_unmatched_requests(self, client):
        """
        MockServerContext holds its block to account, and does not hide the block's own error.
        """
        with pytest.raises(UnmatchedRequestsError):
            async with MockServerContext(name="strict") as api:
                await client.get(api.url)

        async def fail_after_a_request():
            async with MockServerContext(name="strict") as api:
                await client.get(api.url)
                raise KeyError

        with pytest.raises(KeyError):
            await fail_after_a_request()

    async def test_every_request_is_an_event(self, client):
        """
        With its identity, bytes, status and times.
        """
        sink = ListSink()
        async with MockServer("s", sink=sink, allow_unmatched=True) as api:
            api.get("/").text("hello")
            await (await client.get(api.url)).read()
            await (await client.get(api.url_for("/no"))).read()
        first, second = sink.events

        assert (first.route, first.status, first.outcome, first.nth) == ("GET /", 200, "replied", 0)
        assert (second.route, second.status) == ("(unmatched)", 404)
        assert first.sent_bytes > 5
        assert 0 <= first.first_byte_s <= first.ended_s
