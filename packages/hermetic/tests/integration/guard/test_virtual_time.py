"""
Virtual time: what jumps, what holds it, and that nothing times out falsely.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time

import aiohttp
import aiosqlite
import pytest
import uvloop
from hermetic.guard.schedule import VirtualClock, VirtualTimeError
from hermetic.world.http import MockServer


@pytest.fixture
def clock():
    one = VirtualClock()
    one.start()
    yield one
    one.stop()


def virtual(coroutine):
    """
    Run a coroutine; give its result and the virtual seconds that it took.
    """

    async def main():
        started = asyncio.get_running_loop().time()
        result = await coroutine
        return result, asyncio.get_running_loop().time() - started

    return asyncio.run(main())


def test_ten_hours_pass_at_once(clock):
    """
    A sleep that nothing else runs beside is one jump.
    """
    _, taken = virtual(asyncio.sleep(36_000))

    assert taken >= 36_000
    assert clock.jumps <= 3
    assert clock.skipped_s == pytest.approx(36_000, abs=5)


def test_timers_go_off_in_their_order(clock):
    """
    Time goes from one timer to the next, never past one.
    """
    seen = []

    async def note(after):
        await asyncio.sleep(after)
        seen.append(after)

    async def main():
        await asyncio.gather(note(300), note(1), note(20), note(4000))

    virtual(main())

    assert seen == [1, 20, 300, 4000]


def test_a_timeout_fires_in_virtual_time(clock):
    """
    What waits for ever is ended by its own limit, at once.
    """

    async def main():
        async with asyncio.timeout(500):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        virtual(main())

    assert clock.skipped_s >= 499


@pytest.mark.parametrize("how", ["to_thread", "thread", "child"])
def test_work_elsewhere_holds_time(clock, how):
    """
    While an executor, a thread or a child process works, time goes no faster than in reality.
    """

    async def main():
        async with asyncio.timeout(1000):
            if how == "to_thread":
                await asyncio.to_thread(time.sleep, 0.05)
            elif how == "thread":
                done, loop = asyncio.Event(), asyncio.get_running_loop()

                def work():
                    time.sleep(0.05)
                    loop.call_soon_threadsafe(done.set)

                thread = threading.Thread(target=work)
                thread.start()
                await done.wait()
                thread.join()
            else:
                child = await asyncio.create_subprocess_exec(sys.executable, "-c", "pass")
                await child.wait()

    _, taken = virtual(main())

    assert taken < 900


def test_a_connection_to_another_process_holds_time(clock):
    """
    Its answer comes in real time, so a client's limit must not be jumped over.
    """
    program = (
        "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True);"
        "c, _ = s.accept(); c.recv(1); time.sleep(0.1); c.send(b'y'); c.recv(1)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline())

        async def main():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"x")
            async with asyncio.timeout(500):
                answer = await reader.read(1)
            writer.close()
            await writer.wait_closed()
            return answer

        answer, taken = virtual(main())

    assert answer == b"y"
    assert taken < 400


def test_bytes_between_loops_of_two_threads_hold_time(clock):
    """
    A server with a loop of its own in another thread answers before the client's limit, also when it sleeps for hours.
    """
    ready, box = threading.Event(), {}

    async def serve():
        async def answer(reader, writer):
            await reader.read(1)
            await asyncio.sleep(3600)
            writer.write(b"y")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        box["port"], box["stop"] = server.sockets[0].getsockname()[1], asyncio.Event()
        box["loop"] = asyncio.get_running_loop()
        ready.set()
        await box["stop"].wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()

    async def main():
        reader, writer = await asyncio.open_connection("127.0.0.1", box["port"])
        writer.write(b"x")
        async with asyncio.timeout(7200):
            answer = await reader.read(1)
        writer.close()
        await writer.wait_closed()
        return answer

    answer, taken = virtual(main())
    box["loop"].call_soon_threadsafe(box["stop"].set)
    thread.join()

    assert answer == b"y"
    assert taken >= 3600


@pytest.mark.prove("virtual-time", sample=10, full=1000)
def test_a_mock_server_and_a_database_never_time_out_falsely(clock, rounds, tmp_path):
    """
    A client with a limit of half a minute against a server in its own thread, and SQLite in another, again and again,
    with long sleeps between that make time jump at every chance. A false jump goes to the limit, however far that is; a
    shorter one would also pass where a busy machine's disk takes its time.
    """

    async def main():
        with MockServer() as server:
            server.get("/ip").json({"ip": "203.0.113.7"})
            limit = aiohttp.ClientTimeout(total=30)
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                aiosqlite.connect(tmp_path / "x.sqlite3") as database,
            ):
                await database.execute("CREATE TABLE t (n)")
                for number in range(rounds):
                    async with session.get(server.url + "/ip") as response:
                        assert (await response.json())["ip"] == "203.0.113.7"
                    async with asyncio.timeout(30):
                        await database.execute("INSERT INTO t VALUES (?)", (number,))
                        await database.commit()
                    await asyncio.sleep(60)
                async with database.execute("SELECT count(*) FROM t") as cursor:
                    return (await cursor.fetchone())[0]

    count, taken = virtual(main())

    assert count == rounds
    assert taken >= 60 * rounds


def test_the_wall_clock_follows_when_asked():
    """
    Code that asks `time.time` sees the hours pass; afterwards both clocks are the real ones.
    """
    one, real = VirtualClock(), (time.time, time.monotonic)
    one.start(follow=True)
    try:
        before = time.time(), time.monotonic()
        virtual(asyncio.sleep(3600))
        after = time.time(), time.monotonic()
    finally:
        one.stop()

    assert all(late - early >= 3600 for late, early in zip(after, before, strict=True))
    assert (time.time, time.monotonic) == real


async def test_a_loop_that_runs_already_is_taken_and_given_back():
    """
    A fixture may start virtual time inside a running loop; afterwards a short sleep is a real one again.
    """
    loop = asyncio.get_running_loop()
    one = VirtualClock()
    one.start()
    await asyncio.sleep(3600)
    one.stop()
    real = time.monotonic()
    await asyncio.sleep(0.02)

    assert time.monotonic() - real >= 0.015
    assert "time" not in vars(loop)


def test_a_loop_of_another_make_is_refused():
    """
    Uvloop keeps its time in C, so it is told and not silently left in real time.
    """
    one = VirtualClock()

    async def main():
        one.start()

    with pytest.raises(VirtualTimeError, match="uvloop"):
        uvloop.run(main())


def test_a_watched_socket_without_a_peer_does_not_hold_time(clock):
    """
    A listening socket and a pair inside this process wait for nobody outside.
    """

    async def main():
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        left, right = socket.socketpair()
        left.settimeout(0)
        with left, right:
            waiter = asyncio.create_task(asyncio.get_running_loop().sock_recv(left, 1))
            await asyncio.sleep(3600)
            right.send(b"x")
            assert await waiter == b"x"
        server.close()
        await server.wait_closed()

    _, taken = virtual(main())

    assert taken >= 3600
