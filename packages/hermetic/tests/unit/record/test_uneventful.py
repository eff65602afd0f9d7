"""
What passing tests write, and the document of a run of nothing else: as little as possible, and the same as in full.
"""

from __future__ import annotations

import json
from itertools import count

import jsonschema
import pytest
from hermetic.record import read
from hermetic.record.events import LogWritten, PhaseEnded, TestBegan, TestRetried, WarningIssued
from hermetic.record.journal import JournalWriter
from hermetic.record.journal.line import Beginnings, Encoder
from hermetic.record.journal.schema import schema
from hermetic.record.moments import phase_passed, resources_sampled, run_began, run_ended, test_began
from hermetic.record.report import TestReporter
from hermetic.record.report.uneventful import Uneventful

TOKEN = "ghp_" + "a1B2" * 8


def run_of(path, tests, *, between=(), status=0, expected=None):
    """
    A journal of these tests, with more told after the call of each, and the document that its writer's copy gives.
    """
    copy = Uneventful()
    at = (float(f"{100 + 0.0101 * number:.4f}") for number in count())
    with JournalWriter(path, run="r", wall_clock=lambda: 1e9, copy=copy.take) as journal:
        journal.tell((run_began, (next(at), len(tests) if expected is None else expected, 0)))
        journal.tell((resources_sampled, (next(at), 10 * 2**20, 7, 1)))
        for number, test in enumerate(tests):
            journal.tell((test_began, (next(at), test, "test_a.py", 3 + number)))
            journal.tell((phase_passed, (next(at), test, "setup", 0.0012345678)))
            journal.tell((phase_passed, (next(at), test, "call", 0.25 / (number + 1))))
            for event in between:
                journal.emit(event)
            if number % 3:
                journal.tell((resources_sampled, (next(at), (11 + number) * 2**20, 7, 1)))
            if number % 2:
                journal.flush()
            journal.tell((phase_passed, (next(at), test, "teardown", 0.000001)))
        journal.tell((run_ended, (next(at), status, "", ())))
    return path, copy.document()


TESTS = [f"test_a.py::test_b[{one}]" for one in ("z", "a", "ü😀", "\udcff", *range(12))]


def test_the_document_of_an_uneventful_run_is_the_one_that_is_made_in_full(tmp_path):
    """
    Times, samples, order and counts: straight from the lines comes what all readers together make, with parts told together or
    one by one.
    """
    log = LogWritten(at_s=100.5, logger="a", level="INFO", message="said")
    plain = run_of(tmp_path / "plain.jsonl", TESTS)
    with_log = run_of(tmp_path / "log.jsonl", TESTS, between=[log])

    warned = [WarningIssued(at_s=1.0, test="", category="W", message="m", file="f", line=1)] * 2
    with_warning = run_of(tmp_path / "warning.jsonl", TESTS, between=warned)

    for path, document in (plain, with_log, with_warning):
        full = TestReporter.from_journals(path).document
        assert document == full
        assert (full["counts"], len(full["hungriest"])) == ({"total": 16, "passed": 16}, 10)


@pytest.mark.parametrize(
    "more",
    [
        {"status": 1},
        {"expected": 99},
        {"between": [TestRetried(at_s=1.0, test=TESTS[0], attempt=1)]},
        {"between": [PhaseEnded(at_s=1.0, test=TESTS[0], phase="call", outcome="failed", duration_s=0.0)]},
        {"between": [PhaseEnded(at_s=1.0, test=TESTS[0], phase="call", outcome="passed", duration_s=0.0, name="sub")]},
        {"between": [TestBegan(at_s=1.0, test="another")]},
    ],
    ids=["status", "not run", "retry", "failure", "subtest", "lost"],
)
def test_whatever_else_happens_is_left_to_the_readers_in_full(tmp_path, more):
    """
    One line of something else, and nothing is guessed.
    """
    _, document = run_of(tmp_path / "journal.jsonl", TESTS[:1], **more)
    assert document is None


def test_a_run_with_much_to_tell_and_one_that_never_began_are_left_to_the_readers_in_full(tmp_path):
    """
    What is kept beside the tests is bounded, and nothing is made of nothing.
    """
    warned = [WarningIssued(at_s=1.0, test="", category="W", message="m" * 60_000, file="f", line=1)]
    path, document = run_of(tmp_path / "journal.jsonl", [f"t.py::t[{one}]" for one in range(80)], between=warned)

    assert document is None
    assert TestReporter.from_journals(path).document["counts"] == {"total": 80, "passed": 80}
    assert Uneventful().document() is None


