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

    Where one of n tests decides, it takes at most 2 log2 n + 4 probes, which together run about as many tests as two to three
    runs of them all; each further test that is needed with it takes about log2 n + 2 probes more.

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
        chosen = self._decisive(tuple(before), wanted=after_all)
        steady = all(self._fails(chosen) == after_all for _ in range(self._times)) and all(
            self._fails(()) == alone for _ in range(self._times)
        )
        case: Case = "unsteady" if not steady else "victim" if after_all else "brittle"
        return Found(case=case, tests=chosen, probes=self.probes)

    def _decisive(self, before: tuple[str, ...], *, wanted: bool) -> tuple[str, ...]:
        """
        A set that ends as `wanted` and of which nothing can be left out, given that all of `before` ends so and none does not.
        """
        candidates = self._narrowed(before, wanted=wanted)
        if len(candidates) == 1:
            return candidates
        # Several are needed together. The last of them ends the shortest beginning that will do; with that one kept, the
        # next is looked for among what stands before it.
        kept: tuple[str, ...] = ()
        while candidates:
            too_few, enough = 0, len(candidates)
            while enough - too_few > 1:
                middle = (too_few + enough) // 2
                if self._ask((*candidates[:middle], *kept)) == wanted:
                    enough = middle
                else:
                    too_few = middle
            kept = (candidates[enough - 1], *kept)
            if self._ask(kept) == wanted:
                break
            candidates = candidates[: enough - 1]
        return kept

    def _narrowed(self, candidates: tuple[str, ...], *, wanted: bool) -> tuple[str, ...]:
        """
        The half of them that ends as wanted, and the half of that, until there is one, or neither half does. Together these
        probes run about as many tests as one or two runs of the suite do.
        """
        while len(candidates) > 1:
            middle = len(candidates) // 2
            # The later half first: a polluter is more often near.
            for half in (candidates[middle:], candidates[:middle]):
                if self._ask(half) == wanted:
                    candidates = half
                    break
            else:
                break
        return candidates

    def _ask(self, tests: tuple[str, ...]) -> bool:
        if tests not in self._known:
            self._known[tests] = self._fails(tests)
        return self._known[tests]
