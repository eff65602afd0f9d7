"""
Values of fixtures that live through several tests, when they are containers: what a test changes in them, the tests
after it see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from hermetic.guard.isolation.change import Change
from hermetic.guard.isolation.kinds.containers import Copies, added, difference, is_equal
from hermetic.guard.isolation.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hermetic.guard.ownership.tenure import Tenure

Readings: TypeAlias = "dict[int, tuple[Tenure, Copies]]"


class FixtureValues(State[Readings]):
    """
    Lists, dictionaries, sets and deques that broader fixtures gave, three levels deep.

    They are not put back: a suite may gather something in one on purpose, and only the fixture knows.

    Args:
        living: the broader fixtures that are set up now.
    """

    kind = "fixture-value"
    what = "value of a shared fixture"
    remedy = "let the test work on a copy, or give the fixture the scope of a function"
    is_restored = False

    def __init__(self, living: Callable[[], Iterable[Tenure]]) -> None:
        self._living = living
        self._last: Readings = {}

    def read(self) -> Readings:
        now: Readings = {}
        is_alike = True
        for tenure in self._living():
            value = tenure.value() if tenure.value is not None else None
            known = self._last.get(id(tenure))
            copies = added(value, {} if known is None else known[1])
            if copies:
                now[id(tenure)] = known if known is not None and known[1] == copies else (tenure, copies)
                is_alike = is_alike and now[id(tenure)] is known
        if not is_alike or len(now) != len(self._last):
            self._last = now
        return self._last

    def is_alike(self, before: Readings, after: Readings) -> bool:
        return before is after

    def changes(self, before: Readings, after: Readings) -> Iterable[Change]:
        for identity, (tenure, copies) in after.items():
            was = before.get(identity)
            if was is None or was[0] is not tenure:
                continue
            for key, (value, now) in copies.items():
                old = was[1].get(key)
                if old is not None and not is_equal(old[1], now):
                    yield Change(
                        key=(identity, key),
                        name=f"{tenure.owner}",
                        before=old[1],
                        after=now,
                        target=value,
                        note=difference(old[1], now),
                        hints=(tenure.owner.name,),
                    )

    def restore(self, change: Change) -> None:
        raise NotImplementedError(f"{change.name} is left as the test made it")
