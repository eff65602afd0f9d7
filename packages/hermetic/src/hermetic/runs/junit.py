"""
One JUnit file for a run of several processes.

Each process writes its own, if it lives long enough; what a process did before it was lost is known from the outcomes on
disk. Test cases come from pytest's own files where there are any, and are made from outcomes where there are none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from hermetic.record.xmltext import UNHOLDABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from hermetic.runs.outcomes import Outcome

_OPTIONS = ("--junitxml", "--junit-xml")


def asked_for(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """
    The file that pytest's arguments ask for, None if none; and the arguments without it. The last one counts.
    """
    path: str | None = None
    left: list[str] = []
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name not in _OPTIONS:
            left.append(word)
        elif equals:
            path = value
        else:
            path = next(words, None)
    return path, left


def merge(files: Iterable[Path], outcomes: Iterable[Outcome]) -> ET.Element:
    """
    One `testsuites` element of all test cases: those in `files`, later ones in the place of earlier ones of the same
    test, then the others of `outcomes`. A file that is missing or broken off is left out.
    """
    suite = ET.Element("testsuite", name="pytest")
    cases: dict[tuple[str, str], list[ET.Element]] = {}
    for file in files:
        found = _read(file)
        if found is None:
            continue
        for name, value in found.attrib.items():
            suite.attrib.setdefault(name, value)  # when it began, on which host
        suite.extend([one for one in found if one.tag != "testcase"])
        of_file: dict[tuple[str, str], list[ET.Element]] = {}
        for case in found.iter("testcase"):
            # A test that fails and whose teardown fails as well has two.
            of_file.setdefault((case.get("classname", ""), case.get("name", "")), []).append(case)
        cases |= of_file
    for outcome in outcomes:
        key = names(outcome.nodeid)
        if key not in cases or outcome.outcome == "lost":
            cases[key] = [_case(key, outcome)]
    flat = [case for several in cases.values() for case in several]
    suite.extend(flat)
    counts = {"tests": len(flat)} | {
        plural: sum(case.find(tag) is not None for case in flat)
        for plural, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    }
    suite.attrib.update({name: str(count) for name, count in counts.items()})
    suite.set("time", f"{sum(_seconds(case) for case in flat):.3f}")
    suites = ET.Element("testsuites")
    suites.append(suite)
    return suites


def write(path: Path, element: ET.Element) -> None:
    """
    Raises:
        OSError: it cannot be written; a file that was there is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    try:
        ET.ElementTree(element).write(beside, encoding="utf-8", xml_declaration=True)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def names(nodeid: str) -> tuple[str, str]:
    """
    The class name and the name by which pytest writes a test.

    Source: _pytest/junitxml.py, mangle_test_address.
    """
    path, bracket, parameters = nodeid.partition("[")
    words = path.split("::")
    words[0] = re.sub(r"\.py$", "", words[0].replace("/", "."))
    words[-1] += bracket + parameters
    return ".".join(words[:-1]), words[-1]


def _read(file: Path) -> ET.Element | None:
    try:
        return ET.parse(file).getroot().find("testsuite")  # noqa: S314 - pytest wrote it in this run's own directory
    except (OSError, ET.ParseError):
        return None


def _case(key: tuple[str, str], outcome: Outcome) -> ET.Element:
    case = ET.Element("testcase", classname=key[0], name=key[1], time=f"{outcome.duration_s:.3f}")
    tag = {"failed": "failure", "error": "error", "lost": "error", "skipped": "skipped", "xfailed": "skipped"}
    if outcome.outcome in tag:
        text = UNHOLDABLE.sub("?", outcome.text)
        told = ET.SubElement(case, tag[outcome.outcome], message=text.partition("\n")[0])
        told.text = text
    return case


def _seconds(case: ET.Element) -> float:
    try:
        return float(case.get("time", "0"))
    except ValueError:
        return 0.0
