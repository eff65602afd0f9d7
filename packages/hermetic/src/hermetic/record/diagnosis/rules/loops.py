"""
Rules about event loops that are in one another's way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermetic.foundation.remedy import Remedy
from hermetic.record.diagnosis.model import Diagnosis, Rule, at
from hermetic.record.events import FixtureSetUp

if TYPE_CHECKING:
    from hermetic.record.diagnosis.model import Evidence
    from hermetic.record.failure import Failure


def _fixture_loop(evidence: Evidence) -> Diagnosis | None:
    failure = evidence.with_fact("loop.fixture")
    name = "" if failure is None else str(failure.facts["loop.fixture"])
    if failure is None or not name:
        return None
    kind = failure.facts["loop.foreign"]
    return Diagnosis(
        rule="loop.fixture-of-another",
        cause=f"The fixture {name!r} made its {kind} in another event loop than the one in which the test runs.",
        confidence="certain",
        evidence=(
            f"{failure.type} was raised {at(failure)}",
            f"the {kind} came from the fixture and belongs to another loop",
        ),
        remedy=Remedy(
            text="Let fixture and test share a loop: give both the same loop scope, or make the object in a fixture of the test.",
            code='@pytest_asyncio.fixture(loop_scope="module", scope="module")\nasync def …\n\n'
            'pytestmark = pytest.mark.asyncio(loop_scope="module")',
        ),
    )


def _raised_in(evidence: Evidence, module: str, function: str) -> Failure | None:
    for failure in reversed(evidence.chain):
        frame = failure.raised_at
        if frame is not None and frame.module == module and frame.function.rpartition(".")[2] == function:
            return failure
    return None


def _bound_elsewhere(evidence: Evidence) -> Diagnosis | None:
    failure = evidence.with_fact("loop.foreign")
    if failure is not None and failure.facts["loop.fixture"]:
        return None  # the rule about fixtures says more
    # Source: Lib/asyncio/mixins.py, where locks, queues and events look whose loop they are bound to.
    failure = failure or _raised_in(evidence, "asyncio.mixins", "_get_loop")
    if failure is None:
        return None
    kind = failure.facts.get("loop.foreign", "object")
    return Diagnosis(
        rule="loop.bound-to-another",
        cause=f"The {kind} belongs to another event loop than the one that runs: it was made or first used there.",
        confidence="certain",
        evidence=(f"{failure.type} was raised {at(failure)}",),
        remedy=Remedy(
            text="Make it inside the loop that uses it, once a loop: not at import, and not in an object that outlives a test."
        ),
    )


def _closed_loop(evidence: Evidence) -> Diagnosis | None:
    # Source: Lib/asyncio/base_events.py.
    failure = _raised_in(evidence, "asyncio.base_events", "_check_closed")
    if failure is None:
        return None
    return Diagnosis(
        rule="loop.closed",
        cause="Something used an event loop that had been closed: an object of an earlier test or loop is still in use.",
        confidence="certain",
        evidence=(f"the loop refused {at(failure)}",),
        remedy=Remedy(text="Close what belongs to a loop before the loop ends, and make a new one for the next loop."),
    )


def _custom_loop(evidence: Evidence) -> Diagnosis | None:
    has_fixture = any(one.fixture == "event_loop" for one in evidence.events(FixtureSetUp))
    failure = (
        evidence.with_fact("loop.foreign")
        or _raised_in(evidence, "asyncio.mixins", "_get_loop")
        or _raised_in(evidence, "asyncio.base_events", "_check_closed")
    )
    if not has_fixture or failure is None:
        return None
    return Diagnosis(
        rule="loop.custom-fixture",
        cause="The project's own event_loop fixture and the runner's loop are two loops, and objects cross between them.",
        confidence="likely",
        evidence=("the test was given a fixture event_loop", f"{failure.type} was raised {at(failure)}"),
        remedy=Remedy(
            text="Take the event_loop fixture out; say with loop_scope which tests share a loop.",
            code="asyncio_default_fixture_loop_scope = function",
        ),
    )


RULES: Final = (
    Rule(
        name="loop.custom-fixture",
        looks_for="a fixture named event_loop beside objects of two loops",
        judge=_custom_loop,
    ),
    Rule(
        name="loop.fixture-of-another",
        looks_for="a fixture's value that belongs to another loop than the test's",
        judge=_fixture_loop,
    ),
    Rule(
        name="loop.bound-to-another",
        looks_for="an object that belongs to another loop than the one that runs",
        judge=_bound_elsewhere,
    ),
    Rule(name="loop.closed", looks_for="a call on an event loop that is closed", judge=_closed_loop),
)
