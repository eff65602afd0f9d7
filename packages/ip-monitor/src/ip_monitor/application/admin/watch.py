"""
The address: ask now, what is known, what it was, why, and the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.application.admin.cache import LAST, NAMESPACE
from ip_monitor.application.admin.errors import ChangeUnknownError
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.checks import Trigger
from ip_monitor.domain.verdicts import overall

if TYPE_CHECKING:
    from ip_monitor.application.admin.audit import Auditor
    from ip_monitor.application.admin.ports import AdminStore, Engine
    from ip_monitor.domain.audit import Actor
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.changes import Change, CurrentAddress
    from ip_monitor.domain.checks import Check
    from ip_monitor.domain.verdicts import VerdictKind

LONGEST_PAGE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckNow:
    """
    A check that was asked for. `is_remembered` tells that one of a few seconds ago answers for it.
    """

    check: Check
    is_remembered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyStatus:
    """
    What is known of one family; `ballot` is its last one.
    """

    family: Family
    current: CurrentAddress | None
    ballot: Ballot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """
    `kind` stands for all families; None before the first check. Families that were never asked are left out.
    """

    kind: VerdictKind | None
    families: tuple[FamilyStatus, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """
    Changes, newest first. `before` goes into the next call to get the page after it; None at the end.
    """

    changes: tuple[Change, ...]
    before: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """
    The ballots behind a change, oldest first; without a change the last ballot of each family.
    """

    change: Change | None
    ballots: tuple[Ballot, ...]


class WatchAdmin:
    """
    Use cases of watching.
    """

    def __init__(self, engine: Engine, store: AdminStore, auditor: Auditor) -> None:
        self._engine = engine
        self._store = store
        self._auditor = auditor

    async def check_now(self, *, by: Actor) -> CheckNow:
        """
        Ask the world, together with everybody who asks meanwhile; a check of the last seconds answers as well.

        Raises:
            RateLimitedError: too often.
            StorageUnavailableError: the known address cannot be read, or a change cannot be written.
        """
        is_remembered = True

        async def ask() -> Check:
            nonlocal is_remembered
            is_remembered = False
            self._engine.asks.acquire_nowait()
            return await self._engine.check(Trigger.REQUEST)

        async with self._auditor.act(by, "check_now") as act:
            check = await self._engine.checks.get_or_load(LAST, ask, namespace=NAMESPACE)
            act.after = check.kind.value
            return CheckNow(check=check, is_remembered=is_remembered)

    async def status(self) -> Status:
        """
        What is known, without asking anybody.
        """
        found: list[FamilyStatus] = []
        for family in Family:
            ballots = await self._store.last_ballots(family=family)
            current = await self._store.get_current_ip(family)
            if current is not None or ballots:
                found.append(FamilyStatus(family=family, current=current, ballot=ballots[0] if ballots else None))
        kinds = [one.ballot.verdict.kind for one in found if one.ballot is not None]
        return Status(kind=overall(kinds) if kinds else None, families=tuple(found))

    async def readiness(self) -> str:
        """
        Why the monitor does not do its work; empty when it does. Never raises but CancelledError.
        """
        pulse = self._engine.pulse
        if pulse.is_stuck:
            return f"no check has ended for {pulse.waited_s:.0f} s"
        try:
            await self.status()
        except StorageUnavailableError:
            return "the database cannot be read"
        return ""

    async def history(self, *, family: Family | None = None, limit: int = 20, before: str | None = None) -> HistoryPage:
        """
        Args:
            family: only this one.
            limit: 1 to 1000.
            before: the key that the page before gave.
        """
        size = max(1, min(limit, LONGEST_PAGE))
        changes = tuple(await self._store.get_ip_history(family=family, limit=size, before=before))
        return HistoryPage(changes=changes, before=changes[-1].key if len(changes) == size else None)

    async def why(self, key: str | None = None) -> Explanation:
        """
        Explain the last verdict of each family, or the change with this key.

        Args:
            key: its beginning is enough; `last` is the newest change.

        Raises:
            ChangeUnknownError: no change has it, or several begin so.
        """
        if key is None:
            found = [await self._store.last_ballots(family=family) for family in Family]
            return Explanation(change=None, ballots=tuple(ballot for ballots in found for ballot in ballots))
        return await self.why_of(await self._find(key))

    async def why_of(self, change: Change) -> Explanation:
        """
        The ballots behind a change that is at hand already.
        """
        return Explanation(change=change, ballots=tuple(await self._store.ballots_of(change.key)))

    async def stop(self, *, by: Actor) -> None:
        """
        End the monitor, as a stop signal does. Returns before it has ended.
        """
        async with self._auditor.act(by, "stop"):
            self._engine.request_stop()

    async def _find(self, key: str) -> Change:
        found: list[Change] = []
        if key == "last":
            found += await self._store.get_ip_history(limit=1)
        else:
            page = await self._store.get_ip_history(limit=LONGEST_PAGE)
            while page:
                found += [change for change in page if change.key.startswith(key)]
                page = await self._store.get_ip_history(limit=LONGEST_PAGE, before=page[-1].key)
        if len(found) != 1:
            raise ChangeUnknownError(key, len(found))
        return found[0]
