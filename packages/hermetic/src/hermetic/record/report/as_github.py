"""
Workflow commands that GitHub shows beside the lines of a change.

Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from typing import Any

from hermetic.record.report.steering import still


def github(document: dict[str, Any]) -> str:
    """
    One command a bad or flaky test, then the verdict; each on a line of its own.
    """
    lines: list[str] = []
    for test in document["tests"]:
        found = test.get("diagnoses")
        if not found:
            continue
        level = "warning" if test["outcome"] == "flaky" else "error"
        where = f"file={_property(test['file'])},line={test['line']},title={_property(test['id'])}"
        lines.append(f"::{level} {where}::{_data(test['title'] + ' ' + found[0]['remedy']['text'])}")
    lines.append(f"::notice title=Hermetic::{_data(document['verdict'])}")
    return "\n".join(lines) + "\n"


def _data(text: str) -> str:
    return still(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
