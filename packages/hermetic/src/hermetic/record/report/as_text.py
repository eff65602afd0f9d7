"""
The run for a terminal: the verdict, then the causes with the most failures first.
"""

from __future__ import annotations

from typing import Any, Final

from hermetic.record.diagnosis import UNKNOWN
from hermetic.record.report.steering import still
from hermetic.record.report.verdict import in_a_line

_MOST: Final = 20


def text(document: dict[str, Any]) -> str:
    """
    The document in a few lines, ended by a newline, without anything that steers a terminal.
    """
    lines = [document["verdict"]]
    lines += [f"  {one['cause']}  {in_a_line(one['remedy'])}" for one in document["diagnoses"]]
    for group in document["groups"][:_MOST]:
        lines.append(f"{len(group['tests']):>5}  {group['title']}  ({group['rule']}, {group['confidence']})")
        if group["rule"] != UNKNOWN:
            lines.append(f"         remedy: {in_a_line(group['remedy'])}")
        lines += [f"         {nodeid}" for nodeid in group["tests"][:3]]
        if len(group["tests"]) > 3:
            lines.append(f"         and {len(group['tests']) - 3} more")
    if len(document["groups"]) > _MOST:
        lines.append(f"  and {len(document['groups']) - _MOST} more causes")
    lines += [f"  note: {one}" for one in document["problems"]]
    return "\n".join(still(line) for line in lines) + "\n"


def test_text(test: dict[str, Any]) -> str:
    """
    One test of the document: outcome, cause, evidence, remedy, the failure, and what happened in it.
    """
    lines = [f"{test['id']}  {test['outcome']}  {test['duration_s']:.3f} s  {test['file']}:{test['line']}"]
    for found in test.get("diagnoses", ()):
        lines += [f"cause     {found['cause']}  ({found['rule']}, {found['confidence']})"]
        lines += [f"evidence  {one}" for one in found["evidence"]]
        lines += [f"remedy    {found['remedy']['text']}"]
        lines += [f"              {line}" for line in found["remedy"]["code"].splitlines()]
    for number, one in enumerate(test["tries"], 1):
        nature = " (infrastructure)" if one.get("nature") == "infrastructure" else ""
        lines.append(f"try {number}: {one['outcome']}{nature} after {one['duration_s']:.3f} s on {one['worker']}")
        lines += [f"  {event['at_s']:9.3f}  {event['lane']:<11} {event['label']}" for event in one.get("events", ())]
        if "alive" in one:
            lines += ["alive when it failed:", *(f"  {line}" for line in one["alive"].splitlines())]
    if test.get("text"):
        lines += ["", *test["text"].splitlines()]
    return "\n".join(still(line) for line in lines) + "\n"
