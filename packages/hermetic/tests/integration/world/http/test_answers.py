"""
Every kind of answer a route can give, asked for over a socket, and how a test waits for what was asked.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading

import pytest
from hermetic.world.http import HTTPMockFixture, MockServer, Reply, data, fail, html, ok, redirect, text
from hermetic.world.http.errors import BoundsError, CallsNotSeenError, UnmatchedRequestsError
from hermetic.world.http.faults import reset


def ask(server: MockServer, path: str = "/", *, method: str = "GET", body: bytes | None = None, **headers: str):
    """
    Status, content type and body over a connection of its own.
    """
    connection = http.client.HTTPConnection(server.hosts[0], server.port, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=named)
        reply = connection.getresponse()
        return reply.status, (reply.getheader("Content-Type") or "").partition(";")[0], reply.read()
    finally:
        connection.close()


async def later(request):
    await asyncio.sleep(0)
    return 202, {"asked": request.method}


def raising(request):
    raise LookupError(f"nothing at {request.path}")


UNWRITABLE = (
    b"the handler of GET /x failed: BadReplyError: bad reply: a JSON body of object: "
    b"Object of type object is not JSON serializable."
)
ANSWERS = {
    "json": (lambda r: r.json({"a": [1, None]}), (200, "application/json", b'{"a":[1,null]}')),
    "text": (lambda r: r.text("Grüße", status=201), (201, "text/plain", "Grüße".encode())),
    "html": (lambda r: r.html("<p>ü"), (200, "text/html", "<p>ü".encode())),
    "bytes": (lambda r: r.bytes(b"\x00\xff"), (200, "application/octet-stream", b"\x00\xff")),
    "chunked": (lambda r: r.chunked([b"one ", b"two"]), (200, "application/octet-stream", b"one two")),
    "status": (lambda r: r.status(418), (418, "text/plain", b"418 I'm a Teapot")),
    "redirect": (lambda r: r.reply(redirect("/there")), (302, "", b"")),
    "nothing set": (lambda r: r, (200, "", b"")),
    "function of a text": (lambda r: r.call(lambda _: "x"), (200, "text/plain", b"x")),
    "function of bytes": (lambda r: r.call(lambda _: b"x"), (200, "application/octet-stream", b"x")),
    "function of None": (lambda r: r.call(lambda _: None), (204, "", b"")),
    "function of a Reply": (lambda r: r.call(lambda _: fail(409, body="no")), (409, "text/plain", b"no")),
    "coroutine function": (lambda r: r.call(later), (202, "application/json", b'{"asked":"GET"}')),
    "function that raises": (
        lambda r: r.call(raising),
        (500, "text/plain", b"the handler of GET /x failed: LookupError: nothing at /x"),
    ),
    "function of what JSON cannot write": (
        lambda r: r.call(lambda _: object()),
        (
            500,
            "text/plain",
            UNWRITABLE,
        ),
    ),
}


class TestAnswers:
    @pytest.mark.parametrize("kind", ANSWERS)
    def test_a_client_gets_what_the_route_was_told(self, kind):
        """
        To the byte, with the status and the type.
        """
        tell, expected = ANSWERS[kind]
        with MockServer(seed=1) as api:
            route = tell(api.get("/x"))

            assert ask(api, "/x") == expected
            assert [call.status for call in route.calls] == [expected[0]]

    def test_a_file_is_sent_with_the_type_of_its_name(self, tmp_path):
        """
        Unless the route says another.
        """
        (tmp_path / "a.json").write_bytes(b"[1]")
        with MockServer(seed=1) as api:
            api.get("/a").file(tmp_path / "a.json")
            api.get("/b").file(str(tmp_path / "a.json"), headers={"Content-Type": "text/x-odd"}, status=203)

            assert ask(api, "/a") == (200, "application/json", b"[1]")
            assert ask(api, "/b") == (203, "text/x-odd", b"[1]")

    def test_a_template_is_filled_from_values_path_and_query(self):
        """
        Values first, which may be functions of the request; what is found nowhere is named.
        """
        with MockServer(seed=1) as api:
            api.get("/hello/{who}").template(
                "$greeting $who from $town by $way, $$5", greeting="Hi", way=lambda r: r.method
            )
            api.get("/odd").template("$missing")

            assert ask(api, "/hello/Bo%20B?town=K%C3%B6ln")[2].decode() == "Hi Bo B from Köln by GET, $5"
            assert ask(api, "/odd") == (500, "text/plain", b"the handler of GET /odd failed: KeyError: 'missing'")

    def test_matchers_tell_requests_apart_on_the_wire(self):
        """
        Query, header, JSON, body, client, TLS, order: each route takes its own request.
        """
        with MockServer(seed=1) as api:
            api.post("/", query={"page": "2"}, name="query").text("query")
            api.post("/", headers={"x-kind": lambda value: value > "b"}, name="header").text("header")
            api.post("/", json={"pair": (1, 2)}, name="json").text("json")
            api.post("/", body="exact", name="body").text("body")
            api.post("/", client="bob", name="client").text("client")
            api.post("/", tls=True, name="tls").text("tls")
            api.post("/", nth=2, name="second").text("second")
            api.post("/").text("rest")

            got = [
                ask(api, "/?page=2", method="POST")[2],
                ask(api, method="POST", X_Kind="c")[2],
                ask(api, method="POST", body=json.dumps({"pair": [1, 2]}).encode())[2],
                ask(api, method="POST", body=b"exact")[2],
                ask(api, method="POST", Hermetic_Client="bob")[2],
                ask(api, method="POST")[2],
                ask(api, method="POST")[2],
            ]
        assert got == [b"query", b"header", b"json", b"body", b"client", b"rest", b"second"]


class TestSequences:
    def test_replies_faults_and_functions_follow_one_another(self):
        """
        Then the route's own reply.
        """
        with MockServer(seed=1) as api:
            api.get("/").text("own").then(fail(503, times=2), reset(), lambda request: request.path, ok())
            seen = []
            for _ in range(6):
                try:
                    seen.append(ask(api)[0::2])
                except ConnectionResetError:
                    seen.append("reset")

        busy = (503, b"503 Service Unavailable")
        assert seen == [busy, busy, "reset", (200, b"/"), (200, b"own"), (200, b"own")]

    def test_a_cycle_begins_again(self):
        """
        After its last step.
        """
        with MockServer(seed=1) as api:
            api.get("/").cycle(text("a", times=2), data(b"b"), html("c"))

            assert b"".join(ask(api)[2] for _ in range(9)) == b"aabcaabca"

    async def test_a_step_is_taken_when_the_request_matches_and_not_when_its_reply_leaves(self, client):
        """
        A second client gets the second step while the reply of the first is still on its way.
        """
        async with MockServer(seed=1) as api:
            route = api.get("/").then(ok("first"), ok("second"))
            with api.hold(clients="slow", way="replies"):
                slow = asyncio.create_task(client.get(api.url, headers={"Hermetic-Client": "slow"}))
                await route.wait_for(1)
                async with client.get(api.url) as reply:
                    assert await reply.text() == "second"
                assert not slow.done()
            async with await slow as reply:
                assert await reply.text() == "first"


class TestWaiting:
    def test_a_thread_waits_for_calls_without_a_loop(self):
        """
        It returns with the call that was missing, and an error names what came instead.
        """
        with MockServer(seed=1) as api:
            route, other = api.get("/a"), api.get("/b")
            sender = threading.Thread(target=ask, args=(api, "/a"))
            sender.start()
            (call,) = route.wait_for_blocking(1, finished=True)
            sender.join()

            assert (call.request.path, call.outcome, route.called, other.called) == ("/a", "replied", True, False)
            with pytest.raises(
                CallsNotSeenError, match=r"/b was called 0 of 1 times within 0 s\. The server got: GET /a\."
            ):
                other.wait_for_blocking(1, timeout=0)

    @pytest.mark.parametrize("bad", [{"n": -1}, {"n": "3"}, {"timeout": -1}, {"timeout": None}])
    async def test_a_wait_that_makes_no_sense_is_refused(self, bad):
        """
        With and without a loop.
        """
        route = MockServer().get("/")
        with pytest.raises(BoundsError, match="wait_for"):
            route.wait_for_blocking(**bad)
        with pytest.raises(BoundsError, match="wait_for"):
            await route.wait_for(**bad)


class TestJudgement:
    async def test_the_block_of_a_server_fails_for_requests_without_a_route(self, client):
        """
        Plain and asynchronous, with the comparison; not when that is allowed, nor when the block failed by itself.
        """
        with pytest.raises(UnmatchedRequestsError, match="GET /right: path: wanted /right, got /wrong"):
            async with MockServer(seed=1) as api:
                api.get("/right")
                (await client.get(api.url_for("/wrong"))).release()
        with (
            pytest.raises(UnmatchedRequestsError, match="got 1 request that no route takes"),
            MockServer(seed=1) as api,
        ):
            await asyncio.to_thread(ask, api, "/wrong")
        with pytest.raises(KeyError), MockServer(seed=1) as api:
            await asyncio.to_thread(ask, api, "/wrong")
            raise KeyError
        with MockServer(seed=1, allow_unmatched=True) as api:
            assert (await asyncio.to_thread(ask, api, "/wrong"))[0] == 404
            assert len(api.unmatched) == 1

    def test_a_unittest_can_hold_the_servers_of_a_test(self):
        """
        HTTPMockFixture needs no pytest: several servers of one seed, described, stopped and judged together.
        """
        with (
            pytest.raises(UnmatchedRequestsError, match="server 'other' got 1 request"),
            HTTPMockFixture(seed=5) as mock,
        ):
            mock.get("/").text("x")
            mock.server("other").get("/b").call(raising)
            assert ask(mock.server())[2] == b"x"
            assert ask(mock.server("other"), "/b")[0] == 500
            assert ask(mock.server("other"), "/c")[0] == 404
            told = mock.describe()
            with pytest.raises(ValueError, match=r"its options \(tls\) cannot be changed"):
                mock.server("other", tls=True)

        assert "--hermetic-seed=5" in told
        assert "<Call 1 GET /b [handler failed, status 500, LookupError: nothing at /b]>" in told
        assert not any(server.is_running for server in mock.servers.values())

    def test_a_reply_is_what_it_says(self):
        """
        Headers of the same name follow one another, a reason of one's own, trailers, an own Content-Length.
        """
        with MockServer(seed=1) as api:
            api.get("/").reply(Reply(299, (("X-A", "1"), ("X-A", "2")), b"body", reason="Odd"))
            connection = http.client.HTTPConnection(api.hosts[0], api.port, timeout=10)
            connection.request("GET", "/")
            reply = connection.getresponse()

            assert (reply.status, reply.reason, reply.headers.get_all("X-A")) == (299, "Odd", ["1", "2"])
            connection.close()
