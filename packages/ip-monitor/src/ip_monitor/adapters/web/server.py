"""
The server: routes, the door in front of them, and its life beside the monitor.

    request → known host? → how large, how long → who is it → may it → handler → headers that every answer gets

Bounds: 64 KiB of body and 16 KiB of headers; a request's head and its body have to be there within `patience_s`; what is
sent and not taken for half a minute ends the connection; at most 512 connections besides the streams.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from ip_monitor.adapters.web.api import API
from ip_monitor.adapters.web.board import Board, nobody_looks
from ip_monitor.adapters.web.listening import listen
from ip_monitor.adapters.web.pages import Pages
from ip_monitor.adapters.web.rendering import Renderer
from ip_monitor.adapters.web.replies import refusal, refusal_of, security
from ip_monitor.adapters.web.sessions import Sessions
from ip_monitor.adapters.web.snapshot import Snapshots
from ip_monitor.adapters.web.streams import MOST_STREAMS, Streams, TooManyStreamsError
from ip_monitor.adapters.web.visit import Doorkeeper, Visit
from ip_monitor.errors import IPMonitorError
from ip_monitor.resilience.rate_limiter import SlidingWindowLimiter
from ip_monitor.settings.place import Place

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Callable, Iterable
    from pathlib import Path

    from aiohttp.typedefs import Handler, Middleware

    from ip_monitor.adapters.web.tokens import TokenFile
    from ip_monitor.application.admin import Admin
    from ip_monitor.application.ports import Clock
    from ip_monitor.settings import Settings

_LOG = logging.getLogger("ip_monitor")
PATIENCE_S = 15.0
LARGEST_BODY_BYTES = 65_536
LONGEST_HEADER_BYTES = 8_190
MOST_HEADERS = 64
MOST_CONNECTIONS = MOST_STREAMS + 512
ATTEMPTS_A_MINUTE = 10
_VISIT: web.RequestKey[Visit] = web.RequestKey("visit", Visit)
# What says nothing of the address may be read by everybody; probes come under names that nobody can list.
_OPEN = ("/healthz", "/readyz", "/assets/", "/sign-in", "/api/v1/openapi.json")
_ANY_HOST = ("/healthz", "/readyz")
_SIGNED_IN = ("/settings", "/act", "/sign-out", "/api/v1/settings", "/api/v1/audit", "/api/v1/actions/")
_END_S = 1.0


class WebServer:
    """
    Serves the page of one monitor. Made in a running loop; `run` serves until cancelled.

    Args:
        admin: the use cases.
        board: gets the monitor's events; see that it does.
        settings: those that apply now.
        token: what people sign in with.
        place: where to listen.
        tls: None for plain HTTP.
        patience_s: for a request's head, and again for its body, seconds.

    Raises:
        PlaceUnavailableError: the port is taken, or cannot be had.
    """

    def __init__(
        self,
        admin: Admin,
        *,
        board: Board,
        settings: Callable[[], Settings],
        token: TokenFile,
        place: Place,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._admin = admin
        self._tls = tls
        self._patience_s = patience_s
        self._board = board
        self._runner: web.AppRunner | None = None
        self._socket = listen(place)
        self.place = Place(place.host, self._socket.getsockname()[1])
        self._sessions = Sessions(token, clock=clock)
        # The name is one of this port's, because browsers share cookies among the ports of a host.
        self._cookie = f"ip_monitor_{self.place.port}"
        self._door = Doorkeeper(
            settings,
            sessions=self._sessions,
            token=token,
            attempts=SlidingWindowLimiter("sign-in", limit=ATTEMPTS_A_MINUTE, window_s=60.0, clock=clock),
            is_tls=tls is not None,
        )
        snapshots = Snapshots(admin, board, clock=clock)
        self.streams = Streams(self._picture, clock=clock)
        self._pages = Pages(
            admin,
            board=board,
            snapshots=snapshots,
            streams=self.streams,
            renderer=Renderer(),
            sessions=self._sessions,
            door=self._door,
            clock=clock,
            cookie=self._cookie,
            visit_of=_visit_of,
        )
        self._api = API(
            admin,
            board=board,
            snapshots=snapshots,
            streams=self.streams,
            visit_of=_visit_of,
        )

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://{self.place}/"

    async def run(self) -> None:
        """
        Serve until cancelled; then end the streams, and close everything.
        """
        async with self._serving():
            await self.streams.run()

    @contextlib.asynccontextmanager
    async def _serving(self) -> AsyncGenerator[None]:
        application = web.Application(middlewares=[self._middleware()], client_max_size=LARGEST_BODY_BYTES)
        application.add_routes([*self._pages.routes(), *self._api.routes()])
        application.on_response_prepare.append(self._headers)
        runner = web.AppRunner(
            application,
            access_log=None,
            logger=_LOG,
            handle_signals=False,
            handler_cancellation=True,
            keepalive_timeout=self._patience_s,
            shutdown_timeout=_END_S,
            # What follows a refused body is not waited for.
            lingering_time=0,
            max_line_size=LONGEST_HEADER_BYTES,
            max_field_size=LONGEST_HEADER_BYTES,
            max_headers=MOST_HEADERS,
        )
        loop = asyncio.get_running_loop()
        # Log lines come from other threads too.
        self._board.on_news = lambda sections: loop.call_soon_threadsafe(self.streams.tell, sections)
        self._admin.audit.listeners.append(self._board.touch)
        try:
            await runner.setup()
            await web.SockSite(runner, self._socket, ssl_context=self._tls).start()
            self._runner = runner
            yield
        finally:
            self._admin.audit.listeners.remove(self._board.touch)
            self._board.on_news = nobody_looks
            self.streams.aclose()
            await runner.cleanup()
            self._socket.close()

    async def _picture(self, variant: str, sections: Iterable[str]) -> dict[str, bytes]:
        return await self._pages.picture(variant, sections)

    def _middleware(self) -> Middleware:
        @web.middleware
        async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await answer(request, handler)
            if response.status >= 400 and request.method == "POST":
                response.force_close()  # what is left of a refused body must not look like the next request
            return response

        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                refused = await self._judge(request)
                return await handler(request) if refused is None else refused
            except web.HTTPException as error:
                return refusal(error.status, "http", error.reason, headers=_allow(error))
            except TooManyStreamsError as error:
                return refusal(503, "too_many", str(error), headers={"Retry-After": "60"})
            except IPMonitorError as error:
                return refusal_of(error)
            except TimeoutError:
                return refusal(408, "slow", f"the body was not there within {self._patience_s:g} s.")
            except Exception:  # noqa: BLE001 # a defect in one answer must not end the others
                _LOG.exception("the page failed on %s %s", request.method, request.path[:100])
                return refusal(500, "defect", "a defect of the page; the log has it.")

        return door

    async def _judge(self, request: web.Request) -> web.Response | None:
        """
        What is refused before any handler sees it; None for what may go on.
        """
        path, host = request.path, request.headers.get("Host", "")
        if path not in _ANY_HOST and not self._door.is_known_host(host):
            text = "this page does not answer to that name. If it should, add it to the setting web_origins."
            return refusal(421, "host", text)
        if (request.content_length or 0) > LARGEST_BODY_BYTES:
            return refusal(413, "too_large", f"a body has at most {LARGEST_BODY_BYTES} bytes.")
        server = None if self._runner is None else self._runner.server
        if server is not None and len(server.connections) > MOST_CONNECTIONS:
            return refusal(
                503, "too_many", "too many connections.", headers={"Retry-After": "10", "Connection": "close"}
            )
        if request.can_read_body:
            async with asyncio.timeout(self._patience_s):
                await request.read()
        return await self._admit(request, path, host)

    async def _admit(self, request: web.Request, path: str, host: str) -> web.Response | None:
        visit = self._door.admit(
            peer=request.remote or "", host=host, headers=request.headers, cookie=request.cookies.get(self._cookie)
        )
        request[_VISIT] = visit
        if not path.startswith(_OPEN) and not visit.may_read:
            return self._sign_in_first(request)
        if path.startswith(_SIGNED_IN) and not visit.is_signed_in:
            return self._sign_in_first(request)
        if request.method not in {"GET", "HEAD"}:
            return await self._check_source(request, visit, host)
        return None

    async def _check_source(self, request: web.Request, visit: Visit, host: str) -> web.Response | None:
        """
        Whether a form comes from this page itself, and from the session that it was made for.

        Source: OWASP, Cross-Site Request Forgery Prevention; W3C, Fetch Metadata.
        """
        origin = request.headers.get("Origin")
        if origin is not None and not self._door.is_own_origin(origin, host):
            return refusal(403, "origin", "this comes from another site's page.")
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            return refusal(403, "origin", "this comes from another site's page.")
        if visit.is_bearer or request.path == "/sign-in":
            return None
        given = request.headers.get("X-CSRF-Token")
        if given is None and request.content_type != "application/json":
            given = str((await request.post()).get("csrf", ""))
        if visit.session is None or not visit.session.is_csrf(given or ""):
            return refusal(403, "csrf", "the form is of another session. Load the page again.")
        return None

    def _sign_in_first(self, request: web.Request) -> web.Response:
        if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
            return web.Response(status=303, headers={"Location": "/sign-in", "Cache-Control": "no-store"})
        headers = {"WWW-Authenticate": 'Bearer realm="ip-monitor"'}
        return refusal(401, "sign_in", "sign in first, or send the token: Authorization: Bearer …", headers=headers)

    async def _headers(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(security())


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """
    TLS 1.2 and later with this certificate. Blocks.

    Raises:
        OSError: a file cannot be read, or is no certificate or key; `ssl.SSLError` is one.
    """
    import ssl  # noqa: PLC0415 # only who serves TLS needs it

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


def _visit_of(request: web.Request) -> Visit:
    visit: Visit = request[_VISIT]
    return visit


def _allow(error: web.HTTPException) -> dict[str, str]:
    allowed = error.headers.get("Allow")
    return {} if allowed is None else {"Allow": allowed}
