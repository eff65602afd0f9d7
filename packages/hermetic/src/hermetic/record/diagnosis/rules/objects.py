"""
Rules about objects: mocks, attributes, what was left open or closed too early, coroutines.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from hermetic.foundation.remedy import Remedy
from hermetic.record.diagnosis.model import Diagnosis, Rule, at, from_findings

if TYPE_CHECKING:
    from hermetic.record.diagnosis.model import Evidence
    from hermetic.record.failure import Failure


def _mock_exhausted(evidence: Evidence) -> Diagnosis | None:
    failure = evidence.with_true("mock.is_exhausted")
    if failure is None:
        return None
    calls = int(failure.facts["mock.calls"])
    given = int(failure.facts.get("mock.given", calls - 1))
    return Diagnosis(
        rule="mock.exhausted",
        cause=f"A mock ran out of side effects: it was called {calls} times and was given {given}. This is no race.",
        confidence="certain",
        evidence=(
            f"{failure.type} was raised by the mock itself when its list of side effects had nothing left",
            f"the call that was one too many stands {at(failure)}",
        ),
        remedy=Remedy(
            text="Give the mock a function, which never runs out, or as many results as there are calls.",
            code="mock.side_effect = lambda *args, **kwargs: answer",
        ),
    )


def _attribute_on_mock(evidence: Evidence) -> Diagnosis | None:
    failure = evidence.with_fact("attribute.owner", "mock")
    if failure is None:
        return None
    name, near = failure.facts["attribute.name"], failure.facts["attribute.near"]
    return Diagnosis(
        rule="attribute.missing-on-mock",
        cause=f"The mock has no attribute {name!r}: what it stands in for does not have it, or the mock's spec is too narrow.",
        confidence="certain",
        evidence=(
            f"asked for {at(failure)}",
            *((f"the mock does have {near!r}",) if near else ()),
        ),
        remedy=Remedy(
            text=f"Call {near!r} if that is meant; else bring the spec up to date with the class."
            if near
            else "Make the mock from the class as it is now (create_autospec), and change the code that asks."
        ),
    )


def _attribute_on_product(evidence: Evidence) -> Diagnosis | None:
    failure = evidence.with_fact("attribute.owner", "own")
    if failure is None:
        return None
    name, of, near = (failure.facts[f"attribute.{one}"] for one in ("name", "of", "near"))
    return Diagnosis(
        rule="attribute.missing-on-product",
        cause=f"{of} has no attribute {name!r}; whoever asks for it was written for another version of the project.",
        confidence="certain",
        evidence=(f"asked for {at(failure)}", *((f"{of} does have {near!r}",) if near else ())),
        remedy=Remedy(
            text=f"Ask for {near!r} in place of {name!r}."
            if near
            else f"Add {name!r} to {of}, or take out what asks for it."
        ),
    )


def _left_open(evidence: Evidence) -> Diagnosis | None:
    found = evidence.findings(category="leak")
    found = [one for one in found if one.kind not in {"coroutine.never_awaited", "asyncio.exception_never_retrieved"}]
    if not found:
        return None
    return from_findings("resource.left-open", found, evidence)


def _says_closed(failure: Failure) -> bool:
    # What files, databases, sockets and clients raise when they are closed.
    if failure.is_a("OSError"):
        return failure.facts.get("errno") == errno.EBADF
    return failure.type in {"ValueError", "sqlite3.ProgrammingError", "RuntimeError"}


def _used_closed(evidence: Evidence) -> Diagnosis | None:
    failure = evidence.with_fact("closed.type")
    if failure is None or not _says_closed(failure):
        return None
    kind, name = failure.facts["closed.type"], failure.facts["closed.name"]
    return Diagnosis(
        rule="resource.used-after-close",
        cause=f"{name!r}, a {kind}, was used or closed after it had been closed.",
        confidence="certain",
        evidence=(f"it was closed when {failure.type} was raised {at(failure)}",),
        remedy=Remedy(
            text="Close it in one place only, by whoever made it, after its last use; a with around all uses does that."
        ),
    )


def _never_awaited(evidence: Evidence) -> Diagnosis | None:
    found = evidence.findings(kind="coroutine.never_awaited")
    if not found:
        return None
    return Diagnosis(
        rule="coroutine.never-awaited",
        cause=f"A coroutine was made and never awaited, so its code did not run: {found[0].subject}.",
        confidence="certain",
        evidence=found[0].evidence,
        remedy=found[0].remedy or Remedy(text="Await it."),
    )


def _task_failed(evidence: Evidence) -> Diagnosis | None:
    # A task that fails while nobody waits may be awaited later; only one that never was is a finding.
    found = evidence.findings(kind="asyncio.exception_never_retrieved")
    if not found:
        return None
    raised = [f"{one.type} was raised {at(one)}" for one in evidence.test.task_failures[:3]]
    return Diagnosis(
        rule="task.failed-unseen",
        cause=f"A task failed and nobody looked at its result: {found[0].subject}.",
        confidence="certain",
        evidence=(*found[0].evidence, *raised),
        remedy=found[0].remedy
        or Remedy(text="Keep the task and await it, or start it in a TaskGroup, which raises what its tasks raise."),
    )


RULES: Final = (
    Rule(name="mock.exhausted", looks_for="a mock's list of side effects had nothing left", judge=_mock_exhausted),
    Rule(
        name="attribute.missing-on-mock", looks_for="an attribute that a mock does not have", judge=_attribute_on_mock
    ),
    Rule(
        name="attribute.missing-on-product",
        looks_for="an attribute that a class or module of the project does not have",
        judge=_attribute_on_product,
    ),
    Rule(
        name="resource.used-after-close",
        looks_for="an object that was closed when it was used or closed again",
        judge=_used_closed,
    ),
    Rule(
        name="coroutine.never-awaited",
        looks_for="a coroutine that was dropped without being awaited",
        judge=_never_awaited,
    ),
    Rule(name="task.failed-unseen", looks_for="a task whose exception nobody retrieved", judge=_task_failed),
    Rule(
        name="resource.left-open", looks_for="something left open by the test or one of its fixtures", judge=_left_open
    ),
)
