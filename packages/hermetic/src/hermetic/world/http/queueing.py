"""
Waiting that grows out of concurrency: a server with so many workers, so long a service, so long a queue.

Since the server draws every service time itself, the whole future of the queue is known when a request arrives:
it is served by the worker that is free first, when that one is free. So nothing here waits, locks or wakes; a
request asks once and is told its wait. A request whose client goes away keeps its worker, as in a real server that
does not notice.

Source: first come, first served multi-server queue by the recursion of Kiefer & Wolfowitz, "On the theory of queues
with many servers", Transactions of the AMS 78, 1955.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermetic.world.http import bounds
from hermetic.world.http.distributions import as_distribution

if TYPE_CHECKING:
    from hermetic.world.http.ports import Distribution


@dataclass(frozen=True, slots=True)
class Load:
    """
    How much a server can do at once: `workers` in parallel, each for `service_time`; `queue` may wait, the rest is
    refused (None: no bound).
    """

    workers: int
    service_time: Distribution
    queue: int | None = None


def load(workers: int, *, service_time: float | Distribution, queue: int | None = None) -> Load:
    """
    Load-dependent latency.

    Raises:
        BoundsError: `workers` is below 1, or `queue` below 0.
    """
    bounds.count(workers, where="load(workers)")
    if queue is not None:
        bounds.count(queue, where="load(queue)", least=0)
    return Load(workers, as_distribution(service_time), queue)


@dataclass(frozen=True, slots=True)
class Place:
    """
    What a request is told on arrival, in seconds: how long it waits for a worker, and how long that one takes.
    `ahead` is how many were already waiting. When refused, `wait_s` is how long until the queue has room.
    """

    wait_s: float
    service_s: float
    ahead: int
    is_refused: bool


class Queue:
    """
    The state of a `Load`: when each worker is free, and when each waiting request will begin.
    """

    def __init__(self, load: Load) -> None:
        self.load = load
        self.served = 0
        self.refused = 0
        self.longest = 0
        self._free = [float("-inf")] * load.workers
        self._begins: list[float] = []

    def arrive(self, now: float, *, service_s: float) -> Place:
        """
        Take a request in at `now` seconds, which must not go back.
        """
        while self._begins and self._begins[0] <= now:
            heapq.heappop(self._begins)
        ahead = len(self._begins)
        free = self._free[0]
        waits = free > now
        if waits and self.load.queue is not None and ahead >= self.load.queue:
            self.refused += 1
            room = self._begins[0] if self._begins else free
            return Place(room - now, 0.0, ahead, is_refused=True)
        begin = max(now, free)
        heapq.heapreplace(self._free, begin + service_s)
        if waits:
            heapq.heappush(self._begins, begin)
            self.longest = max(self.longest, ahead + 1)
        self.served += 1
        return Place(begin - now, service_s, ahead, is_refused=False)

    def busy(self, now: float) -> int:
        """
        How many workers are at work at `now`.
        """
        return sum(free > now for free in self._free)

    def __repr__(self) -> str:
        return (
            f"<Queue [{self.load.workers} workers | {self.served} served, {self.refused} refused, "
            f"longest {self.longest}]>"
        )
