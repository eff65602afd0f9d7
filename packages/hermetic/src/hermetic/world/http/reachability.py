"""
Whether clients reach a server: taking it down and up without ending it, and holding what is on its way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.world.http.errors import NotRunningError
from hermetic.world.http.holds import Hold, Holds, Way

if TYPE_CHECKING:
    from collections.abc import Collection

    from hermetic.world.http.hosting import LoopHosting, Run, ThreadHosting


class Reachability:
    """
    The part of `MockServer` that stands between it and its clients.
    """

    name: str
    _hosting: LoopHosting | ThreadHosting

    def __init__(self) -> None:
        self.holds = Holds()

    @property
    def is_down(self) -> bool:
        """
        It runs, but refuses connections.
        """
        run = self._hosting.run
        return run is not None and run.listener.mode == "refused"

    async def down(self) -> None:
        """
        As if the machine were gone: connections are refused, those that are open are reset. The port stays reserved,
        and routes, calls and draws are kept. Does nothing when it is down.

        Raises:
            NotRunningError: it was not started.
        """
        await self._hosting.work(_go_down(self._run_for("down")))

    async def up(self) -> None:
        """
        Listen again on the same port. Does nothing when it is not down.

        Raises:
            NotRunningError: it was not started.
        """
        await self._hosting.work(_come_up(self._run_for("up")))

    def down_blocking(self) -> None:
        """
        `down` for code without a loop.
        """
        self._hosting.work_blocking(_go_down(self._run_for("down")))

    def up_blocking(self) -> None:
        """
        `up` for code without a loop.
        """
        self._hosting.work_blocking(_come_up(self._run_for("up")))

    def hold(self, *, clients: str | Collection[str] | None = None, way: Way = "requests") -> Hold:
        """
        Hold requests before the server sees them, or replies before they are written, of the clients with these
        labels or of everyone; until `release()`, or to the end of a `with` block.

        Raises:
            BoundsError: there is no such way.
        """
        return self.holds.add(clients=clients, way=way)

    def _run_for(self, asked: str) -> Run:
        run = self._hosting.run
        if run is None:
            raise NotRunningError(server=self.name, asked=f"going {asked}", state="not running")
        return run


async def _go_down(run: Run) -> None:
    if run.listener.mode == "open":
        run.listener.refuse()
        for connection in tuple(run.core.connections):
            connection.reset()


async def _come_up(run: Run) -> None:
    if run.listener.mode == "refused":
        run.listener.reopen()
