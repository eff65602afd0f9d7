"""
What a server saw: requests, connections, and the judgement of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.world.http.calls import Call, CallLog
from hermetic.world.http.errors import UnmatchedRequestsError

if TYPE_CHECKING:
    from hermetic.foundation.clock import Clock
    from hermetic.world.http.conduct import Conduct
    from hermetic.world.http.core import Core
    from hermetic.world.http.hosting import LoopHosting, ThreadHosting
    from hermetic.world.http.report import InFlight, StopReport
    from hermetic.world.http.router import Router


class Observation:
    """
    The part of `MockServer` that remembers.
    """

    name: str
    clock: Clock
    allow_unmatched: bool
    _router: Router
    _hosting: LoopHosting | ThreadHosting

    def __init__(self) -> None:
        self._unmatched = CallLog(route="(unmatched)")

    @property
    def _core(self) -> Core | None:
        run = self._hosting.run
        return None if run is None else run.core

    @property
    def in_flight(self) -> tuple[InFlight, ...]:
        """
        The requests that are not finished now, the oldest first.
        """
        core = self._core
        return () if core is None else core.in_flight()

    @property
    def report(self) -> StopReport:
        """
        Of the last stop; an empty one before the first.
        """
        return self._hosting.report

    @property
    def calls(self) -> list[Call]:
        """
        All requests in the order they matched, unmatched ones included.
        """
        logs = [route.log.snapshot() for route in self._router.routes]
        return sorted((call for log in (*logs, self._unmatched.snapshot()) for call in log), key=lambda c: c.at_s)

    @property
    def unmatched(self) -> list[Call]:
        """
        Requests that no route took; `Call.error` compares each with the nearest routes.
        """
        return self._unmatched.snapshot()

    @property
    def rejected(self) -> list[tuple[int, str]]:
        """
        What came in and was no request: the status it was answered with, and why. Of the current run.
        """
        return [] if self._core is None else list(self._core.rejected)

    @property
    def connection_count(self) -> int:
        return 0 if self._core is None else len(self._core.connections)

    @property
    def accepted(self) -> int:
        """
        How many connections were accepted since the start.
        """
        return 0 if self._core is None else self._core.accepted

    def check_unmatched(self) -> None:
        """
        Raises:
            UnmatchedRequestsError: there were requests without a route, and that is not allowed.
        """
        if self._unmatched.count and not self.allow_unmatched:
            listing = "\n".join(call.error or call.request.summary() for call in self.unmatched)
            raise UnmatchedRequestsError(server=self.name, count=self._unmatched.count, listing=listing)

    def forget_calls(self) -> None:
        for route in self._router.routes:
            route.forget_calls()
        self._unmatched.forget()

    def _others(self) -> str:
        seen = [call.request.summary() for call in self.calls][-5:]
        return f" The server got: {'; '.join(seen)}." if seen else " The server got no request at all."

    def now(self) -> float:
        """
        The server's clock in seconds, to name a moment for `conduct().since(…)`.
        """
        return self.clock.monotonic()

    def conduct(self) -> Conduct:
        """
        What clients did, to be asserted on.
        """
        from hermetic.world.http.conduct import Conduct  # noqa: PLC0415  # only those who judge pay for it

        epoch = self.clock.time() - self.clock.monotonic()
        return Conduct(self.calls, subject=f"server {self.name!r}", epoch_s=epoch, open_now=self.open_connections)

    def open_connections(self) -> list[str]:
        """
        Each connection that is open now: its number, where it comes from, how many requests came on it.
        """
        core = self._core
        found = () if core is None else sorted(core.connections, key=lambda one: one.number)
        return [f"connection {one.number} from {one.peer or 'a Unix socket'} ({one.served} requests)" for one in found]
