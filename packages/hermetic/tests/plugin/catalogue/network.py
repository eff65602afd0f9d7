"""
Sockets, transports, servers.
"""

import asyncio
import socket

import anyio
import pytest
from hermetic.world.http import MockServer

kept = []


@pytest.mark.finds("socket")
def test_defect_socket_left_open():
    kept.append(socket.socket())  # here


@pytest.mark.finds("socket")
def test_defect_listening_socket_left_open():
    kept.append(socket.create_server(("127.0.0.1", 0)))  # here


@pytest.mark.finds("socket")
def test_defect_accepted_socket_left_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        kept.append(server.accept()[0])  # here


def test_clean_sockets():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        server.accept()[0].close()


def test_clean_socket_detached_and_closed():
    socket.close(socket.socket().detach())


async def echo(reader, writer):
    while data := await reader.read(100):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
async def server():
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()


@pytest.fixture
async def polite_server():
    writers = []

    async def handle(reader, writer):
        writers.append(writer)
        await echo(reader, writer)
        await writer.wait_closed()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()
        for writer in writers:
            await writer.wait_closed()


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    yield ours
    theirs.close()


@pytest.mark.finds("asyncio.transport")
async def test_defect_transport_left_open(pair):
    kept.append(await asyncio.open_connection(sock=pair))  # here


@pytest.mark.finds("asyncio.transport")
async def test_defect_transport_opened_in_a_task_of_wait_for(pair):
    kept.append(await asyncio.wait_for(asyncio.open_connection(sock=pair), 5))  # here


@pytest.mark.finds("asyncio.transport")
async def test_defect_transport_opened_in_a_task_of_gather(pair):
    kept.append(await asyncio.gather(asyncio.open_connection(sock=pair)))  # here


@pytest.mark.finds("asyncio.transport")
async def test_defect_transport_opened_in_a_task_group_of_anyio():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept.append(await anyio.connect_tcp(*listening.getsockname()))  # here


async def test_clean_transport(polite_server):
    _, writer = await asyncio.open_connection(*polite_server)
    writer.close()
    await writer.wait_closed()


async def test_clean_transport_closed_without_waiting(polite_server):
    _, writer = await asyncio.open_connection(*polite_server)
    writer.close()


@pytest.mark.finds("asyncio.transport")
async def test_defect_datagram_transport_left_open():
    loop = asyncio.get_running_loop()
    kept.append(await loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", 0)))  # here


@pytest.mark.finds("asyncio.server")
async def test_defect_server_left_open():
    kept.append(await asyncio.start_server(echo, "127.0.0.1", 0))  # here


async def test_clean_server():
    async with await asyncio.start_server(echo, "127.0.0.1", 0):
        pass


@pytest.mark.finds("asyncio.loop")
def test_defect_loop_never_closed():
    kept.append(asyncio.new_event_loop())  # here


def test_clean_loop():
    asyncio.new_event_loop().close()
    asyncio.run(asyncio.sleep(0))


@pytest.fixture(scope="module")
def mock():
    with MockServer("shared") as server:
        yield server


def test_clean_server_of_a_broader_fixture_that_a_test_took_down_and_up_again(mock):
    mock.down_blocking()
    mock.up_blocking()
