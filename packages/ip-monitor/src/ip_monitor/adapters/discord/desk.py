"""
What the handlers of commands work on, and what the bot sees of the running monitor.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ip_monitor.adapters.discord.address_style import AddressStyle
from ip_monitor.domain.events import CheckFinished, Trouble, TroubleOver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from ip_monitor.adapters.discord.link import Link
    from ip_monitor.adapters.discord.standing import Standing
    from ip_monitor.application.admin import Admin
    from ip_monitor.application.standing import Standing as Services
    from ip_monitor.domain.events import Event
    from ip_monitor.resilience.clock import Clock
    from ip_monitor.resilience.rate_limiter import LimiterStatistics
    from ip_monitor.settings import Settings


class Listed(Protocol):
    """
    A command as the help shows it.
    """

    @property
    def path(self) -> tuple[str, ...]: ...

    @property
    def name(self) -> str: ...

    @property
    def usage(self) -> str: ...

    @property
    def standing(self) -> Standing: ...


@dataclass(slots=True)
class Sight:
    """
    An observer: what was told last.

    Attributes:
        began_at: when the monitor started, UTC.
        checked_at: when the last check ended, UTC.
        next_at: when the schedule asks again, UTC.
        troubles: what is wrong now, by its topic.
        on_news: called when a status that is shown may be out of date.
    """

    began_at: datetime
    checked_at: datetime | None = None
    next_at: datetime | None = None
    checks: int = 0
    troubles: dict[str, Trouble] = field(default_factory=dict[str, Trouble])
    on_news: Callable[[], None] = field(default=lambda: None)

    def observe(self, event: Event) -> None:
        match event:
            case CheckFinished():
                self.checks += 1
                self.checked_at, self.next_at = event.check.finished_at, event.next_at
            case Trouble():
                if event.topic in self.troubles:
                    self.troubles[event.topic] = event
                    return
                self.troubles[event.topic] = event
            case TroubleOver():
                self.troubles.pop(event.topic, None)
            case _:
                return
        self.on_news()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """
    Attributes:
        admin: the use cases.
        settings: what applies now.
        limiter: how often people may have the world asked.
        services: how those around the monitor do.
        commands: all there are, in the order of the help.
        sync: tells Discord the commands again, whether they changed or not; gives how many there are.
    """

    admin: Admin
    clock: Clock
    sight: Sight
    link: Link
    settings: Callable[[], Settings]
    limiter: Callable[[], LimiterStatistics]
    services: Services
    commands: Sequence[Listed]
    sync: Callable[[], Awaitable[int]]

    @property
    def style(self) -> AddressStyle:
        """
        How addresses are shown where others can read them.
        """
        return AddressStyle(self.settings().discord_address)
