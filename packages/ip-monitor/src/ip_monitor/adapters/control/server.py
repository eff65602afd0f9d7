"""
The side of the monitor: a Unix socket beside the database, one question and one answer a connection.

A question is a line of JSON, `{"do": "queue.stop", "with": {…}, "who": "alice"}`; the answer is `{"ok": …}` or
`{"error": {"kind": …, "text": …}}`. Only this user and root may ask: the kernel says who is at the other end.

Source: unix(7), SO_PEERCRED.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import stat
import struct
from typing import TYPE_CHECKING, Any

from ip_monitor.adapters.control.place import LONGEST_MESSAGE_BYTES, SUFFIX, short_path
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Handler = Callable[[str, dict[str, Any], str], Awaitable[object]]

_LOG = logging.getLogger("ip_monitor")
_PATIENCE_S = 5.0
_MOST_CONNECTIONS = 16


class ControlServer:
    """
    Args:
        database: whose monitor this is; its instance lock must be held.
        handle: from the name of a use case, its arguments and who asks to what JSON can hold.
    """

    def __init__(self, database: Path, handle: Handler) -> None:
        self._path = database.with_name(database.name + SUFFIX)
        self._database = database
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._busy: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """
        Raises:
            OSError: the socket cannot be made there.
        """
        # What a killed monitor left. Ours is the lock, so nobody listens on it.
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(self._path.lstat().st_mode):
                self._path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            with short_path(self._database) as path:
                listener.bind(path)
                os.chmod(path, 0o600)  # noqa: PTH101 # a path to a descriptor is no file's own
            self._server = await asyncio.start_unix_server(
                self._connected, sock=listener, limit=LONGEST_MESSAGE_BYTES, backlog=_MOST_CONNECTIONS
            )
        except BaseException:
            listener.close()
            raise

    async def aclose(self) -> None:
        """
        Stop listening, and end what is being answered. Idempotent.
        """
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for task in self._busy:
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)
        with contextlib.suppress(OSError):
            self._path.unlink()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)
        try:
            if _is_allowed(writer) and len(self._busy) <= _MOST_CONNECTIONS:
                async with asyncio.timeout(_PATIENCE_S):
                    line = await reader.readline()
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                async with asyncio.timeout(_PATIENCE_S):
                    await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass  # who asked has gone, or never asked; nothing was done by halves
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, line: bytes) -> dict[str, object]:
        try:
            question: dict[str, Any] = json.loads(line)
            name, who = str(question["do"]), str(question.get("who", "somebody"))
            arguments: dict[str, Any] = dict(question.get("with", {}))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return _error("refused", "the question cannot be read; it is of another version of ip-monitor.")
        try:
            return {"ok": await self._handle(name, arguments, who)}
        except IPMonitorError as error:
            is_refusal = isinstance(error, ValueError | LookupError)
            kind = "refused" if is_refusal else "storage" if isinstance(error, OSError) else "failed"
            return _error(kind, str(error))
        except Exception as error:  # noqa: BLE001 # a defect in one use case must not end the monitor
            _LOG.exception("the use case %s failed", name[:60])
            return _error("failed", f"a defect of the monitor: {type(error).__name__}: {error}")


def _error(kind: str, text: str) -> dict[str, object]:
    return {"error": {"kind": kind, "text": text}}


def _is_allowed(writer: asyncio.StreamWriter) -> bool:
    peer: socket.socket = writer.get_extra_info("socket")
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return uid in {0, os.geteuid()}
