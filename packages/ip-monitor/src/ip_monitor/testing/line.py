"""
The truth that simulated providers report: one connection to the internet, and the address it has.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.domain.addresses import Family, family_of
from ip_monitor.resilience.clock import SystemClock
from ip_monitor.testing.pools import IPV6_PREFIX, RESIDENTIAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ip_monitor.domain.addresses import Address
    from ip_monitor.resilience.clock import Clock
    from ip_monitor.testing.pools import AddressPool

# A lie or a stale answer has to be told for some time to be noticed; so much history answers every question.
_KEPT_STEPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressStep:
    """
    From `at_s` on, seconds since the line was made, the line has `address`.
    """

    at_s: float
    address: Address


class SimulatedLine:
    """
    Has an address of each family, which changes when told to or as planned. Safe to use from several threads,
    because servers answer from threads of their own.

    Args:
        pools: where addresses come from, by family; a family without a pool has no address.
        seed: of the draws; two lines with one seed take the same addresses.
        clock: only its monotonic time is read.
    """

    def __init__(
        self, *, pools: Mapping[Family, AddressPool] | None = None, seed: int = 0, clock: Clock | None = None
    ) -> None:
        self._pools = {Family.V4: RESIDENTIAL, Family.V6: IPV6_PREFIX} if pools is None else dict(pools)
        self._random = random.Random(seed)  # noqa: S311 # play, and it must repeat
        self._clock = clock or SystemClock()
        self._began = self._clock.monotonic()
        self._lock = threading.Lock()
        self._steps = {
            family: [AddressStep(at_s=0.0, address=pool.draw(self._random))] for family, pool in self._pools.items()
        }

    @property
    def elapsed_s(self) -> float:
        return self._clock.monotonic() - self._began

    def address(self, family: Family, *, ago_s: float = 0.0) -> Address | None:
        """
        The address now, or `ago_s` seconds ago (the first one for times before the line was made).
        """
        past = self.steps(family, until_s=self.elapsed_s - ago_s)
        first = self._steps.get(family, [])[:1]
        return (past or first)[-1].address if first else None

    def steps(self, family: Family, *, until_s: float | None = None) -> list[AddressStep]:
        """
        The addresses there have been, the first one included, oldest first.
        """
        limit = self.elapsed_s if until_s is None else until_s
        with self._lock:
            return [step for step in self._steps.get(family, []) if step.at_s <= limit]

    def changes(self, family: Family) -> int:
        """
        How often the address has changed so far.
        """
        return max(0, len(self.steps(family)) - 1)

    def change(self, family: Family = Family.V4, *, to: Address | None = None) -> Address:
        """
        Take another address now: `to`, or one drawn from the pool. Plans for later are dropped.
        """
        now = self.elapsed_s
        with self._lock:
            past = [step for step in self._steps[family] if step.at_s <= now]
            address = to or self._pools[family].draw(self._random, other_than=past[-1].address)
            self._steps[family] = [*past[-_KEPT_STEPS:], AddressStep(at_s=now, address=address)]
        return address

    def plan(self, *times_s: float, family: Family = Family.V4) -> list[AddressStep]:
        """
        Change at these times, seconds since the line was made, in rising order; each address is drawn now.

        Raises:
            ValueError: the times do not rise, or begin before the last step there is.
        """
        return self._append(family, ((at_s, None) for at_s in times_s))

    def plan_addresses(self, steps: Iterable[AddressStep]) -> None:
        """
        Change as written: for scenes that need certain addresses.
        """
        for step in steps:
            self._append(family_of(step.address), [(step.at_s, step.address)])

    def _append(self, family: Family, wanted: Iterable[tuple[float, Address | None]]) -> list[AddressStep]:
        made: list[AddressStep] = []
        with self._lock:
            steps = self._steps[family]
            for at_s, address in wanted:
                last = steps[-1]
                if at_s <= last.at_s:
                    raise ValueError(f"a change at {at_s} s cannot follow one at {last.at_s} s; give rising times")
                taken = address or self._pools[family].draw(self._random, other_than=last.address)
                made.append(AddressStep(at_s=at_s, address=taken))
                steps.append(made[-1])
        return made
