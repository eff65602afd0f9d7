"""
Writing down who did what, also what was refused.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.domain.audit import AuditEntry
from ip_monitor.errors import IPMonitorError
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from ip_monitor.application.admin.ports import AdminStore, Engine
    from ip_monitor.domain.audit import Actor

_LOG = logging.getLogger("ip_monitor")
_LONGEST = 500


@dataclass(slots=True)
class Act:
    """
    What the audit says of something that is being done; filled in while it is.
    """

    before: str = ""
    after: str = ""


class Auditor:
    """
    One entry for each thing somebody does.

    Attributes:
        listeners: called after each thing that was done, whoever did it and on whichever way; each must return at once.
    """

    def __init__(self, engine: Engine, store: AdminStore) -> None:
        self._engine = engine
        self._store = store
        self.listeners: list[Callable[[], object]] = []

    @contextlib.asynccontextmanager
    async def act(self, by: Actor, action: str, subject: str = "") -> AsyncGenerator[Act]:
        """
        Record what the block does when it is done, or why it was refused. A refused value is not written down: it may
        be a secret that was put in the wrong place.

        An entry that cannot be written is logged: what was done stays done.
        """
        act = Act()
        try:
            yield act
        except IPMonitorError as error:
            await self._write(by, action, subject, Act(before=act.before), refused=type(error).__name__)
            raise
        await self._write(by, action, subject, act, refused="")
        for tell in tuple(self.listeners):
            tell()

    async def entries(self, *, limit: int = 100) -> Sequence[AuditEntry]:
        """
        The newest entries, newest first.

        Args:
            limit: 1 to 1000.
        """
        return tuple(await self._store.list_audit(limit=max(1, min(limit, 1000))))

    async def _write(self, by: Actor, action: str, subject: str, act: Act, *, refused: str) -> None:
        entry = AuditEntry(
            at=utc_now(self._engine.clock),
            who=by.name,
            via=by.via,
            action=action,
            subject=subject[:_LONGEST],
            before=act.before[:_LONGEST],
            after=act.after[:_LONGEST],
            refused=refused,
        )
        try:
            await self._store.add_audit(entry)
        except StorageUnavailableError:
            _LOG.warning("%s did %s %s, and the audit could not be written", by, action, subject[:_LONGEST])
