"""
The side that announces: the notifiers, and the delivery to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.application.delivery import Delivery
from ip_monitor.bootstrap.sinks import notifiers_for

if TYPE_CHECKING:
    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.ports import Clock, Notifier, Outbox
    from ip_monitor.application.quiet import QuietTime
    from ip_monitor.settings import Settings


class Telling:
    """
    The notifiers that the settings name, and the delivery to them.

    Args:
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
        is_stopped: bool,
    ) -> None:
        self.notifiers: list[Notifier] = notifiers_for(settings, clock=clock)
        self.delivery = Delivery(outbox, self.notifiers, announcer=announcer, clock=clock, quiet=quiet)
        if is_stopped:
            self.delivery.stop()

    async def aclose(self) -> None:
        for notifier in self.notifiers:
            await notifier.aclose()
