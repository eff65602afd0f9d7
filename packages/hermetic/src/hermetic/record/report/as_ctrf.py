"""
The Common Test Report Format: one test a test, its failed tries under `retryAttempts`.

Source: https://ctrf.io/docs/specification, version 1.0.0.
"""

from __future__ import annotations

import json
from typing import Any

_STATUS = {
    "passed": "passed", "flaky": "passed", "xpassed": "passed", "failed": "failed", "error": "failed", "lost": "failed",
    "skipped": "skipped", "xfailed": "skipped",
}  # fmt: skip


def ctrf(document: dict[str, Any]) -> str:
    """
    The document as CTRF, sorted and indented, ended by a newline.
    """
    run = document["run"]
    tests = [_test(test) for test in document["tests"]]
    counts = {name: sum(test["status"] == name for test in tests) for name in ("passed", "failed", "skipped")}
    start = int(run["began_at"] * 1000)
    report = {
        "reportFormat": "CTRF",
        "specVersion": "1.0.0",
        "results": {
            "tool": {"name": "pytest-hermetic", "version": str(run["environment"].get("hermetic", ""))},
            "summary": {
                "tests": len(tests),
                **counts,
                "pending": 0,
                "other": 0,
                "start": start,
                "stop": start + int(run["duration_s"] * 1000),
            },
            "tests": tests,
        },
    }
    return json.dumps(report, indent=2, sort_keys=True) + "\n"


def _test(test: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": test["id"],
        "status": _STATUS[test["outcome"]],
        "rawStatus": test["outcome"],
        "duration": round(test["duration_s"] * 1000),
        "filePath": test["file"],
        "line": test["line"],
        "retries": len(test["tries"]) - 1,
        "flaky": test["outcome"] == "flaky",
    }
    if test.get("diagnoses"):
        shown["message"] = test["title"]
    if test.get("text"):
        shown["trace"] = test["text"]
    if len(test["tries"]) > 1:
        shown["retryAttempts"] = [
            {"attempt": number, "status": _STATUS[one["outcome"]], "duration": round(one["duration_s"] * 1000)}
            for number, one in enumerate(test["tries"][:-1], 1)
        ]
    return shown
