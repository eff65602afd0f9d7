"""
What programs read: `/api/v1/…`, `/healthz`, `/readyz`, `/metrics`, `/badge.svg`; and what they may do with the token.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from ip_monitor.adapters.web import acts
from ip_monitor.adapters.web.badge import badge
from ip_monitor.adapters.web.openapi import document
from ip_monitor.adapters.web.replies import JSON, as_json, plain, refusal, tag_of, tagged
from ip_monitor.adapters.web.snapshot import as_seen
from ip_monitor.application.admin.plain import as_plain
from ip_monitor.application.ballot_json import ballot_as_json
from ip_monitor.application.change_json import change_as_json
from ip_monitor.domain.addresses import Family
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ip_monitor.adapters.web.board import Board
    from ip_monitor.adapters.web.snapshot import Snapshots
    from ip_monitor.adapters.web.streams import Streams
    from ip_monitor.adapters.web.visit import Visit
    from ip_monitor.application.admin import Admin
    from ip_monitor.domain.audit import AuditEntry
    from ip_monitor.domain.ballots import Ballot

_LONGEST_PAGE = 1000
_USUAL_PAGE = 20
_LONGEST_KEY = 64


class QueryRefusedError(IPMonitorError, ValueError):
    """
    A parameter of a question that cannot be used.
    """


class API:
    """
    The handlers. `visit_of` gives what the door decided about a request.
    """

    def __init__(
        self,
        admin: Admin,
        *,
        board: Board,
        snapshots: Snapshots,
        streams: Streams,
        visit_of: Callable[[web.Request], Visit],
    ) -> None:
        self._admin = admin
        self._board = board
        self._snapshots = snapshots
        self._streams = streams
        self._visit_of = visit_of
        self._status: dict[bool, tuple[int, bytes, str]] = {}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self.healthz),
            web.get("/readyz", self.readyz),
            web.get("/metrics", self.metrics),
            web.get("/badge.svg", self.badge),
            web.get("/api/v1/openapi.json", self.openapi),
            web.get("/api/v1/status", self.status),
            web.get("/api/v1/providers", self._json(self._providers)),
            web.get("/api/v1/changes", self._json(self._changes)),
            web.get("/api/v1/why", self._json(self._why)),
            web.get("/api/v1/changes/{key}", self._json(self._change)),
            web.get("/api/v1/timeline", self._json(self._timeline)),
            web.get("/api/v1/queue", self._json(self._queue)),
            web.get("/api/v1/health", self._json(self._health)),
            web.get("/api/v1/settings", self._json(self._shown_settings)),
            web.get("/api/v1/audit", self._json(self._audit)),
            web.post("/api/v1/actions/{name}", self.act),
        ]

    async def healthz(self, _request: web.Request) -> web.Response:
        """
        This process answers.
        """
        return plain(b'{"status":"ok"}', JSON)

    async def readyz(self, _request: web.Request) -> web.Response:
        """
        The database can be read, and checks end when they should.
        """
        why = await self._admin.watch.readiness()
        return plain(as_json({"status": why or "ok"}), JSON, status=503 if why else 200)

    async def status(self, request: web.Request) -> web.Response:
        """
        The most asked of all: kept as bytes until something happens.
        """
        is_masked = self._visit_of(request).is_masked
        kept = self._status.get(is_masked)
        if kept is None or kept[0] != self._board.version:
            version = self._board.version
            state = await self._snapshots.status()
            body = as_json(as_seen(state, is_masked=is_masked))
            kept = self._status[is_masked] = version, body, tag_of(body)
        return tagged(request, kept[1], JSON, tag=kept[2])

    async def badge(self, request: web.Request) -> web.Response:
        state = await self._snapshots.status()
        seen = as_seen(state, is_masked=self._visit_of(request).is_masked)
        return tagged(request, badge(seen), "image/svg+xml")

    async def metrics(self, _request: web.Request) -> web.Response:
        from ip_monitor.adapters.web.metrics import KIND, Metrics  # noqa: PLC0415 # paid for by who scrapes

        state = {
            **await self._snapshots.status(),
            "providers": await self._snapshots.providers(),
            "queue": await self._queue_state(),
        }
        return plain(Metrics(self._board, state, streams=len(self._streams)).text(), KIND)

    async def openapi(self, request: web.Request) -> web.Response:
        return tagged(request, as_json(document()), JSON)

    async def act(self, request: web.Request) -> web.Response:
        """
        An action with its arguments as an object of JSON.
        """
        try:
            arguments: Any = json.loads(await request.read() or b"{}")
        except (ValueError, RecursionError):
            return refusal(400, "unreadable", "the body is no JSON.")
        if not isinstance(arguments, dict):
            return refusal(400, "unreadable", "the body must be an object of JSON.")
        found = await acts.act(
            self._admin,
            request.match_info["name"],
            cast("dict[str, Any]", arguments),
            peer=request.remote or "somewhere",
        )
        return plain(as_json({"result": found}), JSON)

    def _json(
        self, question: Callable[[web.Request], Awaitable[dict[str, Any]]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            state = await question(request)
            return tagged(request, as_json(as_seen(state, is_masked=self._visit_of(request).is_masked)), JSON)

        return answer

    async def _providers(self, _request: web.Request) -> dict[str, Any]:
        return {"providers": await self._snapshots.providers()}

    async def _changes(self, request: web.Request) -> dict[str, Any]:
        page = await self._admin.watch.history(
            family=_family(request.query.get("family")), limit=_limit(request), before=_key(request.query.get("before"))
        )
        return {"changes": [change_as_json(one) for one in page.changes], "before": page.before}

    async def _change(self, request: web.Request) -> dict[str, Any]:
        found = await self._admin.watch.why(_key(request.match_info["key"]))
        change = None if found.change is None else change_as_json(found.change)
        return {"change": change, "ballots": [_ballot(one) for one in found.ballots]}

    async def _why(self, _request: web.Request) -> dict[str, Any]:
        found = await self._admin.watch.why()
        return {"ballots": [_ballot(one) for one in found.ballots]}

    async def _timeline(self, _request: web.Request) -> dict[str, Any]:
        return await self._snapshots.timeline()

    async def _queue(self, _request: web.Request) -> dict[str, Any]:
        return await self._queue_state()

    async def _queue_state(self) -> dict[str, Any]:
        state: dict[str, Any] = as_plain(await self._admin.queue.status())
        return state

    async def _health(self, _request: web.Request) -> dict[str, Any]:
        return self._snapshots.health()

    async def _shown_settings(self, _request: web.Request) -> dict[str, Any]:
        views = await self._admin.config.show()
        return {
            "settings": [
                {
                    "name": view.option.name,
                    "value": view.value,
                    "origin": view.origin,
                    "takes": view.option.allowed,
                    "description": view.option.text,
                    "applies_live": view.option.live,
                }
                for view in views
            ]
        }

    async def _audit(self, request: web.Request) -> dict[str, Any]:
        entries = await self._admin.audit.entries(limit=_limit(request))
        return {"entries": [_entry(one) for one in entries]}


def _entry(entry: AuditEntry) -> dict[str, Any]:
    shown: dict[str, Any] = as_plain(entry)
    return shown


def _ballot(ballot: Ballot) -> dict[str, Any]:
    return {"family": ballot.family.label, **ballot_as_json(ballot)}


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(_USUAL_PAGE))
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= _LONGEST_PAGE):
        raise QueryRefusedError(f"limit is {text[:20]!r}; give a whole number from 1 to {_LONGEST_PAGE}.")
    return int(text)


def _family(text: str | None) -> Family | None:
    if text is None:
        return None
    for family in Family:
        if family.label.casefold() == text.casefold():
            return family
    raise QueryRefusedError(f"family is {text[:20]!r}; give ipv4 or ipv6.")


def _key(text: str | None) -> str | None:
    if text is not None and not (0 < len(text) <= _LONGEST_KEY and text.isascii() and text.isalnum()):
        raise QueryRefusedError(f"{text[:_LONGEST_KEY]!r} is no key of a change.")
    return text
