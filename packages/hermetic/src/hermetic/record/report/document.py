"""
The one document that every format is made from: values of JSON, the same for the same journals.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hermetic.guard.limits.events import ResourcesUsed
from hermetic.record.diagnosis import UNKNOWN, diagnose, diagnose_run
from hermetic.record.events import ResourcesSampled
from hermetic.record.history.fingerprint import fingerprint
from hermetic.record.report.since import new_ones, news, since_of, slower, suite_past, test_past
from hermetic.record.report.story import story
from hermetic.record.report.uneventful import DOCUMENT_VERSION, LEAST_MB, LISTED, MEBIBYTE
from hermetic.record.report.verdict import verdict

if TYPE_CHECKING:
    from hermetic.foundation import Finding
    from hermetic.record.diagnosis import Diagnosis
    from hermetic.record.run import Run, Test, Try


def document(run: Run) -> dict[str, Any]:
    """
    Everything a report shows, with tests in the order of their node ids and times in seconds since the run began.
    """
    diagnoses = {test.nodeid: diagnose(run, test) for test in run.tests}
    groups = _groups(run, diagnoses)
    titles = {nodeid: group["title"] for group in groups for nodeid in group["tests"]}
    return {
        "version": DOCUMENT_VERSION,
        "verdict": verdict(
            run.counts.by_outcome,
            duration_s=run.duration_s,
            causes=_causes(run, groups),
            new=new_ones(run),
            uncollected=len(run.collection_failures),
            not_run=run.not_run,
            gates=run.gates,
            slower_s=slower(run),
        ),
        "run": {
            "id": run.id,
            "began_at": round(run.began_at, 3),
            "duration_s": round(run.duration_s, 3),
            "status": run.status,
            "stopped": run.stopped,
            "expected": run.expected,
            "not_run": run.not_run,
            "environment": run.environment,
        },
        "counts": {"total": run.counts.total, **run.counts.by_outcome},
        "diagnoses": [_diagnosis(one) for one in diagnose_run(run)],
        "groups": groups,
        "findings": _findings(run),
        "news": news(run),
        "past": suite_past(run),
        "slowest": [
            {"id": test.nodeid, "duration_s": round(test.duration_s, 6)}
            for test in sorted(run.tests, key=lambda one: (-one.duration_s, one.nodeid))[:LISTED]
        ],
        "hungriest": _hungriest(run),
        "collection_failures": [{"node": node, "text": text} for node, text in run.collection_failures],
        "warnings": [
            {"category": category, "message": message, "place": place, "test": test}
            for category, message, place, test in run.warnings
        ],
        "workers": [
            {"name": one.name, "host": one.host, "began_s": one.began_s, "ended_s": one.ended_s} for one in run.workers
        ],
        "tests": [_test(run, test, diagnoses[test.nodeid], titles.get(test.nodeid, "")) for test in run.tests],
        "problems": list(run.problems),
    }


def _diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    return asdict(diagnosis)


def _groups(run: Run, diagnoses: dict[str, tuple[Diagnosis, ...]]) -> list[dict[str, Any]]:
    # Tests that fail for one reason are one thing to mend; the reason is the diagnosis, or else what the failure looks like.
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for test in run.tests:
        for diagnosis in diagnoses[test.nodeid][:1]:
            title, key = diagnosis.cause, diagnosis.cause
            if diagnosis.rule == UNKNOWN:
                title, key = _unexplained(test)
            group = groups.setdefault(
                (diagnosis.rule, key),
                {
                    "rule": diagnosis.rule,
                    "title": title,
                    "confidence": diagnosis.confidence,
                    "remedy": asdict(diagnosis.remedy),
                    "tests": [],
                },
            )
            group["tests"].append(test.nodeid)
    bad = {test.nodeid for test in run.tests if test.is_bad}
    for group in groups.values():
        group["since"] = since_of(run, [nodeid for nodeid in group["tests"] if nodeid in bad])

    def worst_first(group: dict[str, Any]) -> tuple[bool, int, bool, str]:
        # Failures before what a later try passed, the most tests first, and of as many what says what to do.
        return bad.isdisjoint(group["tests"]), -len(group["tests"]), group["rule"] == UNKNOWN, group["title"]

    return sorted(groups.values(), key=worst_first)


def _unexplained(test: Test) -> tuple[str, str]:
    failure = test.telling.failure
    if failure is None:
        first = test.text.partition("\n")[0]
        return first or "No exception was recorded", first
    frame = failure.own_frame or failure.raised_at
    place = f"{frame.file}:{frame.function}" if frame is not None else ""
    message = failure.message.partition("\n")[0][:200]
    return f"{failure.type}: {message}".rstrip(": "), fingerprint(kind=failure.type, place=place, message=message)


def _causes(run: Run, groups: list[dict[str, Any]]) -> int:
    bad = {test.nodeid for test in run.tests if test.is_bad}
    return sum(any(nodeid in bad for nodeid in group["tests"]) for group in groups)


def _findings(run: Run) -> list[dict[str, Any]]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for test in run.tests:
        for level, finding in test.findings:
            counts[finding.kind, finding.title, level] += finding.count
    return [
        {"kind": kind, "title": title, "level": level, "count": count}
        for (kind, title, level), count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    ]


def _hungriest(run: Run) -> list[dict[str, Any]]:
    used = [(_memory_mb(one), test.nodeid) for test in run.tests for one in test.tries]
    ranked = sorted(((mb, nodeid) for mb, nodeid in used if mb >= LEAST_MB), key=lambda one: (-one[0], one[1]))
    return [{"id": nodeid, "memory_mb": round(mb, 2)} for mb, nodeid in ranked[:LISTED]]


def _memory_mb(one: Try) -> float:
    # What was counted for this test where that was asked for; else by how much the process grew while it ran.
    sampled: list[int] = []
    for _, event in one.events:
        if isinstance(event, ResourcesUsed):
            return event.memory_mb
        if isinstance(event, ResourcesSampled):
            sampled.append(event.memory_bytes)
    return (max(sampled) - sampled[0]) / MEBIBYTE if sampled else 0.0


def _test(run: Run, test: Test, diagnoses: tuple[Diagnosis, ...], title: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": test.nodeid,
        "file": test.file,
        "line": test.line,
        "outcome": test.outcome,
        "duration_s": round(test.duration_s, 6),
        "tries": [_try(one, with_all=test.is_bad or test.outcome in {"flaky", "xpassed"}) for one in test.tries],
    }
    if title:
        shown["title"] = title
    if diagnoses:
        shown["diagnoses"] = [_diagnosis(one) for one in diagnoses]
    if test.findings:
        shown["findings"] = [_finding(level, finding, root=run.root) for level, finding in test.findings]
    if test.text:
        shown["text"] = test.text
    known = run.past.get(test.nodeid)
    if known is not None:
        shown["past"] = test_past(known)
    return shown


def _finding(level: str, finding: Finding, *, root: str) -> dict[str, Any]:
    # Files of the project are named as everywhere in a report: from its root.
    shown: dict[str, Any] = {"level": level, **asdict(finding)}
    above = root.rstrip("/") + "/" if root else ""
    site: dict[str, Any] = shown["site"] or {"frames": ()}
    frames: list[dict[str, Any] | None] = [*site["frames"], shown["owner"]["defined"]]
    for frame in frames:
        if frame is not None:
            frame["file"] = str(frame["file"]).removeprefix(above)
    return shown


def _try(one: Try, *, with_all: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "outcome": one.outcome,
        "began_s": round(one.began_s, 6),
        "duration_s": round(one.duration_s, 6),
        "worker": one.worker,
    }
    if with_all:
        shown |= story(one)
    return shown
