"""
Runs of other machines and other tools: taken in and given away.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import UTC, datetime
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from hermetic.record.history.errors import HistoryError
from hermetic.record.history.fingerprint import signature
from hermetic.record.history.runs import Run, Try, from_lines, to_lines
from hermetic.record.xmltext import holdable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hermetic.record.history.runs import Outcome
    from hermetic.record.history.store import HistoryStore

# The tries before the last one, as Surefire writes them: of a test that passed then, and of one that did not.
_EARLIER: Final = ("flakyFailure", "flakyError", "rerunFailure", "rerunError")
_LARGEST_BYTES = 512 * 2**20
_REMEDY = "Give a history.sqlite3, JSON Lines from `hermetic history export`, or a JUnit XML file."


def take(store: HistoryStore, file: Path) -> int:
    """
    Add the runs of a file, whatever it is of the three.

    Returns:
        How many were new.

    Raises:
        HistoryError: it is none, or cannot be read.
    """
    try:
        if file.stat().st_size > _LARGEST_BYTES:
            raise HistoryError(f"has more than {_LARGEST_BYTES} bytes", where=str(file), remedy=_REMEDY)
        with file.open("rb") as opened:
            head = opened.read(16)
        if head.startswith(b"SQLite format 3"):
            return store.merge(file)
        data = file.read_bytes()
    except OSError as error:
        raise HistoryError(f"cannot be read: {error.strerror}", where=str(file), remedy=_REMEDY) from error
    if data.lstrip()[:1] == b"<":
        return sum(store.add(run, tries) for run, tries in from_junit(data, source=str(file)))
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise HistoryError("is neither of the three", where=str(file), remedy=_REMEDY) from error
    return sum(store.add(run, tries) for run, tries in _several(text.splitlines(), source=str(file)))


def durations(file: Path) -> dict[str, float]:
    """
    How long each test took on average when it passed, in seconds, by a file of JSON Lines.

    Raises:
        HistoryError: it is none, or cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise HistoryError(f"cannot be read ({error.strerror})", where=str(file), remedy=_REMEDY) from error
    except UnicodeDecodeError as error:
        raise HistoryError(f"cannot be read: {error}", where=str(file), remedy=_REMEDY) from error
    seen: defaultdict[str, list[float]] = defaultdict(list)
    for _, tries in _several(lines, source=str(file)):
        for one in tries:
            if one.did_pass:
                seen[one.test].append(one.duration_s)
    return {test: round(fmean(several), 6) for test, several in seen.items()}


def _several(lines: list[str], *, source: str) -> Iterator[tuple[Run, list[Try]]]:
    starts = [n for n, line in enumerate(lines) if line.startswith('{"hermetic_history"')]
    if not starts or starts[0]:
        raise HistoryError("does not begin with a run", where=source, remedy=_REMEDY)
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield from_lines(lines[start:end], source=source)


def from_junit(data: bytes, *, source: str) -> list[tuple[Run, list[Try]]]:
    """
    The runs of a JUnit XML file, one for each `testsuite`. Its format knows no commit, so tests cannot be told flaky by it.

    Raises:
        HistoryError: it is not well formed, or has no test suites. Entities are not expanded beyond expat's own bounds.
    """
    try:
        root = ET.fromstring(data)  # noqa: S314 - expat bounds what entities may expand to, and nothing external is read
    except ET.ParseError as error:
        raise HistoryError(f"is no well-formed XML: {error}", where=source, remedy=_REMEDY) from error
    suites = [root] if root.tag == "testsuite" else list(root.iter("testsuite"))
    if not suites:
        raise HistoryError(f"has no testsuite; its first element is {root.tag!r}", where=source, remedy=_REMEDY)
    return [_suite(suite, number, data, source=source) for number, suite in enumerate(suites)]


