"""
The socket beside the database: what passes over it, and what does not.
"""

from __future__ import annotations

import asyncio
import json
import socket
import stat

import pytest
from ip_monitor.adapters.control import ControlServer, ControlUnavailableError, call
from ip_monitor.adapters.control.client import RefusedByMonitorError
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.application.providers import UnknownSourceError
from ip_monitor.errors import IPMonitorError

REACHED = asyncio.Event()


async def handle(name, arguments, who):
    match name:
        case "echo":
            return {"arguments": arguments, "who": who}
        case "unknown":
            raise UnknownSourceError("x", ["y"])
        case "storage":
            raise StorageUnavailableError("disk is full")
        case "failed":
            raise IPMonitorError("no")
        case "hang":
            REACHED.set()
            await asyncio.Event().wait()
        case _:
            raise ZeroDivisionError("oops")
    return None


@pytest.fixture
async def served(tmp_path):
    """
    A server; `ask` asks it from a thread, as another process would.
    """
    database = tmp_path / "ip.sqlite3"
    server = ControlServer(database, handle)
    await server.start()
    server.database = database
    yield server
    await server.aclose()


def ask(server, do, **arguments):
    return asyncio.to_thread(call, server.database, do, arguments, who="alice", patience_s=20)


async def raw(server, data):
    reader, writer = await asyncio.open_unix_connection(str(server._path))
    writer.write(data)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_use_case_gets_its_arguments_and_who_asks(served):
    """
    And its result comes back.
    """
    assert await ask(served, "echo", sink="log", count=3) == {"arguments": {"sink": "log", "count": 3}, "who": "alice"}


@pytest.mark.parametrize(
    ("do", "kind", "text"),
    [
        ("unknown", "refused", "no provider 'x'"),
        ("storage", "storage", "disk is full"),
        ("failed", "failed", "no"),
        ("defect", "failed", "ZeroDivisionError: oops"),
    ],
)
async def test_a_refusal_keeps_its_words_and_its_kind(served, do, kind, text):
    """
    A defect of one use case is told and does not end the server.
    """
    with pytest.raises(RefusedByMonitorError, match=text) as refused:
        await ask(served, do)

    assert refused.value.kind == kind
    assert await ask(served, "echo")


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"no json\n", b"[]\n", b"{}\n", b'{"do": "echo", "with": 7}\n', b"[" * 5000 + b"\n", b"\xff\xfe\n"],
)
async def test_what_cannot_be_read_is_answered_and_harms_nothing(served, data):
    """
    Nothing is called.
    """
    answer = json.loads(await raw(served, data))

    assert answer["error"]["kind"] == "refused"
    assert await ask(served, "echo")


async def test_a_question_without_end_is_cut_off(served):
    """
    Two mebibytes of one line: no answer, and the next one is served.
    """
    reader, writer = await asyncio.open_unix_connection(str(served._path))
    try:
        writer.write(b"x" * 2 * 2**20)
        assert await reader.read() == b""
    except ConnectionError:
        pass  # the server may close before all was written
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)

    assert await ask(served, "echo")


async def test_only_its_own_user_may_open_it(served):
    """
    By the file's mode; the peer's user is asked of the kernel besides.
    """
    assert stat.S_IMODE(served._path.stat().st_mode) == 0o600


async def test_a_socket_left_by_a_killed_monitor_is_replaced(served, tmp_path):
    """
    Nobody listens on it any more; a file that is no socket is left alone.
    """
    stale = tmp_path / "old.sqlite3.control"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(stale))
    with pytest.raises(ControlUnavailableError, match="refused"):
        call(tmp_path / "old.sqlite3", "echo", {}, who="alice")
    server = ControlServer(tmp_path / "old.sqlite3", handle)
    await server.start()
    await server.aclose()
    (tmp_path / "file.sqlite3.control").write_text("precious")
    with pytest.raises(OSError, match="in use"):
        await ControlServer(tmp_path / "file.sqlite3", handle).start()

    assert not stale.exists()
    assert (tmp_path / "file.sqlite3.control").read_text() == "precious"


async def test_a_path_longer_than_an_address_works(tmp_path):
    """
    108 bytes are all that a Unix socket's address holds.
    """
    directory = tmp_path / ("d" * 120)
    directory.mkdir()
    server = ControlServer(directory / "ip.sqlite3", handle)
    server.database = directory / "ip.sqlite3"
    await server.start()
    try:
        assert await ask(server, "echo")
    finally:
        await server.aclose()


async def test_closing_ends_what_is_being_answered(served):
    """
    A use case that hangs does not keep the monitor from ending; who asked is told.
    """
    asked = asyncio.create_task(ask(served, "hang"))
    async with asyncio.timeout(20):
        await REACHED.wait()
    await served.aclose()

    with pytest.raises(ControlUnavailableError, match="cannot be read"):
        await asked


def test_nobody_there_is_told_with_what_to_do(tmp_path):
    """
    The text names the database.
    """
    with pytest.raises(ControlUnavailableError, match=r"ip.sqlite3 cannot be asked"):
        call(tmp_path / "ip.sqlite3", "echo", {}, who="alice")
