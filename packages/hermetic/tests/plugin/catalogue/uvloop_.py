"""
The same on uvloop's loop, whose parts are written in C.
"""

import asyncio
import contextlib
import warnings

import pytest
import uvloop

kept = []


@pytest.fixture(scope="module")
def event_loop_policy():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return uvloop.EventLoopPolicy()


async def echo(reader, writer):
    await reader.read(1)
    writer.close()


class Holds(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport


@pytest.fixture
async def address():
    loop = asyncio.get_running_loop()
    protocols = []

    def made():
        protocols.append(Holds())
        return protocols[-1]

    server = await loop.create_server(made, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()
    server.close()
    for one in protocols:
        one.transport.abort()


@pytest.mark.finds("asyncio.transport")
async def test_defect_transport_left_open(address):
    kept.append(await asyncio.open_connection(*address))  # here


@pytest.mark.finds("asyncio.transport")
async def test_defect_accepted_transport_left_open():
    accepted = asyncio.Event()

    async def handle(reader, writer):
        kept.append(writer)
        accepted.set()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:  # here
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await accepted.wait()
        writer.close()
        await writer.wait_closed()
        server.close()


async def test_clean_transport(address):
    _, writer = await asyncio.open_connection(*address)
    writer.close()
    await writer.wait_closed()


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


@pytest.mark.finds("asyncio.subprocess")
async def test_defect_subprocess_left_running():
    kept.append(await asyncio.create_subprocess_exec("sleep", "60"))  # here


async def test_clean_subprocess():
    process = await asyncio.create_subprocess_exec("true")
    assert await process.wait() == 0


async def forever():
    await asyncio.Event().wait()


@pytest.mark.finds("asyncio.task")
async def test_defect_task_left_running():
    kept.append(asyncio.create_task(forever()))  # here
    await asyncio.sleep(0)


async def test_clean_task():
    task = asyncio.create_task(forever())
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.mark.finds("asyncio.timer")
async def test_defect_scheduled_call_never_cancelled():
    def later():
        pass

    asyncio.get_running_loop().call_later(60, later)  # here


async def test_clean_scheduled_calls():
    done = asyncio.Event()

    def later():
        done.set()

    asyncio.get_running_loop().call_later(60, later).cancel()
    asyncio.get_running_loop().call_later(0.001, later)
    await done.wait()


async def numbers():
    for number in range(3):
        yield number


@pytest.mark.finds("async_generator")
async def test_defect_generator_never_finished():
    generator = numbers()
    kept.append(generator)
    await anext(generator)  # here


async def test_clean_generator():
    assert [number async for number in numbers()] == [0, 1, 2]


@pytest.mark.finds("asyncio.loop")
def test_defect_loop_never_closed():
    kept.append(uvloop.new_event_loop())  # here


def test_clean_loop():
    async def main():
        assert await asyncio.to_thread(int) == 0

    uvloop.run(main())


@pytest.mark.finds("asyncio.transport")
def test_defect_transport_left_open_in_a_run_of_its_own():
    async def main():
        loop = asyncio.get_running_loop()
        kept.append(await loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", 0)))  # here

    uvloop.run(main())
