"""
What the application needs from outside. Adapters implement these; bootstrap is the only place that joins them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ip_monitor.errors import IPMonitorError
from ip_monitor.resilience.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ip_monitor.domain.addresses import Address, Family
    from ip_monitor.domain.answers import Answer, Source
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.changes import Change, CurrentAddress
    from ip_monitor.domain.events import Event
    from ip_monitor.domain.notices import Notice

__all__ = [
    "BallotStore",
    "Clock",
    "DeliveryFailedError",
    "DigestNotifier",
    "IPStorage",
    "LastTold",
    "Notifier",
    "Observer",
    "Outbox",
    "PortalProbe",
    "Provider",
    "ReminderStore",
    "StorageUnavailableError",
]


class Provider(Protocol):
    """
    One way to ask for the address.
    """

    @property
    def source(self) -> Source: ...

    async def ask(self) -> Answer:
        """
        Ask once, within the provider's own timeout. Never raises but CancelledError: trouble is an answer too.
        """
        ...


class StorageUnavailableError(IPMonitorError, OSError):
    """
    Storage cannot be read or written now: full disk, locked, read-only, corrupt. What was acknowledged before
    stays; the caller goes on and tries again.
    """


class IPStorage(Protocol):
    """
    Keeps the address and its history. Every method raises `StorageUnavailableError` when it cannot do what it says; what
    it acknowledged survives a killed process and a power loss.
    """

    async def save_current_ip(
        self, change: Change, *, ballots: Sequence[Ballot] = (), sinks: Sequence[str] = ()
    ) -> None:
        """
        Write a confirmed change, the ballots that decided it, and one pending delivery for each of `sinks`, in
        one transaction. Writing a change whose key is known already changes nothing.
        """
        ...

    async def load_last_ip(self, family: Family) -> Address | None:
        """
        The last confirmed address of a family, None when there never was one.
        """
        ...

    async def get_current_ip(self, family: Family) -> CurrentAddress | None:
        """
        The same with its times.
        """
        ...

    async def get_ip_history(
        self, *, family: Family | None = None, limit: int = 100, before: str | None = None
    ) -> Sequence[Change]:
        """
        Changes, newest first; `before` is the key of the change after which (backwards in time) to go on.
        """
        ...

    async def close(self) -> None:
        """
        Write everything out and leave nothing open. Idempotent.
        """
        ...


class BallotStore(Protocol):
    """
    Keeps every ballot, so that any verdict can be explained.
    """

    async def save_ballots(self, ballots: Sequence[Ballot]) -> None:
        """
        Keep ballots that changed nothing; also notes when a `STABLE` address was last seen.
        """
        ...

    async def ballots_of(self, change_key: str) -> Sequence[Ballot]:
        """
        The ballots that decided a change, oldest first.
        """
        ...

    async def last_ballots(self, *, family: Family | None = None, limit: int = 1) -> Sequence[Ballot]:
        """
        The newest ballots, newest first.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTold:
    """
    The newest change of a family, when it was last put into the outbox, UTC, and whether as a reminder before.
    """

    change: Change
    told_at: datetime
    is_reminded: bool


class ReminderStore(Protocol):
    """
    Keeps what is told again.
    """

    async def last_told(self, family: Family) -> LastTold | None:
        """
        None before the first change.
        """
        ...

    async def add_reminder(self, change: Change, *, at: datetime, sinks: Sequence[str]) -> None:
        """
        One more pending delivery of `change` to each sink, after all changes. The same twice changes nothing.
        """
        ...


class Outbox(Protocol):
    """
    Deliveries written with their change, to be sent until acknowledged.
    """

    async def pending_notices(self, *, sink: str, limit: int = 100) -> Sequence[Notice]:
        """
        What is still to be sent to a sink, higher priority first, then oldest change first, whether due or not.
        """
        ...

    async def mark_delivered(self, notice: Notice, *, at: datetime) -> None:
        """
        The receiver acknowledged.
        """
        ...

    async def mark_retry(self, notice: Notice, *, due_at: datetime, reason: str) -> None:
        """
        A try failed; not to be tried again before `due_at`. Counts the try.
        """
        ...

    async def mark_failed(self, notice: Notice, *, at: datetime, reason: str) -> None:
        """
        Give a notice up for good; it stays on record with its reason.
        """
        ...

    async def mark_expired(self, notice: Notice, *, at: datetime) -> None:
        """
        Too old to be worth telling; it stays on record.
        """
        ...


class DeliveryFailedError(IPMonitorError):
    """
    A notifier could not deliver.

    Attributes:
        reason: what happened, for people; holds no secret.
        is_permanent: trying the same again cannot succeed.
        retry_after_s: how long the receiver wants to be left alone, seconds.
    """

    def __init__(self, reason: str, *, is_permanent: bool = False, retry_after_s: float | None = None) -> None:
        self.reason = reason
        self.is_permanent = is_permanent
        self.retry_after_s = retry_after_s
        super().__init__(reason)


class Notifier(Protocol):
    """
    One sink of announcements.
    """

    @property
    def name(self) -> str:
        """
        Unique among the sinks of a monitor, and stable over restarts: deliveries are kept under it.
        """
        ...

    async def send(self, notice: Notice) -> None:
        """
        Deliver once; returning means acknowledged.

        Raises:
            DeliveryFailedError: not delivered, or not known to be delivered.
        """
        ...

    async def aclose(self) -> None:
        """
        Leave nothing open. Idempotent.
        """
        ...


@runtime_checkable
class DigestNotifier(Protocol):
    """
    A sink that can tell several changes in one message, for the time after an outage.
    """

    async def send_digest(self, notices: Sequence[Notice]) -> None:
        """
        Deliver all at once, oldest first; returning means that all are acknowledged.

        Raises:
            DeliveryFailedError: none is known to be delivered.
        """
        ...


class PortalProbe(Protocol):
    """
    Tells whether something in between answers for the internet.
    """

    async def is_captive(self, family: Family) -> bool:
        """
        Never raises but CancelledError; False when there is no telling.
        """
        ...


class Observer(Protocol):
    """
    Is told what happens. Called in the loop: it must return at once and must not raise; what it raises is logged
    and dropped.
    """

    def observe(self, event: Event) -> None: ...
