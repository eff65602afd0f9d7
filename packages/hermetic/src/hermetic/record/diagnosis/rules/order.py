"""
Rules about the order of tests: what an earlier test changed and a later one suffers from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hermetic.foundation.remedy import Remedy
from hermetic.guard.events import FindingMended, FindingReported
from hermetic.record.diagnosis.model import Diagnosis, Rule, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermetic.foundation.finding import Finding
    from hermetic.record.diagnosis.model import Evidence

_NAME: Final = re.compile(r"[A-Za-z_][\w.]*")


def _stains_before(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    # What was put back cannot be suffered from, so only what stayed counts: isolation that only observes, or none.
    one = evidence.one
    for test in evidence.run.tests:
        for earlier in test.tries:
            if earlier.worker != one.worker or earlier.began_s >= one.began_s:
                continue
            events = [event for _, event in earlier.events]
            for index, event in enumerate(events):
                if not isinstance(event, FindingReported) or event.finding.category != "stain":
                    continue
                after = events[index + 1] if index + 1 < len(events) else None
                if not (isinstance(after, FindingMended) and after.is_mended):
                    yield test.nodeid, event.finding


def _shared_state(evidence: Evidence) -> Diagnosis | None:
    failure = evidence.one.failure
    if failure is None:
        return None
    lines = " ".join(frame.source for one in failure.chain() for frame in one.frames if frame.is_own)
    used = {name for found in _NAME.findall(lines) for name in (found, found.rpartition(".")[2])}
    for polluter, stain in _stains_before(evidence):
        match = _NAME.match(stain.subject)
        name = match[0].rstrip(".") if match else ""
        if "." in name and (name in used or ".".join(name.split(".")[-2:]) in used):
            return Diagnosis(
                rule="order.shared-state",
                cause=f"An earlier test changed {name} and did not put it back; this test uses it.",
                confidence="likely",
                evidence=(
                    f"{polluter} left it changed: {stain.subject}",
                    f"the failing code names it {at(failure)}",
                    "both ran in one process, the other one first",
                ),
                remedy=Remedy(
                    text=f"Put it back in {polluter}, or let Hermetic do so: --hermetic-isolation=restore.",
                    code=f'monkeypatch.setattr("{name}", value)',
                ),
            )
    return None


RULES: Final = (
    Rule(
        name="order.shared-state",
        looks_for="state that an earlier test of the process changed and the failing line names",
        judge=_shared_state,
    ),
)
