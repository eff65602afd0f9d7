"""
What the use cases need of the running product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ip_monitor.application.ports import BallotStore, IPStorage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ip_monitor.application.delivery import Delivery
    from ip_monitor.application.ports import Clock, Notifier
    from ip_monitor.application.providers import IPAPIManager
    from ip_monitor.application.pulse import Pulse
    from ip_monitor.application.quiet import QuietTime
    from ip_monitor.domain.addresses import Network
    from ip_monitor.domain.audit import AuditEntry
    from ip_monitor.domain.checks import Check, Trigger
    from ip_monitor.domain.notices import DeliveryState
    from ip_monitor.resilience.cache import Cache
    from ip_monitor.resilience.rate_limiter import RateLimiter
    from ip_monitor.settings import Request, Settings


class AdminStore(IPStorage, BallotStore, Protocol):
    """
    What the use cases read and write. Every method raises `StorageUnavailableError` when it cannot.
    """

    async def count_deliveries(self) -> dict[str, dict[DeliveryState, int]]: ...

    async def clear_pending(self, *, at: datetime, sink: str | None = None) -> int: ...

    async def retry_failed(self, *, at: datetime, sink: str | None = None) -> int: ...

    async def add_audit(self, entry: AuditEntry) -> None: ...

    async def list_audit(self, *, limit: int = 100) -> Sequence[AuditEntry]:
        """
        The newest entries, newest first.
        """
        ...

    async def load_state(self) -> dict[str, str]:
        """
        What outlives a restart although it is no setting, by name.
        """
        ...

    async def save_state(self, name: str, value: str | None) -> None:
        """
        Keep one of them, or with None forget it.
        """
        ...


class Engine(Protocol):
    """
    The running parts. Properties, because a change of settings makes some of them anew.
    """

    @property
    def clock(self) -> Clock: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def request(self) -> Request | None:
        """
        Where the settings were read from; None when they were given by hand, and then cannot be changed.
        """
        ...

    @property
    def manager(self) -> IPAPIManager: ...

    @property
    def delivery(self) -> Delivery | None:
        """
        None where nothing is announced.
        """
        ...

    @property
    def notifiers(self) -> Sequence[Notifier]: ...

    @property
    def quiet(self) -> QuietTime: ...

    @property
    def checks(self) -> Cache[Check]:
        """
        The last check, for a few seconds, so that many who ask at once do not ask the world many times.
        """
        ...

    @property
    def pulse(self) -> Pulse:
        """
        Whether checks end when they should.
        """
        ...

    @property
    def asks(self) -> RateLimiter:
        """
        How often people may have the world asked.
        """
        ...

    @property
    def refused_ranges(self) -> tuple[Network, ...]:
        """
        Addresses that no provider added by hand may tell.
        """
        ...

    async def check(self, trigger: Trigger) -> Check: ...

    def reconfigure(self, settings: Settings) -> None: ...

    def request_stop(self) -> None: ...
