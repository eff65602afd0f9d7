"""
When a fault strikes: how often, for how long, whom, which of their requests.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Self

from hermetic.world.http import bounds
from hermetic.world.http.errors import BadFaultError

if TYPE_CHECKING:
    from types import TracebackType, UnionType

    from hermetic.world.http.faults.model import Fault
    from hermetic.world.http.ports import Draw
    from hermetic.world.http.request import Request

Rate = float | Callable[[float], float]


class FaultRule:
    """
    A fault in force on a route or a server, until it is removed, its `ttl` is over or its `times` are used up.

    It is in force from the moment it is made; as a context manager it is removed at the end of the block.

    Args:
        rate: probability for each request, 0 to 1; or a function of the seconds since the rule was set.
        ttl: seconds it stays in force, by the server's clock; None for ever.
        client: only requests of the client with this label.
        nth: only these among the requests that the rule looks at, counted from 1.
        times: how often it strikes at most.
        where: only requests for which this returns true.
    """

    def __init__(
        self,
        fault: Fault,
        *,
        purpose: str,
        set_at_s: float,
        remove: Callable[[FaultRule], None],
        rate: Rate = 1.0,
        ttl: float | None = None,
        client: str | None = None,
        nth: int | Collection[int] | None = None,
        times: int | None = None,
        where: Callable[[Request], bool] | None = None,
    ) -> None:
        self.fault = fault
        self.rate = rate if callable(rate) else checked_rate(rate, fault=fault.name)
        _check(fault.name, ttl=ttl, client=client, nth=nth, times=times, where=where)
        self.ttl = ttl
        self.client = client
        self.nth = None if nth is None else frozenset({nth} if isinstance(nth, int) else nth)
        self.times = times
        self.where = where
        self.purpose = purpose
        self.set_at_s = set_at_s
        self.looked = 0
        self.struck = 0
        self._remove = remove

    def __repr__(self) -> str:
        return f"<FaultRule {self.fault!r} [struck {self.struck} of {self.looked}]>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def is_selective(self) -> bool:
        """
        It spares some of those it could strike.
        """
        chosen = (self.client, self.nth, self.times, self.where)
        return self.rate != 1.0 or any(one is not None for one in chosen)

    def remove(self) -> None:
        """
        Take it out of force; requests already struck stay struck. Idempotent.
        """
        self._remove(self)

    def is_over(self, *, now_s: float) -> bool:
        return self.ttl is not None and now_s - self.set_at_s >= self.ttl

    def _is_about(self, request: Request | None) -> bool:
        if request is None:
            return self.client is None and self.where is None
        return (self.client is None or request.client == self.client) and (self.where is None or self.where(request))

    def strikes(self, request: Request | None, draw: Draw, *, now_s: float) -> bool:
        """
        Decide for one request, or for a new connection when there is none yet, and count it. Called on the server's
        loop in the order of matching.

        Counts, times to live and rates that change over time depend on the order and the pace of the requests; so the
        whole verdict goes into the ledger, and a schedule repeats it as it was.
        """
        if not self._is_about(request):
            return False
        struck = draw.verdict(self.purpose, self._asked(), lambda: self._falls_on(draw, now_s=now_s), nothing=False)
        self.struck += struck
        return struck

    def _falls_on(self, draw: Draw, *, now_s: float) -> bool:
        if self.is_over(now_s=now_s):
            return False
        self.looked += 1
        if self.nth is not None and self.looked not in self.nth:
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        rate = self.rate
        if callable(rate):
            rate = checked_rate(rate(now_s - self.set_at_s), fault=self.fault.name)
        return draw.uniform(self.purpose) < rate

    def _asked(self) -> str:
        parts = ["rate by function" if callable(self.rate) else f"rate {self.rate:g}"]
        parts += [] if self.nth is None else [f"nth {', '.join(map(str, sorted(self.nth)))}"]
        parts += [] if self.times is None else [f"{self.times} times"]
        parts += [] if self.ttl is None else [f"for {self.ttl:g} s"]
        return ", ".join(parts)


def _check(fault: str, *, ttl: Any, client: Any, nth: Any, times: Any, where: Any) -> None:
    def number(given: Any, kind: type | UnionType) -> bool:
        return isinstance(given, kind) and not isinstance(given, bool)

    counted = bounds.several(nth)
    rows: tuple[tuple[str, Any, bool, str], ...] = (
        ("ttl", ttl, number(ttl, int | float) and ttl > 0, "a time to live is seconds above 0"),
        ("times", times, number(times, int) and times > 0, "it strikes a whole number of times, at least once"),
        ("nth", nth, bool(counted) and all(number(n, int) and n > 0 for n in counted), "requests are counted from 1"),
        ("client", client, isinstance(client, str), "a client's label is text"),
        ("where", where, callable(where), "give a function of the request"),
    )
    for name, value, is_good, why in rows:
        if value is not None and not is_good:
            raise BadFaultError(what=f"{fault} with {name}={value!r}", why=why)


def checked_rate(rate: Any, *, fault: str) -> float:
    """
    Raises:
        BadFaultError: not a number from 0 to 1.
    """
    if isinstance(rate, bool) or not isinstance(rate, int | float) or math.isnan(rate) or not 0 <= rate <= 1:
        raise BadFaultError(what=f"{fault} with rate={rate!r}", why="a rate is a probability from 0 to 1 (20 % is 0.2)")
    return float(rate)
