"""
Rules about the order of tests: what an earlier test changed and a later one suffers from.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hermetic.foundation.remedy import Remedy
from hermetic.record.diagnosis.model import Diagnosis, Rule, at
from hermetic.record.history.comparing import fisher_one_sided

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hermetic.foundation.finding import Finding
    from hermetic.record.diagnosis.model import Evidence
    from hermetic.record.events import PastTry

# How probable what was seen may at most be if the order made no difference.
_BY_CHANCE: Final = 0.05
_NAME: Final = re.compile(r"[A-Za-z_][\w.]*")


def _stains_before(evidence: Evidence) -> Iterator[tuple[str, Finding]]:
    one = evidence.one
    for test, earlier, stain in evidence.run.stains_left:
        if earlier.worker == one.worker and earlier.began_s < one.began_s:
            yield test, stain


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


def _order_decides(evidence: Evidence) -> Diagnosis | None:
    past = evidence.run.past.get(evidence.test.nodeid)
    if past is None or evidence.one.failure is None:
        return None
    seen = _by_place(past.tries) or _by_seed(past.tries)
    if not seen:
        return None
    return Diagnosis(
        rule="order.decides",
        cause="The order of the tests decides how this one ends: it needs, or suffers from, one that runs before it.",
        confidence="likely",
        evidence=(*seen, "all of them on one version of the code"),
        remedy=Remedy(
            text="Let Hermetic find the other test, what it changes, and the line that does.",
            code=f"hermetic bisect '{evidence.test.nodeid}'",
        ),
    )


def _by_place(tries: Sequence[PastTry]) -> tuple[str, ...]:
    first = [one.did_pass for one in tries if one.position == 1]
    later = [one.did_pass for one in tries if one.position > 1]
    if not first or not later or len(set(first)) != 1 or set(later) != {not first[0]}:
        return ()
    bad, good = (later, first) if first[0] else (first, later)
    chance = fisher_one_sided(failures=len(bad), runs=len(bad), other_failures=0, other_runs=len(good))
    if chance > _BY_CHANCE:
        return ()
    words = ("passed", "failed") if first[0] else ("failed", "passed")
    return (
        f"it {words[0]} in each of {len(first)} runs in which it was the first of its process",
        f"it {words[1]} in each of {len(later)} in which others ran before",
        f"so much or more would come by chance with probability {chance:.2g}",
    )


def _by_seed(tries: Sequence[PastTry]) -> tuple[str, ...]:
    orders: dict[str, list[bool]] = {}
    for one in tries:
        if one.seed:
            orders.setdefault(one.seed, []).append(one.did_pass)
    ends = {seed: set(outcomes) for seed, outcomes in orders.items()}
    if any(len(both) > 1 for both in ends.values()) or len({tuple(both) for both in ends.values()}) < 2:
        return ()
    # Were it left to chance, each repetition of an order would end as the first try of it did with this probability.
    number = sum(map(len, orders.values()))
    rate = sum(outcomes.count(False) for outcomes in orders.values()) / number
    chance = (rate**2 + (1 - rate) ** 2) ** (number - len(orders))
    if chance > _BY_CHANCE:
        return ()
    failing = sorted(seed for seed, both in ends.items() if False in both)
    return (
        f"under {len(failing)} of {len(orders)} seeds of the order it always failed, under the others it always passed",
        f"it fails with pytest --randomly-seed={failing[0]}",
        f"so much agreement would come by chance with probability {chance:.2g}",
    )


RULES: Final = (
    Rule(
        name="order.shared-state",
        looks_for="state that an earlier test of the process changed and the failing line names",
        judge=_shared_state,
    ),
    Rule(
        name="order.decides",
        looks_for="earlier runs of one version of the code in which the order alone told how the test ended",
        judge=_order_decides,
    ),
)
