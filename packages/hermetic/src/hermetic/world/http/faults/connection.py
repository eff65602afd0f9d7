"""
Faults of the connection: how and when it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from hermetic.world.http.faults.model import Fault

if TYPE_CHECKING:
    from hermetic.world.http.outlet import Outlet
    from hermetic.world.http.reply import Reply


@dataclass(frozen=True, slots=True)
class ResetConnection(Fault):
    """
    RST, after `after_bytes` of the reply as it would have been sent.
    """

    name: ClassVar[str] = "reset"

    after_bytes: int = 0

    async def send(self, out: Outlet, reply: Reply) -> None:
        if self.after_bytes:
            await out.write((out.head(reply) + out.body(reply))[: self.after_bytes])
            await out.flushed()
        out.reset()
