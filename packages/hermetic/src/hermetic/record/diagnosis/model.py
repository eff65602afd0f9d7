"""
What a diagnosis says, and what a rule may look at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

from hermetic.foundation.remedy import Remedy
from hermetic.guard.events import FindingReported

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.foundation import Event, Finding, Frame
    from hermetic.record.failure import Failure
    from hermetic.record.run import Run, Test, Try

Confidence: TypeAlias = Literal["certain", "likely", "possible"]
"""
certain: the evidence has no other reading. likely: another reading exists and is rarer. possible: worth a look.
"""
E = TypeVar("E", bound="Event")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """
    A cause: the rule that named it, the cause in a sentence, how sure it is, the evidence with the strongest first, and what
    to do in this case.
    """

    rule: str
    cause: str
    confidence: Confidence
    evidence: tuple[str, ...]
    remedy: Remedy


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    One bad or flaky test, with the run around it.
    """

    run: Run
    test: Test

    @property
    def one(self) -> Try:
        return self.test.telling

    @property
    def chain(self) -> tuple[Failure, ...]:
        failure = self.one.failure
        return () if failure is None else failure.chain()

    def place(self, frame: Frame) -> str:
        """
        A line of code, with its file named from the project's root.
        """
        root = self.run.root.rstrip("/") + "/"
        return f"{frame.file.removeprefix(root) if self.run.root else frame.file}:{frame.line}"

    def failed(self, *types: str) -> Failure | None:
        """
        The innermost failure of the chain that is of one of these classes.
        """
        return next((one for one in reversed(self.chain) if one.is_a(*types)), None)

    def with_fact(self, name: str, *values: Any) -> Failure | None:
        """
        The first failure of the chain that has this fact, with one of these values if any are given.
        """
        return next(
            (one for one in self.chain if name in one.facts and (not values or one.facts[name] in values)), None
        )

    def with_true(self, name: str) -> Failure | None:
        """
        The first failure of the chain for which this fact is true.
        """
        return next((one for one in self.chain if one.facts.get(name) is True), None)

    def events(self, kind: type[E]) -> list[E]:
        return [event for _, event in self.one.events if isinstance(event, kind)]

    def findings(self, *, category: str = "", kind: str = "") -> list[Finding]:
        return [
            event.finding
            for event in self.events(FindingReported)
            if event.level == "error"
            and (not category or event.finding.category == category)
            and (not kind or event.finding.kind == kind)
        ]


# What was done at the line that a finding names.
_DID: Final = {"block": "held", "stain": "changed"}


def from_findings(rule: str, found: Sequence[Finding], evidence: Evidence) -> Diagnosis:
    """
    What findings of Hermetic's own, at least one, say of a test that they failed.
    """
    first = found[0]
    frame = first.site.innermost if first.site is not None else None
    # The line, not which one it was or whose: what many tests do from one line is one cause.
    place = (
        f", {_DID.get(first.category, 'made')} at {evidence.place(frame)} in {frame.function}"
        if frame is not None
        else ""
    )
    # What was changed is known by its name; the line where nobody saw it is only likely.
    what = f"{first.title}: {first.subject}" if first.category == "stain" else first.title
    return Diagnosis(
        rule=rule,
        cause=f"{what}{place}.",
        confidence="certain",
        evidence=(
            f"{first.subject}, of {first.owner}",
            *first.evidence,
            *(f"also: {one.title}: {one.subject}" for one in found[1:4]),
        ),
        remedy=first.remedy or Remedy(text="Close it where it was made, in a with or a finally."),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    One rule. `looks_for` says in a clause what it speaks on, for the table in the documentation.
    """

    name: str
    looks_for: str
    judge: Callable[[Evidence], Diagnosis | None]


def at(failure: Failure) -> str:
    """
    The place where a reader looks first, as a clause.
    """
    frame = failure.own_frame or failure.raised_at
    return "at an unknown line" if frame is None else f"at {frame.file}:{frame.line} in {frame.function}"
