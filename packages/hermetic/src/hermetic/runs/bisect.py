"""
The smallest set of earlier tests that decides how a test ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# "victim": fails after others and passes alone. "brittle": passes after others and fails alone.
Case: TypeAlias = Literal["victim", "brittle", "always", "never", "unsteady"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """
    What decides. `tests` are the polluters of a victim or the setters of a brittle test, in their order; empty for the
    other cases. `probes` counts subsets of tests that were run; repeats to make sure are not counted.
    """

    case: Case
    tests: tuple[str, ...] = ()
    probes: int = 0


class Search:
    """
    Looks for the set. `fails` runs tests, in the order given, before the one in question, and says whether that failed.

    `times` is how often the end result is repeated, and must come out the same.
    """

    def __init__(self, fails: Callable[[Sequence[str]], bool], *, times: int = 3) -> None:
        self._fails = fails
        self._times = times
        self._known: dict[tuple[str, ...], bool] = {}

    @property
    def probes(self) -> int:
        return len(self._known)

    def find(self, before: Sequence[str]) -> Found:
        """
        Args:
            before: the tests that ran before the one in question, in their order.
        """
        alone, after_all = self._ask(()), self._ask(tuple(before))
        if alone == after_all:
            return Found(case="always" if alone else "never", probes=self.probes)
        order = {name: place for place, name in enumerate(before)}
        chosen = self._decisive((), (), tuple(before), wanted=after_all, order=order)
        steady = all(self._fails(chosen) == after_all for _ in range(self._times)) and all(
            self._fails(()) == alone for _ in range(self._times)
        )
        case: Case = "unsteady" if not steady else "victim" if after_all else "brittle"
        return Found(case=case, tests=chosen, probes=self.probes)

    def _decisive(
        self,
        background: tuple[str, ...],
        added: tuple[str, ...],
        candidates: tuple[str, ...],
        *,
        wanted: bool,
        order: dict[str, int],
    ) -> tuple[str, ...]:
        # QuickXplain: about 2 log2 n probes for one polluter, and a few times that for several that are needed together.
        # Source: U. Junker, QuickXplain: preferred explanations and relaxations, AAAI 2004.
        if added and self._ask(_sorted(background, order)) == wanted:
            return ()
        if len(candidates) == 1:
            return candidates
        middle = len(candidates) // 2
        # The later half is kept first: a polluter is more often near.
        early, late = candidates[:middle], candidates[middle:]
        of_early = self._decisive((*background, *late), late, early, wanted=wanted, order=order)
        of_late = self._decisive((*background, *of_early), of_early, late, wanted=wanted, order=order)
        return _sorted((*of_early, *of_late), order)

    def _ask(self, tests: tuple[str, ...]) -> bool:
        if tests not in self._known:
            self._known[tests] = self._fails(tests)
        return self._known[tests]


def _sorted(tests: tuple[str, ...], order: dict[str, int]) -> tuple[str, ...]:
    return tuple(sorted(tests, key=order.__getitem__))