def _suite(suite: ET.Element, number: int, data: bytes, *, source: str) -> tuple[Run, list[Try]]:
    stamp = suite.get("timestamp", "")
    try:
        at = datetime.fromisoformat(stamp).astimezone(UTC).timestamp() if stamp else 0.0
    except (ValueError, OverflowError) as error:
        raise HistoryError(f"timestamp {stamp!r} is none", where=source, remedy=_REMEDY) from error
    run = Run(
        # The same file taken in twice is the same run.
        id=hashlib.sha256(data + str(number).encode()).hexdigest()[:32],
        at=at,
        duration_s=_seconds(suite.get("time", "0"), source=source),
        environment=suite.get("hostname", ""),
    )
    tries: dict[tuple[str, int], Try] = {}
    for position, case in enumerate(suite.iter("testcase"), 1):
        name = "::".join(part for part in (_place(case.get("classname", "")), case.get("name", "")) if part)
        if not name:
            raise HistoryError(f"test case {position} has no name", where=source, remedy=_REMEDY)
        for outcome, failure in _outcomes(case):
            attempt = 1
            while (name, attempt) in tries:
                attempt += 1
            tries[name, attempt] = Try(
                test=name,
                outcome=outcome,
                duration_s=_seconds(case.get("time", "0"), source=source),
                attempt=attempt,
                position=position,
                **failure,
            )
    return run, list(tries.values())


def _place(classname: str) -> str:
    """
    "tests.unit.test_a.TestB" as "tests/unit/test_a.py::TestB": what pytest writes does not say where the module ends, so
    the last part that is named as pytest names test modules is taken for it. Other names stay as they are, paths among them.
    """
    parts = classname.split(".")
    modules = [n for n, part in enumerate(parts) if part.startswith("test_") or part.endswith("_test")]
    if "/" in classname or classname.partition("::")[0].endswith(".py") or not modules:
        return classname
    end = modules[-1] + 1
    return "::".join(["/".join(parts[:end]) + ".py", *parts[end:]])


def _outcomes(case: ET.Element) -> Iterator[tuple[Outcome, dict[str, Any]]]:
    for tag in _EARLIER:
        for found in case.findall(tag):
            yield "failed", _failure(case, found)
    yield _outcome(case)


def _outcome(case: ET.Element) -> tuple[Outcome, dict[str, Any]]:
    for tag, outcome in (("error", "error"), ("failure", "failed"), ("skipped", "skipped")):
        found = case.find(tag)
        if found is not None:
            if outcome == "skipped":
                return ("xfailed" if found.get("type") == "pytest.xfail" else "skipped"), {}
            return ("error" if outcome == "error" else "failed"), _failure(case, found)
    return "passed", {}


def _failure(case: ET.Element, found: ET.Element) -> dict[str, Any]:
    return signature(found.get("message", ""), kind=found.get("type", ""), place=case.get("file", ""))


def _seconds(text: str, *, source: str) -> float:
    try:
        seconds = float(text.replace(",", ""))
    except ValueError as error:
        raise HistoryError(f"time {text!r} is no number", where=source, remedy=_REMEDY) from error
    if not 0.0 <= seconds < 1e9:
        raise HistoryError(f"time {text!r} is no duration", where=source, remedy=_REMEDY)
    return seconds


def give(store: HistoryStore, *, kind: str, last: int) -> Iterator[str]:
    """
    The newest runs as lines of text, oldest of them first; `kind` is "json" or "junit".
    """
    chosen = store.newest(last)
    if kind == "json":
        for run, tries in chosen:
            yield from to_lines(run, tries)
        return
    root = ET.Element("testsuites")
    for run, tries in chosen:
        root.append(_junit(run, tries))
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield ET.tostring(root, encoding="unicode")


def _junit(run: Run, tries: list[Try]) -> ET.Element:
    counted = {name: sum(one.outcome == name for one in tries) for name in ("failed", "error", "skipped", "lost")}
    suite = ET.Element(
        "testsuite",
        name="pytest",
        tests=str(len(tries)),
        failures=str(counted["failed"]),
        errors=str(counted["error"] + counted["lost"]),
        skipped=str(counted["skipped"]),
        time=f"{run.duration_s:.3f}",
        timestamp=datetime.fromtimestamp(run.at, UTC).isoformat(),
    )
    for one in tries:
        place, _, name = one.test.rpartition("::")
        case = ET.SubElement(
            suite, "testcase", classname=holdable(place), name=holdable(name), time=f"{one.duration_s:.6f}"
        )
        if one.outcome in {"failed", "error", "lost"}:
            told = ET.SubElement(case, "failure" if one.outcome == "failed" else "error")
            told.set("message", holdable(one.said) or one.cause)
        elif one.outcome in {"skipped", "xfailed"}:
            ET.SubElement(case, "skipped", type="pytest.xfail" if one.outcome == "xfailed" else "pytest.skip")
    return suite
