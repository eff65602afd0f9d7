"""
Single leaks, and how those of one cause become one finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hermetic.foundation.finding import Finding, Frame, Site
from hermetic.guard.component import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from hermetic.foundation.remedy import Remedy
    from hermetic.guard.census.site import RawSite, Reader
    from hermetic.guard.ownership import Tenure


class MendError(Exception):
    """
    None of the resources of a finding could be closed.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    One leak: something still open (`mend` closes it), or something that was seen to end unclosed (no `mend`).
    """

    kind: str
    title: str
    subject: str
    remedy: Remedy
    tenure: Tenure
    site: RawSite | None
    #: Where the interpreter itself keeps the site: (file, line, function), innermost first.
    origin: tuple[tuple[str, int, str], ...] = ()
    evidence: Sequence[str] = ()
    mend: Callable[[], str] | None = None
    kept: str = ""
    holds: dict[str, int] = field(default_factory=dict[str, int])

    def kept_for(self, reason: str) -> Case:
        return replace(self, kept=reason)


def verdicts(cases: Iterable[Case], *, reader: Reader) -> Iterator[Verdict]:
    """
    One verdict for all cases of one kind that one owner made at one line.
    """
    groups: dict[tuple[object, ...], list[Case]] = {}
    for case in cases:
        place = (reader.innermost(case.site) or case.site) if case.site else (case.origin[:1] or case.subject)
        groups.setdefault((case.tenure, case.kind, case.title, case.kept, place), []).append(case)
    for group in groups.values():
        yield _verdict(group, reader)


def _verdict(group: list[Case], reader: Reader) -> Verdict:
    first = group[0]
    evidence = [*first.evidence, *_held(group)]
    if len(group) > 1:
        evidence.insert(0, _others(group))
    site = reader.read(first.site) if first.site else _site(first.origin)
    begins = first.tenure.owner.defined
    if site is not None and first.site and begins is not None and not reader.is_anybodys(first.site):
        site = replace(site, frames=(begins, *site.frames))
        evidence.append("only libraries' code was on the stack; the line is where its owner begins")
    finding = Finding(
        category="leak",
        kind=first.kind,
        title=first.title,
        subject=first.subject,
        owner=first.tenure.owner,
        site=site,
        evidence=tuple(evidence),
        remedy=first.remedy,
        kept=first.kept,
        count=len(group),
    )
    mends = [case.mend for case in group if case.mend is not None and not case.kept]
    return Verdict(finding, (lambda: _mend(mends)) if mends else None)


def _site(origin: tuple[tuple[str, int, str], ...]) -> Site | None:
    if not origin:
        return None
    return Site(frames=tuple(Frame(file=file, line=line, function=name) for file, line, name in origin), depth_cut=True)


def _others(group: list[Case]) -> str:
    subjects = list(dict.fromkeys(case.subject for case in group))
    also = f": also {', '.join(subjects[1:4])}{', …' if len(subjects) > 4 else ''}" if len(subjects) > 1 else ""
    return f"{len(group)} of them from the same line{also}"


def _held(group: list[Case]) -> Iterator[str]:
    total: dict[str, int] = {}
    for case in group:
        for noun, number in case.holds.items():
            total[noun] = total.get(noun, 0) + number
    if total:
        yield f"with it go {', '.join(counted(number, noun) for noun, number in total.items())}"


def _mend(mends: list[Callable[[], str]]) -> str:
    done: dict[str, int] = {}
    failed: list[str] = []
    for mend in mends:
        try:
            said = mend()
            done[said] = done.get(said, 0) + 1
        except Exception as error:  # noqa: BLE001 - the next one must still be closed
            failed.append(f"{type(error).__name__}: {error}")
    if failed and not done:
        raise MendError("; ".join(dict.fromkeys(failed)))
    text = ", ".join(said if len(mends) == 1 else f"{number} {said}" for said, number in done.items())
    return text + (f"; {len(failed)} could not be: {failed[0]}" if failed else "")


def counted(number: int, noun: str) -> str:
    """
    "1 socket", "3 sockets".
    """
    return (
        f"{number} {noun}"
        if number == 1
        else f"{number} {noun.removesuffix('y') + 'ies' if noun.endswith('y') else noun + 's'}"
    )