def test_a_name_that_holds_a_secret_is_without_it_in_the_report(tmp_path):
    """
    What was told is kept only where nothing had to be taken out of it.
    """
    path, document = run_of(tmp_path / "journal.jsonl", [f"t.py::a[{TOKEN}]", "t.py::b"])

    assert document == TestReporter.from_journals(path).document
    assert document["counts"] == {"total": 2, "passed": 2}
    assert TOKEN not in json.dumps(document)


def test_the_parts_of_a_test_that_passed_are_one_line_and_are_read_as_three(tmp_path):
    """
    The journal is small and its readers see what happened, as the schema says.
    """
    path, _ = run_of(tmp_path / "journal.jsonl", ["test_a.py::test_b", "test_a.py::test_c"])

    kinds = [json.loads(line)["kind"] for line in path.read_text().splitlines()]
    assert kinds.count("test.passed") == 1
    assert kinds.count("test.phase") == 3  # a sample came between
    validator = jsonschema.Draft202012Validator(schema())
    encoder = Encoder()
    moments = [
        (test_began, (1.0, "t.py::t", "t.py", 1)),
        *((phase_passed, (2.0 + at, "t.py::t", part, 0.1)) for at, part in enumerate(("setup", "call", "teardown"))),
    ]
    moments[0], _ = Beginnings().take(moments[0])
    text, number = encoder.take(moments, 0)
    assert number == 4
    assert text == encoder.take(moments[:1], 0)[0] + encoder.take(moments, 1)[0]
    lines = text.splitlines()
    for line in lines:
        validator.validate(json.loads(line))
    header = path.read_text().splitlines()[0]
    path.write_text("\n".join([header, *lines]) + "\n")

    (back,) = read(path)
    assert back.events == (
        TestBegan(at_s=1.0, test="t.py::t", file="t.py", line=1),
        *(
            PhaseEnded(at_s=2.0 + at, test="t.py::t", phase=part, outcome="passed", duration_s=0.1)
            for at, part in enumerate(("setup", "call", "teardown"))
        ),
    )


def test_a_moment_is_written_as_its_event_would_be():
    """
    The short way to a line and the long one never differ, whatever a name holds.
    """
    names = [
        "t.py::a[1]",
        "t.py::a[x=ü]",
        f"t.py::a[{TOKEN}]",
        "t.py::a[password=hunter2]",
        "t.py::token[a]",
        "x" * 70_000,
    ]
    for name in names:
        short, long = Encoder(), Encoder()
        moments = [
            (test_began, (1.5, name, "t.py", 7)),
            (resources_sampled, (1.75, 1, 2, 3)),
            (phase_passed, (2.5, name, "call", 0.123456789)),
            (run_began, (3.0, 5, 0)),
            (run_began, (3.0, 5, 1)),
            (run_ended, (4.0, 1, "maxfail", ("cov-fail-under",))),
        ]

        written = [Beginnings().take(moments[0])[0], *moments[1:]]
        lines = [short.take(written, index)[0] for index in range(len(written))]
        assert lines == [long.encode(make(*values)) for make, values in moments]
        assert "hunter2" not in "".join(lines)
        assert TOKEN not in "".join(lines)


def test_a_journal_of_the_first_version_is_read_as_before(tmp_path):
    """
    Its tests were told part by part; nothing of it is strange to this version.
    """
    header = {"kind": "journal", "schema": 1, "hermetic": "0.1.0", "pid": 1, "started_at": 5.0, "at_s": 0.0, "run": "r"}
    began = {"kind": "test.began", "at_s": 1.0, "test": "n", "file": "n.py", "line": 1}
    parts = [
        {"kind": "test.phase", "at_s": 2.0, "test": "n", "phase": part, "outcome": "passed", "duration_s": 0.5}
        for part in ("setup", "call", "teardown")
    ]
    path = tmp_path / "journal.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in (header, began, *parts)))

    (back,) = read(path)

    assert (back.problems, len(back.events)) == ((), 4)
    assert TestReporter.from_journals(path).document["counts"] == {"total": 1, "passed": 1}
