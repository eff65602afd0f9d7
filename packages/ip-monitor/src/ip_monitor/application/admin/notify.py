"""
Announcements to people: try them, and let them wait.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from ip_monitor.application.admin.errors import UnknownSinkError
from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.domain.changes import Change
from ip_monitor.domain.notices import Notice, notice_key
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.application.admin.audit import Auditor
    from ip_monitor.application.admin.ports import AdminStore, Engine
    from ip_monitor.application.ports import Clock, Notifier
    from ip_monitor.application.quiet import QuietStatus
    from ip_monitor.domain.audit import Actor

# Set aside for documentation (RFC 5737), so nobody has it and no receiver can take the test for news.
NOBODYS_ADDRESS = IPv4Address("192.0.2.1")
PATIENCE_S = 15.0
MUTED_UNTIL = "muted_until"
"""
Under this name it is kept until when announcements are muted, seconds since the epoch.
"""
_LOG = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkTest:
    """
    `why` tells what went wrong, empty when it was delivered.
    """

    sink: str
    is_delivered: bool
    why: str


class NotifyAdmin:
    """
    Use cases of announcements.
    """

    def __init__(self, engine: Engine, store: AdminStore, auditor: Auditor) -> None:
        self._engine = engine
        self._store = store
        self._auditor = auditor

    async def test(self, sink: str | None = None, *, by: Actor) -> tuple[SinkTest, ...]:
        """
        Announce a test to one sink, or to all but the log. It tells of 192.0.2.1, an address that nobody has, and is
        neither recorded nor repeated. Quiet hours do not hold it back.

        Raises:
            UnknownSinkError: there is no such sink.
            RateLimitedError: too often.
        """
        async with self._auditor.act(by, "notify.test", sink or "") as act:
            known = self._engine.notifiers
            chosen = [one for one in known if (one.name != _LOG if sink is None else one.name == sink)]
            if sink is not None and not chosen:
                raise UnknownSinkError(sink, [one.name for one in known])
            self._engine.asks.acquire_nowait()
            results = await announce_test(chosen, clock=self._engine.clock)
            act.after = ", ".join(f"{one.sink}: {'delivered' if one.is_delivered else 'failed'}" for one in results)
            return results

    async def status(self) -> QuietStatus:
        return self._engine.quiet.status()

    async def mute(self, for_s: float, *, by: Actor) -> QuietStatus:
        """
        Let announcements to people wait for so long, also over a restart. Programs (log, command, webhook) are told at
        once all the same, and nothing is dropped.

        Args:
            for_s: seconds, above 0, up to 30 days.
            by: who asks.

        Raises:
            MuteRefusedError: out of range.
        """
        async with self._auditor.act(by, "notify.mute") as act:
            act.before = _shown(self._engine.quiet.status())
            status = self._engine.quiet.mute(for_s)
            until = status.muted_until
            await self._store.save_state(MUTED_UNTIL, None if until is None else repr(until.timestamp()))
            act.after = _shown(status)
            return status

    async def unmute(self, *, by: Actor) -> QuietStatus:
        """
        Send what waited. Quiet hours go on.
        """
        async with self._auditor.act(by, "notify.unmute") as act:
            act.before = _shown(self._engine.quiet.status())
            await self._store.save_state(MUTED_UNTIL, None)
            return self._engine.quiet.unmute()


def _shown(status: QuietStatus) -> str:
    return "" if status.muted_until is None else f"muted until {status.muted_until.isoformat()}"


async def announce_test(notifiers: Sequence[Notifier], *, clock: Clock) -> tuple[SinkTest, ...]:
    """
    One test to each, all at once.
    """
    now = utc_now(clock)
    change = Change(
        key=f"test-{secrets.token_hex(4)}", address=NOBODYS_ADDRESS, previous=None, at=now, operators=("a test",)
    )

    async def one(notifier: Notifier) -> SinkTest:
        key = notice_key(change.key, notifier.name)
        notice = Notice(key=key, sink=notifier.name, change=change, attempts=0, created_at=now, due_at=now)
        why = ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await notifier.send(notice)
        except DeliveryFailedError as error:
            why = error.reason
        except TimeoutError:
            why = f"did not acknowledge within {PATIENCE_S:g} s"
        return SinkTest(sink=notifier.name, is_delivered=not why, why=why)

    return tuple(await asyncio.gather(*(one(notifier) for notifier in notifiers)))
