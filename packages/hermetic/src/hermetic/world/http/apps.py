"""
Real applications behind a mock server: any ASGI application, or one of aiohttp.web.

The application makes the replies; the server does everything else, so the same faults, latency, recording and stop
apply. Without a fault a reply is passed on as it is made, piece by piece; with one it is made whole first, and the
fault plays on it. WebSockets and other upgrades are not passed on.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Protocol

from hermetic.world.http.errors import AppError
from hermetic.world.http.faults.model import Sender
from hermetic.world.http.proxy import Passage
from hermetic.world.http.reply import HeaderPairs, Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from hermetic.world.http.outlet import Outlet
    from hermetic.world.http.request import Request

    Message = MutableMapping[str, Any]
    ASGI = Callable[
        [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
        Awaitable[None],
    ]

# An application that does not finish its startup by then is broken; one that does not finish its shutdown is left.
STARTUP_S = 10.0
SHUTDOWN_S = 0.1


class Taker(Protocol):
    """
    Takes a reply as an application makes it.
    """

    async def begin(self, status: int, headers: HeaderPairs) -> None: ...

    async def piece(self, data: bytes) -> None: ...

    async def end(self, *, is_complete: bool) -> None: ...


class App(Sender):
    """
    An application as an answer. Started with the server, or by the first request; ended by the server's stop.
    """

    def __init__(self) -> None:
        self._starting: asyncio.Future[None] | None = None

    async def startup(self) -> None: ...

    async def shutdown(self) -> None: ...

    async def run(self, request: Request, taker: Taker) -> None:
        """
        Let the application answer one request.

        Raises:
            AppError: it made no reply.
        """
        raise NotImplementedError

    async def start(self) -> None:
        """
        Once, however many requests come meanwhile.

        Raises:
            AppError: its startup failed.
        """
        if self._starting is None:
            self._starting = asyncio.ensure_future(asyncio.wait_for(self.startup(), STARTUP_S))
        try:
            await asyncio.shield(self._starting)
        except AppError:
            raise
        except Exception as error:  # whatever an application raises is a reply
            raise AppError(what="its startup failed", why=f"{type(error).__name__}: {error}") from error

    async def stop(self) -> None:
        """
        End it, in a bounded time; what it leaves behind is its own.
        """
        starting, self._starting = self._starting, None
        if starting is None:
            return
        starting.cancel()
        with contextlib.suppress(Exception, asyncio.CancelledError):
            await starting
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self.shutdown(), 2 * SHUTDOWN_S)

    async def whole(self, request: Request) -> Reply:
        """
        The complete reply, for a fault to play on.
        """
        await self.start()
        kept = _Whole()
        await self.run(request, kept)
        return kept.reply()

    async def send(self, out: Outlet, reply: Reply) -> None:
        passed = _Passed(out)
        try:
            await self.start()
            await self.run(out.request, passed)
        except Exception as error:  # noqa: BLE001  # whatever an application raises is a reply
            out.call.error = f"{type(error).__name__}: {error}"
            out.call.outcome = "handler failed"
            if passed.is_begun:
                await passed.end(is_complete=False)
            else:
                failed = Reply(500, (("Content-Type", "text/plain"),), out.call.error.encode("utf-8", "replace"))
                await out.send(failed.with_headers(reply.headers))


class _Passed:
    """
    Passes a reply on as it is made.
    """

    def __init__(self, out: Outlet) -> None:
        self._out = out
        self._passage: Passage | None = None

    @property
    def is_begun(self) -> bool:
        return self._passage is not None

    async def begin(self, status: int, headers: HeaderPairs) -> None:
        self._passage = Passage(self._out, status, Reply(status).phrase, headers)
        await self._passage.begin()

    async def piece(self, data: bytes) -> None:
        if self._passage is not None:
            await self._passage.piece(data)

    async def end(self, *, is_complete: bool) -> None:
        if self._passage is not None:
            await self._passage.end(is_complete=is_complete)


class _Whole:
    """
    Keeps a reply until it is complete.
    """

    def __init__(self) -> None:
        self._head: tuple[int, HeaderPairs] = (200, ())
        self._body: list[bytes] = []

    async def begin(self, status: int, headers: HeaderPairs) -> None:
        self._head = (status, headers)

    async def piece(self, data: bytes) -> None:
        self._body.append(data)

    async def end(self, *, is_complete: bool) -> None: ...

    def reply(self) -> Reply:
        status, headers = self._head
        kept = tuple(pair for pair in headers if pair[0].lower() not in {"content-length", "transfer-encoding"})
        return Reply(status, kept, b"".join(self._body))


class ASGIApp(App):
    """
    Source: ASGI specification 3.0, HTTP message format 2.3 and lifespan 2.0.
    """

    def __init__(self, app: ASGI) -> None:
        super().__init__()
        self._app = app
        self._state: dict[str, Any] = {}
        self._lifespan: asyncio.Task[None] | None = None
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message] = asyncio.Queue()

    async def startup(self) -> None:
        self._events, self._answers = asyncio.Queue(), asyncio.Queue()
        scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self._state}
        self._lifespan = asyncio.ensure_future(_awaited(self._app(scope, self._events.get, self._answers.put)))
        self._events.put_nowait({"type": "lifespan.startup"})
        answer = asyncio.ensure_future(self._answers.get())
        try:
            await asyncio.wait({answer, self._lifespan}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answer.cancel()
        if answer.done() and not answer.cancelled() and answer.result()["type"] == "lifespan.startup.failed":
            raise AppError(
                what="its lifespan startup failed", why=str(answer.result().get("message", "no reason given"))
            )
        # An application that ends or raises instead does not know lifespan events, which it may.
        if self._lifespan.done() and not self._lifespan.cancelled():
            self._lifespan.exception()

    async def shutdown(self) -> None:
        if self._lifespan is None:
            return
        try:
            if not self._lifespan.done():
                self._events.put_nowait({"type": "lifespan.shutdown"})
                await asyncio.wait({self._lifespan}, timeout=SHUTDOWN_S)
        finally:
            self._lifespan.cancel()
            await asyncio.wait({self._lifespan}, timeout=SHUTDOWN_S)

    async def run(self, request: Request, taker: Taker) -> None:
        inbox: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]
        state = {"begun": False, "ended": False}

        async def receive() -> Message:
            if inbox:
                return inbox.pop()
            # When the client leaves, the exchange is cancelled, and the application with it.
            forever: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
            return await forever

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                pairs = message.get("headers", ())
                headers = tuple((bytes(k).decode("latin-1"), bytes(v).decode("latin-1")) for k, v in pairs)
                state["begun"] = True
                await taker.begin(message["status"], headers)
            elif message["type"] == "http.response.body" and state["begun"] and not state["ended"]:
                await taker.piece(bytes(message.get("body", b"")))
                if not message.get("more_body", False):
                    state["ended"] = True
                    await taker.end(is_complete=True)

        await self._app(self._scope(request), receive, send)
        if not state["ended"]:
            raise AppError(what="it returned without a complete reply", why="no last http.response.body was sent")

    def _scope(self, request: Request) -> dict[str, Any]:
        host, _, port = request.peer.rpartition(":")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": request.version,
            "method": request.method,
            "scheme": "https" if request.is_tls else "http",
            "path": request.decoded_path,
            "raw_path": request.path.encode("latin-1"),
            "query_string": request.query_string.encode("latin-1"),
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.raw_headers],
            "client": (host, int(port)) if port.isdigit() else None,
            "server": None,
            "state": dict(self._state),
        }


async def _awaited(work: Awaitable[None]) -> None:
    await work
