"""
The side that announces: the notifiers, and the delivery to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.application.delivery import Delivery
from ip_monitor.bootstrap.sinks import notifiers_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.ports import Clock, Notifier, Outbox
    from ip_monitor.application.quiet import QuietTime
    from ip_monitor.application.standing import Standing
    from ip_monitor.bootstrap.discord import MakeConnector
    from ip_monitor.settings import Settings


class Telling:
    """
    The notifiers that the settings name, and the delivery to them.

    Args:
        now: the settings that apply at a later time.
        make_connector: the way to Discord.
        standing: knows how the sinks do.
        is_stopped: begin with the queue stopped, as somebody left it.
    """

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        announcer: Announcer,
        *,
        clock: Clock,
        quiet: QuietTime,
        standing: Standing,
        is_stopped: bool,
        now: Callable[[], Settings] | None = None,
        make_connector: MakeConnector = None,
    ) -> None:
        self.notifiers: list[Notifier] = notifiers_for(settings, clock=clock, now=now, make_connector=make_connector)
        self.delivery = Delivery(
            outbox,
            self.notifiers,
            announcer=announcer,
            clock=clock,
            quiet=quiet,
            expire_after_s=settings.expire_after_days * 86_400 or None,
            breaker=standing.sink,
            patience=standing.patience,
        )
        if is_stopped:
            self.delivery.stop()

    async def aclose(self) -> None:
        for notifier in self.notifiers:
            await notifier.aclose()
