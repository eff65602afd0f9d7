"""
What people look at, and the forms that they send. Everything works without JavaScript, which only makes it live.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ip_monitor.adapters.web import acts, static
from ip_monitor.adapters.web.board import SECTIONS
from ip_monitor.adapters.web.replies import HTML, JSON, as_json, plain, refusal, refusal_of, tagged
from ip_monitor.adapters.web.snapshot import as_seen
from ip_monitor.adapters.web.streams import RETRY, message
from ip_monitor.application.admin import ChangeUnknownError
from ip_monitor.application.ballot_json import ballot_as_json
from ip_monitor.application.change_json import change_as_json
from ip_monitor.domain.wording import stamp
from ip_monitor.errors import IPMonitorError
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ip_monitor.adapters.web.board import Board
    from ip_monitor.adapters.web.rendering import Renderer
    from ip_monitor.adapters.web.sessions import Sessions
    from ip_monitor.adapters.web.snapshot import Snapshots
    from ip_monitor.adapters.web.streams import Streams
    from ip_monitor.adapters.web.visit import Doorkeeper, Visit
    from ip_monitor.application.admin import Admin
    from ip_monitor.application.ports import Clock

_FOR_EVER = "public, max-age=31536000, immutable"
_SEND_S = 30.0
_BACK = ("/", "/settings")


class Pages:
    """
    The handlers. `visit_of` gives what the door decided about a request; `cookie` is the name of the session's cookie.
    """

    def __init__(
        self,
        admin: Admin,
        *,
        board: Board,
        snapshots: Snapshots,
        streams: Streams,
        renderer: Renderer,
        sessions: Sessions,
        door: Doorkeeper,
        clock: Clock,
        cookie: str,
        visit_of: Callable[[web.Request], Visit],
    ) -> None:
        self._admin = admin
        self._board = board
        self._snapshots = snapshots
        self._streams = streams
        self._renderer = renderer
        self._sessions = sessions
        self._door = door
        self._clock = clock
        self._cookie = cookie
        self._visit_of = visit_of

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.first_screen),
            web.get("/changes/{key}", self.change),
            web.get("/settings", self.settings),
            web.get("/sign-in", self.sign_in_form),
            web.post("/sign-in", self.sign_in),
            web.post("/sign-out", self.sign_out),
            web.post("/act", self.act),
            web.get("/events", self.events),
            web.get("/assets/{name}", self.asset),
        ]

    async def first_screen(self, request: web.Request) -> web.Response:
        visit = self._visit_of(request)
        state = await self._snapshots.take()
        return await self._page(request, "page.html", state=as_seen(state, is_masked=visit.is_masked))

    async def change(self, request: web.Request) -> web.Response:
        """
        One change, with everything that was said about it.
        """
        key = request.match_info["key"]
        if not key.isalnum():
            raise ChangeUnknownError(key, 0)
        found = await self._admin.watch.why(key)
        state: dict[str, Any] = {
            "now": stamp(utc_now(self._clock)),
            "change": None if found.change is None else change_as_json(found.change),
            "ballots": [ballot_as_json(ballot) for ballot in found.ballots],
        }
        return await self._page(
            request, "change.html", state=as_seen(state, is_masked=self._visit_of(request).is_masked)
        )

    async def settings(self, request: web.Request) -> web.Response:
        views = await self._admin.config.show()
        return await self._page(request, "settings.html", views=views, local_only=acts.LOCAL_ONLY)

    async def sign_in_form(self, request: web.Request) -> web.Response:
        return await self._page(request, "sign-in.html", wrong="")

    async def sign_in(self, request: web.Request) -> web.Response:
        """
        A right token opens a session; a wrong one is told so, and counted.
        """
        words = await request.post()
        if not self._door.is_token(str(words.get("token", ""))):
            return await self._page(request, "sign-in.html", wrong="This is not the token.", status=403)
        cookie, session = self._sessions.open()
        session.note = "You are signed in."
        response = web.Response(status=303, headers={"Location": "/", "Cache-Control": "no-store"})
        is_secure = self._visit_of(request).is_secure
        response.set_cookie(self._cookie, cookie, path="/", httponly=True, samesite="Strict", secure=is_secure)
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        session = self._visit_of(request).session
        if session is not None:
            self._sessions.close(session)
            self._streams.review()
        response = web.Response(status=303, headers={"Location": "/", "Cache-Control": "no-store"})
        response.del_cookie(self._cookie, path="/")
        return response

    async def act(self, request: web.Request) -> web.Response:
        """
        A form's action. The page's script wants the answer as JSON; a browser without it gets the page again.
        """
        words = {key: str(value) for key, value in (await request.post()).items()}
        name, arguments = acts.from_form(words)
        is_script = JSON in request.headers.get("Accept", "")
        try:
            found = await acts.act(self._admin, name, arguments, peer=request.remote or "somewhere")
        except IPMonitorError as error:
            if is_script:
                return refusal_of(error)
            note = str(error)
        else:
            note = acts.told(name, arguments, found)
            if is_script:
                return plain(as_json({"text": note}), JSON)
        session = self._visit_of(request).session
        if session is not None:
            session.note = note
        back = words.get("back", "/")
        return web.Response(status=303, headers={"Location": back if back in _BACK else "/"})

    async def asset(self, request: web.Request) -> web.StreamResponse:
        try:
            asset = static.load(request.match_info["name"])
        except KeyError:
            return refusal(404, "unknown", "there is no such file.")
        return tagged(request, asset.plain, asset.kind, tag=f'"{asset.tag}"', packed=asset.packed, cache=_FOR_EVER)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """
        News as they come: `status` as JSON, or with `?as=html` the sections of the page.
        """
        visit = self._visit_of(request)
        as_html = request.query.get("as") == "html"
        variant = f"{'html' if as_html else 'json'} {int(visit.is_masked)} {int(visit.is_signed_in)}"
        peer, host, headers = request.remote or "", request.host, request.headers
        stream = self._streams.join(
            variant, is_allowed=lambda: self._door.is_still(visit, peer=peer, host=host, headers=headers)
        )
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                # A proxy that gathers would hold news back.
                "X-Accel-Buffering": "no",
            }
        )
        try:
            await response.prepare(request)
            # What changed between drawing the page and this comes along, so that nothing is missed.
            first = await self.picture(variant, SECTIONS)
            data = RETRY + b"".join(first.values())
            while data:
                async with asyncio.timeout(_SEND_S):
                    await response.write(data)
                data = await stream.take()
        except (TimeoutError, ConnectionError):
            pass  # a client that is gone, or does not read
        finally:
            self._streams.leave(stream)
        return response

    async def picture(self, variant: str, sections: Iterable[str]) -> dict[str, bytes]:
        """
        What clients of a variant are sent when these sections changed.
        """
        form, is_masked, is_signed_in = variant.split()
        wanted = set(sections)
        if form == "json":
            return await self._programs(wanted, is_masked=is_masked == "1")
        await self._renderer.prepare()
        state = await self._snapshots.take()
        shown = as_seen(state, is_masked=is_masked == "1")
        return {
            name: message(
                "section",
                {
                    "name": name,
                    "html": self._renderer.section(name, shown, is_signed_in=is_signed_in == "1"),
                },
            )
            for name in SECTIONS
            if name in wanted
        }

    async def _programs(self, wanted: set[str], *, is_masked: bool) -> dict[str, bytes]:
        events: dict[str, bytes] = {}
        if "address" in wanted:
            state = await self._snapshots.status()
            events["status"] = message("status", as_seen(state, is_masked=is_masked))
        newest = self._board.newest
        if "changes" in wanted and newest is not None:
            change = change_as_json(newest)
            events["change"] = message("change", as_seen(change, is_masked=is_masked), key=newest.key)
        return events

    async def _page(self, request: web.Request, name: str, *, status: int = 200, **values: Any) -> web.Response:
        await self._renderer.prepare()
        visit = self._visit_of(request)
        note = ""
        if visit.session is not None:
            note, visit.session.note = visit.session.note, ""
        html = self._renderer.page(name, visit=visit, note=note, path=request.path, **values).encode()
        if status != 200 or note:
            return plain(html, HTML, status=status)
        return tagged(request, html, HTML, cache="private, no-cache")
