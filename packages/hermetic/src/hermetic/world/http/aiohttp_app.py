"""
An aiohttp.web application behind a mock server, without a socket between them: its own protocol reads the request
from memory and writes the reply there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httptools
from aiohttp import web

from hermetic.world.http.apps import App, Taker
from hermetic.world.http.errors import AppError
from hermetic.world.http.upstream import HOP_BY_HOP

if TYPE_CHECKING:
    from hermetic.world.http.request import Request


class AiohttpApp(App):
    """
    The application is set up on the server's loop; it must not run elsewhere.
    """

    def __init__(self, app: web.Application) -> None:
        super().__init__()
        self._app = app
        self._runner: web.AppRunner | None = None

    async def startup(self) -> None:
        # Without a time-out of 0 a cleanup waits a minute for handlers; cancelled ones are to see it.
        runner = web.AppRunner(self._app, handle_signals=False, shutdown_timeout=0, handler_cancellation=True)
        await runner.setup()
        self._runner = runner

    async def shutdown(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def run(self, request: Request, taker: Taker) -> None:
        if self._runner is None or self._runner.server is None:
            raise AppError(what="it is not running", why="it was stopped")
        protocol: Any = self._runner.server()
        pipe = _Pipe(request)
        protocol.connection_made(pipe)
        try:
            protocol.data_received(_as_sent(request))
            while (part := await pipe.parts.get()) is not None:
                match part:
                    case bytes():
                        await taker.piece(part)
                    case (status, headers):
                        await taker.begin(status, headers)
            if not pipe.is_complete:
                raise AppError(what="it closed the connection", why="before its reply was complete")
            await taker.end(is_complete=True)
        finally:
            protocol.connection_lost(None)


def _as_sent(request: Request) -> bytes:
    lines = [f"{request.method} {request.target} HTTP/1.1".encode("latin-1")]
    skipped = HOP_BY_HOP | {"content-length", "expect"}
    lines += [b"%b: %b" % pair for pair in request.raw_headers if pair[0].decode("latin-1").lower() not in skipped]
    if request.body:
        lines.append(b"Content-Length: %d" % len(request.body))
    lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + request.body


class _Pipe(asyncio.Transport):
    """
    What the application writes, parsed into a head, pieces, and None for the end.
    """

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.parts: asyncio.Queue[tuple[int, tuple[tuple[str, str], ...]] | bytes | None] = asyncio.Queue()
        self.is_complete = False
        self._request = request
        self._headers: list[tuple[str, str]] = []
        self._parser = httptools.HttpResponseParser(self)
        self._is_closing = False

    # ------------------------------------------------------------ the parser's side

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self._headers.clear()
            return
        self.parts.put_nowait((status, tuple(self._headers)))
        if self._request.method == "HEAD":
            # Its length announces a body that never comes.
            self._finish(is_complete=True)

    def on_body(self, body: bytes) -> None:
        self.parts.put_nowait(body)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self._finish(is_complete=True)

    def _finish(self, *, is_complete: bool) -> None:
        if not self.is_complete:
            self.is_complete = is_complete
            self.parts.put_nowait(None)

    # ------------------------------------------------------------ the application's side

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.is_complete:
            self._parser.feed_data(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        self._is_closing = True
        # A body without a length ends with the connection.
        has_length = any(name.lower() in {"content-length", "transfer-encoding"} for name, _ in self._headers)
        self._finish(is_complete=bool(self._headers) and not has_length)

    def abort(self) -> None:
        self.close()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        if name == "peername":
            host, _, port = self._request.peer.rpartition(":")
            return (host, int(port)) if port.isdigit() else default
        return default

    def is_reading(self) -> bool:
        return True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
