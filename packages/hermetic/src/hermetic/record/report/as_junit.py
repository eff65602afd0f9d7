"""
JUnit's XML, with the repeated tries as Surefire writes them: one case a test, `flakyFailure` and `rerunFailure` inside.

Source: the Maven Surefire report schema, elements `flakyFailure` (failed, then passed) and `rerunFailure` (failed again).
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from hermetic.record.report.steering import still
from hermetic.record.xmltext import holdable

_BAD = {"failed": "failure", "error": "error", "lost": "error"}


def junit(document: dict[str, Any]) -> str:
    """
    The document as XML with a declaration, ended by a newline.
    """
    counts = document["counts"]
    shared = {
        "tests": str(counts["total"]),
        "failures": str(counts.get("failed", 0)),
        "errors": str(counts.get("error", 0) + counts.get("lost", 0)),
        "skipped": str(counts.get("skipped", 0) + counts.get("xfailed", 0)),
        "time": f"{document['run']['duration_s']:.3f}",
    }
    root = ET.Element("testsuites", {"name": "hermetic", **shared})
    suite = ET.SubElement(root, "testsuite", {"name": "pytest", **shared})
    for test in document["tests"]:
        suite.append(_case(test))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(test: dict[str, Any]) -> ET.Element:
    path, _, name = test["id"].partition("::")
    case = ET.Element(
        "testcase",
        {
            "classname": _shown(path.removesuffix(".py").replace("/", ".")),
            "name": _shown(name or path),
            "file": _shown(test["file"]),
            "line": str(test["line"]),
            "time": f"{test['duration_s']:.6f}",
        },
    )
    tries, outcome = test["tries"], test["outcome"]
    text = test.get("text", "")
    if outcome in _BAD:
        element = ET.SubElement(case, _BAD[outcome], {"message": _message(test), "type": _type(tries[-1])})
        element.text = _shown(text)
        repeated = ("rerunFailure", [one for one in tries[:-1] if one["outcome"] in _BAD])
    else:
        repeated = ("flakyFailure", [one for one in tries[:-1] if one["outcome"] in _BAD])
    if outcome in {"skipped", "xfailed"}:
        ET.SubElement(case, "skipped", {"type": f"pytest.{outcome}", "message": _shown(text.partition("\n")[0][:500])})
    for one in repeated[1]:
        element = ET.SubElement(case, repeated[0], {"message": _said(one), "type": _type(one)})
        ET.SubElement(element, "stackTrace").text = _shown("\n".join(_trace(one)))
    return case


def _message(test: dict[str, Any]) -> str:
    return _shown(test["title"][:500])


def _said(one: dict[str, Any]) -> str:
    failure = one.get("failure") or [{"type": one["outcome"], "message": ""}]
    return _shown(f"{failure[0]['type']}: {failure[0]['message']}"[:500])


def _type(one: dict[str, Any]) -> str:
    failure = one.get("failure")
    return _shown(failure[0]["type"]) if failure else one["outcome"]


def _trace(one: dict[str, Any]) -> list[str]:
    return [
        f"{frame['file']}:{frame['line']} in {frame['function']}: {frame['source']}"
        for failure in one.get("failure", ())
        for frame in failure["frames"]
    ]


def _shown(text: str) -> str:
    return holdable(still(text))
