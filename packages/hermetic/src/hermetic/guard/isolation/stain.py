"""
From changes to findings: what was changed, from what to what, by which line, and how to put it back.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hermetic.foundation.finding import Finding, Owner, Site
from hermetic.foundation.remedy import Remedy
from hermetic.guard.component import Verdict
from hermetic.guard.isolation.change import FAULT, Change, text
from hermetic.guard.isolation.suspects import suspect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hermetic.guard.isolation.state import State

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stain:
    """
    One change that nobody has undone yet, and the line that made it where an audit event told.
    """

    state: State[Any]
    change: Change
    site: Site | None

    @property
    def kind(self) -> str:
        return f"stain.{self.change.variant or self.state.kind}"

    def followed_by(self, later: Stain) -> Stain:
        """
        Both changes of one thing as one.
        """
        return Stain(state=self.state, change=later.change.since(self.change), site=later.site or self.site)


def verdicts(stains: Iterable[Stain], *, owner: Owner, is_mended: bool) -> Iterable[Verdict]:
    """
    One finding for all changes of a kind by one line; each is put back by the finding's `mend`.
    """
    groups: dict[tuple[str, object], list[Stain]] = {}
    for stain in stains:
        groups.setdefault((stain.kind, stain.site), []).append(stain)
    for group in groups.values():
        can_mend = is_mended and group[0].state.is_restored and group[0].change.variant != FAULT
        yield Verdict(_finding(group, owner), mend=_mender(group) if can_mend else None)


def _finding(group: Sequence[Stain], owner: Owner) -> Finding:
    first = group[0]
    shown = [stain.change.name for stain in group[:_SHOWN]]
    more = len(group) - len(shown)
    site = first.site
    evidence = list(itertools.chain.from_iterable(_evidence(stain.change) for stain in group[:_SHOWN]))
    if site is None:
        site = suspect(owner.defined, (*first.state.calls, *first.change.hints), first.change.name)
        if site is not None:
            evidence.append("nothing saw it happen: the line is the first in the owner's code that can do this")
    return Finding(
        category="stain",
        kind=first.kind,
        title=f"{first.state.what} {'not put back' if first.state.is_restored else 'changed'}",
        subject=", ".join(shown) + (f" and {more} more" if more else ""),
        owner=owner,
        site=site,
        evidence=tuple(evidence),
        remedy=Remedy(text=first.state.remedy),
        count=len(group),
    )


def _evidence(change: Change) -> Iterable[str]:
    if change.note:
        yield f"{change.name}: {change.note}"
    else:
        yield f"{change.name}: {text(change.before)} before, {text(change.after)} after"


def _mender(group: Sequence[Stain]) -> Callable[[], str]:
    def mend() -> str:
        failures: list[Exception] = []
        for stain in reversed(group):
            try:
                stain.state.restore(stain.change)
            except Exception as error:  # noqa: BLE001 - the others are put back all the same
                failures.append(error)
        if len(failures) == 1:
            raise failures[0]
        if failures:
            raise ExceptionGroup(f"{len(failures)} of {len(group)} could not be put back", failures)
        return "put back"

    return mend
