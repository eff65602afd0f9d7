"""
What a history takes in from files, and what it gives out.
"""

from __future__ import annotations

import pytest
from hermetic.record.history.errors import HistoryError
from hermetic.record.history.store import HistoryStore
from hermetic.record.history.taking import durations, from_junit, give, take

from packages.hermetic.tests.unit.record.history.made import a_run, tries


def test_what_is_given_is_taken(tmp_path, store):
    """
    As JSON Lines everything, as JUnit XML what that format can hold.
    """
    store.add(a_run("one", at=86400.0), [*tries("passed", test="d/t.py::C::a"), *tries("failed", test="t.py::b\x00<&")])
    for kind in ("json", "junit"):
        (tmp_path / kind).write_text("\n".join(give(store, kind=kind, last=1)))
    with HistoryStore(tmp_path / "1") as lines, HistoryStore(tmp_path / "2") as junit:
        assert take(lines, tmp_path / "json") == take(junit, tmp_path / "junit") == 1
        assert take(junit, tmp_path / "junit") == 0

        assert list(lines.all()) == list(store.all())
        assert junit.counts() == [("d/t.py::C::a", 1, 0), ("t.py::b\ufffd<&", 1, 1)]


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        (b"<a>", "no well-formed XML"),
        (b"<html/>", "has no testsuite; its first element is 'html'"),
        (b"<testsuite time='long'/>", "time 'long' is no number"),
        (b"<testsuite time='-1'/>", "time '-1' is no duration"),
        (b"<testsuite timestamp='yesterday'/>", "timestamp 'yesterday' is none"),
        (b"<testsuite><testcase/></testsuite>", "test case 1 has no name"),
    ],
)
def test_junit_that_is_none_is_refused(xml, says):
    """
    With what is wrong in it.
    """
    with pytest.raises(HistoryError, match=says):
        from_junit(xml, source="x.xml")


def test_pytests_junit_names_are_those_of_its_tests():
    """
    A dotted class name is the path of the module and the classes in it.
    """
    cases = "".join(
        f"<testcase classname='{name}' name='x'/>" for name in ("tests.test_a", "tests.test_a.TestB", "Odd")
    )
    [(_, found)] = from_junit(f"<testsuite>{cases}</testsuite>".encode(), source="x.xml")

    assert [one.test for one in found] == ["tests/test_a.py::x", "tests/test_a.py::TestB::x", "Odd::x"]


def test_names_of_tests_at_the_root_survive_being_given_and_taken(tmp_path, store):
    """
    Their path has no folder to be known by.
    """
    names = ["test_a.py::test_x", "test_a.py::TestB::test_y", "a_test.py::test_z"]
    store.add(a_run("one", at=86400.0), [one for name in names for one in tries("passed", test=name)])
    (tmp_path / "a.xml").write_text("\n".join(give(store, kind="junit", last=1)))
    with HistoryStore(tmp_path / "other") as other:
        take(other, tmp_path / "a.xml")

        assert sorted(name for name, *_ in other.counts()) == sorted(names)


def test_tries_before_the_last_one_are_taken_from_junit_as_well():
    """
    As Surefire writes them, and Hermetic's own report: a pass that needed three tries is none like the others.
    """
    cases = """
    <testcase classname='t' name='flaky'><flakyFailure message='E: one'/><flakyFailure message='E: two'/></testcase>
    <testcase classname='t' name='broken'><failure message='E: last'/><rerunFailure message='E: first'/></testcase>
    """
    [(_, found)] = from_junit(f"<testsuite>{cases}</testsuite>".encode(), source="x.xml")

    assert [(one.test, one.attempt, one.outcome) for one in found] == [
        ("t::flaky", 1, "failed"),
        ("t::flaky", 2, "failed"),
        ("t::flaky", 3, "passed"),
        ("t::broken", 1, "failed"),
        ("t::broken", 2, "failed"),
    ]
    assert [one.said for one in found] == ["E: one", "E: two", "", "E: first", "E: last"]


def test_what_was_skipped_or_failed_as_foreseen_is_neither_passed_nor_failed(tmp_path, store):
    """
    Given as JUnit and taken again.
    """
    outcomes = ("skipped", "xfailed", "passed")
    store.add(a_run("one", at=86400.0), [one for name in outcomes for one in tries(name, test=f"t.py::{name}")])
    (tmp_path / "a.xml").write_text("\n".join(give(store, kind="junit", last=1)))
    [(_, found)] = from_junit((tmp_path / "a.xml").read_bytes(), source="a.xml")

    assert [(one.test, one.outcome) for one in found] == [(f"t.py::{name}", name) for name in outcomes]


def test_durations_are_averaged_over_the_passes_of_all_runs(tmp_path, store):
    """
    What failed took as long as it took to fail.
    """
    for number, outcome in enumerate(("passed", "passed", "failed")):
        [one] = tries(outcome, test="t.py::a")
        store.add(a_run(str(number), at=86400.0 + number), [one._replace(duration_s=number + 1.0)])
    file = tmp_path / "history.jsonl"
    file.write_text("\n".join(give(store, kind="json", last=9)))

    assert durations(file) == {"t.py::a": 1.5}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "does not begin with a run"),
        ('{"test": "t.py::a"}\n{"hermetic_history": 1}', "does not begin with a run"),
        (b"\xff\xfe", "cannot be read"),
        (None, r"cannot be read \(No such file"),
    ],
)
def test_durations_of_a_file_that_has_none_are_refused(tmp_path, content, says):
    """
    With what is wrong, and what to give.
    """
    file = tmp_path / "history.jsonl"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(HistoryError, match=says) as refused:
        durations(file)
    assert "Give a history.sqlite3, JSON Lines" in str(refused.value)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path, store):
    """
    By its size alone, which a file of nothing has as well.
    """
    file = tmp_path / "history.jsonl"
    with file.open("wb") as opened:
        opened.truncate(2**40)

    with pytest.raises(HistoryError, match="has more than 536870912 bytes"):
        take(store, file)
