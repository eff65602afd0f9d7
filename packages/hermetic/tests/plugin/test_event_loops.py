"""
Whatever runs the event loop, and whatever runs the test: the same leaks, with the same owners, and nothing else.
"""

from __future__ import annotations

LOOPS = """
import asyncio, socket, unittest
import anyio, pytest, uvloop

kept = []

async def echo(reader, writer):
    writer.write(await reader.read(100))
    await writer.drain()
    writer.close()

async def talks():
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello")
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()

async def leaks():
    loop = asyncio.get_running_loop()
    kept.append(await loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", 0)))  # here

class TestIsolated(unittest.IsolatedAsyncioTestCase):
    async def test_isolated_leaks(self):
        await leaks()

    async def test_isolated_clean(self):
        await talks()

def test_run_leaks():
    asyncio.run(leaks())

def test_run_clean():
    asyncio.run(talks())

def test_uvloop_run_leaks():
    uvloop.run(leaks())

def test_uvloop_run_clean():
    uvloop.run(talks())

@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request):
    return ("asyncio", {"use_uvloop": request.param == "uvloop"})

@pytest.fixture
async def address(anyio_backend):
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()

@pytest.mark.anyio
async def test_anyio_leaks():
    await leaks()

@pytest.mark.anyio
async def test_anyio_clean(address):
    await talks()
    assert address
"""


def test_a_transport_left_open_is_the_tests_on_every_loop_and_a_closed_one_is_silent(suite):
    """
    Unittest's own runner, asyncio.run, uvloop.run, and anyio's plugin on both loops.
    """
    suite.write("test_loops.py", LOOPS)

    run = suite.run(plugins=("anyio",))

    line = next(number for number, text in enumerate(LOOPS.splitlines()) if text.endswith("# here"))
    assert sorted((one.kind, one.test, one.line) for one in run.found) == sorted(
        ("asyncio.transport", f"test_loops.py::{name}", ("test_loops.py", line))
        for name in (
            "TestIsolated::test_isolated_leaks",
            "test_run_leaks",
            "test_uvloop_run_leaks",
            "test_anyio_leaks[asyncio]",
            "test_anyio_leaks[uvloop]",
        )
    ), run.text
    assert run.outcomes == {"passed": 10, "errors": 5}


AIOHTTP = """
import aiohttp, pytest
from aiohttp import web

kept = []

@pytest.fixture
async def client(aiohttp_client):
    async def hello(request):
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    return await aiohttp_client(app)

async def test_clean(client):
    async with client.get("/") as response:
        assert await response.text() == "hello"

async def test_leaks(client):
    session = aiohttp.ClientSession()
    kept.append(session)
    async with session.get(client.make_url("/")) as response:
        assert await response.text() == "hello"

async def test_clean_again(aiohttp_server, aiohttp_client):
    server = await aiohttp_server(web.Application())
    assert (await (await aiohttp_client(server)).get("/")).status == 404
"""


def test_aiohttps_plugin_closes_what_its_fixtures_made_and_a_session_of_the_test_is_found(suite):
    """
    Servers and clients of `aiohttp_server` and `aiohttp_client` are silent.
    """
    suite.write("test_web.py", AIOHTTP)

    run = suite.run(plugins=("asyncio", "pytest-aiohttp"))

    assert [(one.kind, one.test, one.line) for one in run.found] == [
        ("aiohttp.session", "test_web.py::test_leaks", ("test_web.py", 20))
    ], run.text
    assert run.outcomes == {"passed": 3, "errors": 1}


APART = """
import os, socket, sqlite3
import pytest

kept = []
HERE = os.environ.setdefault("FIRST_PROCESS", str(os.getpid()))

@pytest.mark.isolated
def test_leaks():
    kept.append(socket.socket())
    assert str(os.getpid()) != HERE

@pytest.fixture(scope="module")
def shared():
    kept.append(sqlite3.connect(":memory:"))

@pytest.mark.isolated
def test_of_a_module_fixture(shared):
    assert str(os.getpid()) != HERE

def test_clean_in_the_first_process():
    assert (kept, str(os.getpid())) == ([], HERE)

def test_leaks_in_the_first_process():
    kept.append(socket.socket())
"""


def test_tests_in_processes_of_their_own_are_judged_there(suite):
    """
    pytest-isolated runs marked tests in another process: what is left open there fails the test as anywhere, and the
    first process answers only for its own.
    """
    suite.write("test_apart.py", APART)

    run = suite.run(plugins=("isolated",))

    assert run.outcomes == {"passed": 4, "errors": 3}, run.text
    blocks = run.text.split("short test summary")[0]
    for owner in ("test test_apart.py::test_leaks", "test test_apart.py::test_leaks_in_the_first_process"):
        assert blocks.count(f"  owner       {owner}  ") == 1
    assert blocks.count("  owner       module fixture shared  (test_apart.py:12)") == 1
    assert "switched off" not in run.text
