"""
Announcing to the log.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from ip_monitor.domain.wording import sentence

if TYPE_CHECKING:
    from ip_monitor.domain.notices import Notice


class LogNotifier:
    """
    Writes one line a change to `logger`, at level INFO, with the change's fields as extra values.
    """

    name = "log"

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("ip_monitor.changes")

    async def send(self, notice: Notice) -> None:
        change = notice.change
        fields = {
            "change": change.key,
            "family": change.family.value,
            "address": str(change.address),
            "previous": None if change.previous is None else str(change.previous),
        }
        self._logger.info(sentence(change), extra=fields)

    async def aclose(self) -> None:
        pass
