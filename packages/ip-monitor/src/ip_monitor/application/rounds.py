"""
Work on the database that is done again and again beside the checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.application.ports import StorageUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.ports import Clock


async def in_rounds(
    work: Callable[[], Awaitable[object]],
    *,
    topic: str,
    announcer: Announcer,
    clock: Clock,
    first_s: float,
    every_s: float,
) -> None:
    """
    Do it until cancelled. Storage that is unavailable is told as trouble, and tried again at the next time.

    Args:
        work: one round.
        topic: under which trouble with it is told.
        announcer: who tells it.
        clock: whose seconds are waited for.
        first_s: how long to wait before the first round, seconds.
        every_s: between two rounds, seconds.
    """
    delay_s = first_s
    while True:
        await clock.sleep(delay_s)
        delay_s = every_s
        try:
            await work()
        except StorageUnavailableError as error:
            announcer.trouble(topic, what=str(error))
        else:
            announcer.fine(topic)
