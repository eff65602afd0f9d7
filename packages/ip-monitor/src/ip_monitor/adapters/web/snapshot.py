"""
Everything that the page and the reading interface tell, as plain data: what is masked is masked here, in one place, over
every text there is.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from ip_monitor._version import __version__
from ip_monitor.application.admin.plain import as_plain
from ip_monitor.application.ballot_json import ballot_as_json
from ip_monitor.application.change_json import change_as_json
from ip_monitor.domain.masking import mask_addresses
from ip_monitor.domain.wording import stamp
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from ip_monitor.adapters.web.board import Board
    from ip_monitor.application.admin import Admin, FamilyStatus, Status
    from ip_monitor.application.ports import Clock
    from ip_monitor.domain.answers import Answer
    from ip_monitor.domain.changes import Change

SHOWN_CHANGES = 8
SHOWN_LINES = 60
LONGEST_TIMELINE = 5000
_PAGE = 1000
_REMEMBERED = 64


class Snapshots:
    """
    Reads what is known now. Every method raises `StorageUnavailableError` when the database cannot be read.
    """

    def __init__(self, admin: Admin, board: Board, *, clock: Clock) -> None:
        self._admin = admin
        self._board = board
        self._clock = clock
        # The ballots of a change never change again.
        self._ballots: OrderedDict[str, list[dict[str, Any]]] = OrderedDict()

    async def take(self) -> dict[str, Any]:
        """
        Everything that the first screen shows.
        """
        known = await self._admin.watch.status()
        return {
            **self._status(known),
            "now": stamp(utc_now(self._clock)),
            "providers": await self._providers(known),
            "changes": await self.changes(limit=SHOWN_CHANGES),
            "queue": as_plain(await self._admin.queue.status()),
            "health": self.health(),
            "log": list(self._board.lines)[-SHOWN_LINES:],
        }

    async def status(self) -> dict[str, Any]:
        """
        The address of each family, the verdict, and when the next check is due.
        """
        return self._status(await self._admin.watch.status())

    async def providers(self) -> list[dict[str, Any]]:
        """
        Every provider, enabled ones first, with its last answer and whether that agreed with the verdict.
        """
        return await self._providers(await self._admin.watch.status())

    async def changes(self, *, limit: int, before: str | None = None) -> list[dict[str, Any]]:
        """
        Changes with their ballots, newest first.
        """
        page = await self._admin.watch.history(limit=limit, before=before)
        return [{**change_as_json(change), "ballots": await self._ballots_of(change)} for change in page.changes]

    async def timeline(self) -> dict[str, Any]:
        """
        The newest changes as columns, oldest first, for a chart: `addresses`, and by family `at_s` (seconds since the
        epoch) with `index`, the place of the address in `addresses`.
        """
        changes: list[Change] = []
        before: str | None = None
        while len(changes) < LONGEST_TIMELINE:
            page = await self._admin.watch.history(limit=_PAGE, before=before)
            changes += page.changes
            before = page.before
            if before is None:
                break
        places: dict[str, int] = {}
        families: dict[str, dict[str, list[float]]] = {}
        for change in reversed(changes):
            columns = families.setdefault(change.family.label, {"at_s": [], "index": []})
            columns["at_s"].append(round(change.at.timestamp(), 3))
            columns["index"].append(places.setdefault(str(change.address), len(places)))
        return {"addresses": list(places), "families": families, "now_s": round(self._clock.time(), 3)}

    def health(self) -> dict[str, Any]:
        """
        What is wrong now, and whether anything is.
        """
        troubles = [as_plain(trouble) for trouble in self._board.troubles.values()]
        return {"is_well": not troubles, "troubles": troubles}

    def _status(self, known: Status) -> dict[str, Any]:
        board = self._board
        return {
            "version": __version__,
            "verdict": None if known.kind is None else known.kind.value,
            "is_checking": board.checking,
            "is_confirming": board.confirming,
            "checked_at": _stamp(board.checked_at),
            "next_check_at": _stamp(board.next_at),
            "families": [_family(one) for one in known.families],
        }

    async def _providers(self, known: Status) -> list[dict[str, Any]]:
        decided = {one.family.label: one.ballot.verdict.address for one in known.families if one.ballot is not None}
        recorded = {a.source.name: a for one in known.families if one.ballot for a in one.ballot.answers}
        last = {**recorded, **self._board.answers}
        scores = {rank.provider: rank.statistics for rank in await self._admin.providers.statistics()}
        rows: list[dict[str, Any]] = []
        for view in await self._admin.providers.list():
            answer, statistics = last.get(view.name), scores.get(view.name)
            address = None if answer is None else answer.address
            verdict = decided.get(view.family)
            rows.append(
                {
                    "name": view.name,
                    "operator": view.operator,
                    "family": view.family,
                    "transport": view.transport,
                    "is_enabled": view.is_enabled,
                    **_answered(answer),
                    "agrees": None if address is None or verdict is None else address == verdict,
                    "score": None if statistics is None else round(statistics.score, 1),
                }
            )
        return rows

    async def _ballots_of(self, change: Change) -> list[dict[str, Any]]:
        found = self._ballots.get(change.key)
        if found is None:
            explained = await self._admin.watch.why_of(change)
            found = self._ballots[change.key] = [ballot_as_json(ballot) for ballot in explained.ballots]
            while len(self._ballots) > _REMEMBERED:
                self._ballots.popitem(last=False)
        return found


def as_seen(state: dict[str, Any], *, is_masked: bool) -> dict[str, Any]:
    """
    What a reader is given of it: all, or every address masked and no lines of the log, which may hold anything.
    """
    if not is_masked:
        return state
    hidden: dict[str, Any] = masked({**state, "log": []} if "log" in state else state)
    return hidden


def masked(value: Any) -> Any:
    """
    The same with every address masked, in whichever text it stands.
    """
    if isinstance(value, str):
        return mask_addresses(value)
    if isinstance(value, dict):
        return {key: masked(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType] # JSON's
    if isinstance(value, list):
        return [masked(item) for item in value]  # pyright: ignore[reportUnknownVariableType] # JSON's
    return value


def _family(one: FamilyStatus) -> dict[str, Any]:
    current, ballot = one.current, one.ballot
    verdict = None if ballot is None else ballot.verdict
    return {
        "family": one.family.label,
        "address": None if current is None else str(current.address),
        "since": None if current is None else stamp(current.since),
        "seen_at": None if current is None else stamp(current.seen_at),
        "verdict": None if verdict is None else verdict.kind.value,
        "reason": None if verdict is None else verdict.reason,
        "is_decisive": None if verdict is None else verdict.is_decisive,
        "operators": [] if verdict is None else list(verdict.operators),
        "checked_at": None if ballot is None else stamp(ballot.at),
    }


def _answered(answer: Answer | None) -> dict[str, Any]:
    failure = None if answer is None else answer.failure
    return {
        "answered_at": None if answer is None else stamp(answer.at),
        "latency_s": None if answer is None else round(answer.latency_s, 4),
        "address": None if answer is None or answer.address is None else str(answer.address),
        "failure": None if failure is None else failure.kind.value,
        "detail": None if failure is None else failure.detail,
    }


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)
