"""
Verdicts as text for a terminal and as JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hermetic.record.history.shown import percent
from hermetic.runs.stress.conditions import WAITS
from hermetic.runs.stress.trials import told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermetic.record.history.intervals import Interval
    from hermetic.runs.stress.trials import Arm
    from hermetic.runs.stress.verdict import Cause, Verdict

_KEPT_LINES = 6


def text(verdicts: Sequence[Verdict]) -> str:
    """
    A paragraph for each test: class, cause, counterfactual, the command, the remedy; then what made no difference.
    """
    return "\n\n".join("\n".join(_of_one(verdict)) for verdict in verdicts)


def _of_one(verdict: Verdict) -> list[str]:
    cause = verdict.cause
    lines = [verdict.test]
    if cause is not None:
        lines += _of_cause(verdict, cause)
        lines += [
            f"  also changed by {other.condition.title} ({other.condition.name}): fails {_rate(other.arm)}"
            for other in verdict.causes
            if other is not cause
        ]
    else:
        lines += _without_cause(verdict)
    lines += [f"  {note}" for note in verdict.notes]
    if not verdict.is_repeatable:
        lines.append("  It passes once in a process and never again: it does not put back what it changes.")
    if verdict.arms:
        arms = ", ".join(
            f"{name} {arm.failures} of {arm.runs} (up to {percent(arm.highest)})" for name, arm in verdict.arms.items()
        )
        lines.append(f"  no sure difference: {arms}")
    if verdict.unmet:
        lines.append(f"  does not meet: {', '.join(verdict.unmet)}")
    return lines


def _of_cause(verdict: Verdict, cause: Cause) -> list[str]:
    condition = cause.condition
    word = {"flaky": "flaky, decided by", "sensitive": "sensitive to", "timing": "timing, decided by"}.get(
        verdict.class_, f"{verdict.class_}, decided by"
    )
    lines = [
        f"  {word} {condition.title} ({condition.name})",
        f"  fails {_rate(cause.arm)} when it varies",
    ]
    if cause.again is not None:
        lines.append(f"  the same again: fails {cause.again.failures} of {cause.again.runs}")
    effect = "so that makes it rarer" if verdict.calm.failures else "so that makes it go away"
    lines.append(f"  with {condition.calm}: fails {_rate(verdict.calm)}, {effect}")
    if cause.patient is not None:
        outcome = "makes it go away as well: it waits too short" if cause.is_timing else "changes nothing"
        lines.append(f"  with waits and timeouts times {WAITS:g}: fails {_rate(cause.patient)}; that {outcome}")
    said = [line for line in cause.example.text.splitlines() if line.startswith("E ")][:_KEPT_LINES]
    lines += [f"    {line}" for line in said or cause.example.text.splitlines()[-2:]]
    lines += [f"  {condition.remedy}", f"  see it again: {command(verdict, cause)}"]
    return lines


def _without_cause(verdict: Verdict) -> list[str]:
    calm = verdict.calm
    if verdict.class_ == "stable":
        return [f"  stable: no failure in {verdict.runs} runs, at most {percent(calm.highest)} in calm surroundings"]
    if verdict.class_ == "skipped":
        return ["  skipped: it was not run"]
    if verdict.class_ == "broken":
        said = [line for line in calm.failed[0].text.splitlines() if line.startswith("E ")][:_KEPT_LINES]
        return [f"  broken: fails {_rate(calm)}, whatever the surroundings", *(f"    {line}" for line in said)]
    if verdict.class_ == "cold-start":
        return [
            f"  cold-start: fails {_rate(verdict.first)} as the first run in its process",
            f"  in a process that has run it before: fails {_rate(verdict.later)}, so that makes it go away",
            "  Set up once what the first run finds missing, in a fixture with the scope of the session.",
        ]
    lines = [f"  {verdict.class_}: fails {_rate(calm)} in calm surroundings"]
    if verdict.class_ == "flaky":
        lines.append("  None of the conditions changes that: what decides is beyond them.")
    return lines


def command(verdict: Verdict, cause: Cause) -> str:
    """
    One command that shows the failure, or the difference where no single run does.
    """
    name = cause.condition.name
    if name == "hash":
        return f"PYTHONHASHSEED={cause.example.setting['hash']} pytest '{verdict.test}'"
    if name == "order":
        return f"hermetic bisect '{verdict.test}'"
    if cause.condition.is_exact:
        return f"hermetic stress '{verdict.test}' --again '{told(cause.example.setting)}'"
    return f"hermetic stress '{verdict.test}' --only {name}"


def _rate(arm: Arm) -> str:
    if not arm.failures:
        return f"0 of {arm.runs} (up to {percent(arm.highest)} is possible)"
    interval = arm.interval
    return (
        f"{arm.failures} of {arm.runs} ({percent(arm.failures / arm.runs)}, "
        f"95 % interval {percent(interval.low)} to {percent(interval.high)})"
    )


def as_json(verdicts: Sequence[Verdict]) -> str:
    """
    One object with `tests`; rates are from 0 to 1.
    """
    return json.dumps({"tests": [_json_of(verdict) for verdict in verdicts]}, indent=1)


def _json_of(verdict: Verdict) -> dict[str, Any]:
    cause = verdict.cause
    return {
        "test": verdict.test,
        "class": verdict.class_,
        "cause": cause.condition.name if cause is not None else None,
        "causes": [
            {
                "condition": one.condition.name,
                **_counts(one.arm),
                "again": _counts(one.again) if one.again is not None else None,
                "with_longer_waits": _counts(one.patient) if one.patient is not None else None,
                "probability_by_chance": one.chance,
                "setting": dict(one.example.setting),
                "command": command(verdict, one),
            }
            for one in verdict.causes
        ],
        "calm": _counts(verdict.calm),
        "no_difference": {name: _counts(arm) for name, arm in verdict.arms.items()},
        "not_met": verdict.unmet,
        "notes": verdict.notes,
    }


def _counts(arm: Arm) -> dict[str, Any]:
    interval: Interval | None = arm.interval if arm.runs else None
    bounds = [interval.low, interval.high] if interval is not None else [0.0, 1.0]
    return {"runs": arm.runs, "failures": arm.failures, "interval": bounds}
