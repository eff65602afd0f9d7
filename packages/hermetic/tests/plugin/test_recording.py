"""
What a run of pytest leaves in its journal, alone and under xdist, and when there is no place for one.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hermetic.record import read
from hermetic.record.events import (
    CollectionFailed,
    FixtureSetUp,
    LogWritten,
    PhaseEnded,
    RunBegan,
    RunEnded,
    TestBegan,
    TestLost,
    WarningIssued,
)
from hermetic.record.journal import JournalWriter

SUITE = """
import logging, os, urllib.request, warnings
import hermetic
import pytest

@pytest.fixture
def thing():
    yield 1

def test_passes(thing):
    logging.getLogger("shop").warning("password=%s", "hunter2hunter2")

def test_fails(thing):
    print("seen")
    try:
        {}["key"]
    except KeyError as error:
        raise ValueError("no") from error

@pytest.mark.skip(reason="because")
def test_is_skipped(): ...

@pytest.mark.xfail(strict=True)
def test_is_expected_to_fail():
    assert 0

@pytest.mark.parametrize("n", [1])
def test_warns(n):
    warnings.warn("hello")

@pytest.mark.parametrize("word", ["password=tea", "password=rum"])
def test_signs_in(word):
    pass

def test_asks_a_server():
    with hermetic.MockServer("shop") as server:
        server.get("/tea").json({"price": 3})
        urllib.request.urlopen(server.url_for("/tea")).read()
"""


@pytest.fixture(scope="module")
def journals(module_suite):
    module_suite.write("test_shop.py", SUITE)
    alone = module_suite.run()
    (first,) = read(module_suite.directory / "journal.jsonl")
    spread = module_suite.run("-n2", plugins=("xdist",))
    return alone, first, spread, read(module_suite.directory / "journal.jsonl")


def of(journal, kind):
    return [event for event in journal.events if isinstance(event, kind)]


def test_the_journal_tells_the_run_from_its_collection_to_its_status(journals):
    """
    How many tests there are, each test in its parts, and how pytest ended.
    """
    run, journal, _, _ = journals

    assert (
        run.status,
        [one.tests for one in of(journal, RunBegan)],
        [(one.status, one.stopped, one.gates) for one in of(journal, RunEnded)],
    ) == (1, [8], [(1, "", ())])
    phases = {(one.test.partition("::")[2], one.phase): one for one in of(journal, PhaseEnded)}
    assert [one.test for one in of(journal, TestBegan)] == list(
        dict.fromkeys(one.test for one in of(journal, PhaseEnded))
    )
    assert phases["test_is_skipped", "setup"].text.endswith("because")
    assert phases["test_is_expected_to_fail", "call"].is_expected_to_fail
    assert journal.problems == ()


def test_a_failure_is_there_as_values_with_its_cause_and_its_output(journals):
    """
    Class, frames of the project's own code, what caused it, and what was printed.
    """
    _, journal, _, _ = journals
    (failed,) = [one for one in of(journal, PhaseEnded) if one.outcome == "failed"]

    assert failed.failure is not None
    assert [one.type for one in failed.failure.chain()] == ["ValueError", "KeyError"]
    assert failed.failure.own_frame.source == 'raise ValueError("no") from error'
    assert failed.failure.is_a("Exception")
    assert dict(failed.output)["Captured stdout call"] == "seen\n"


def test_fixtures_logs_warnings_and_requests_are_there(journals):
    """
    What happened in a test stands between its beginning and the next one's; a parameter is no fixture.
    """
    _, journal, _, _ = journals

    assert {"thing"} == {one.fixture for one in of(journal, FixtureSetUp)}
    assert [(one.logger, one.message) for one in of(journal, LogWritten)] == [("shop", "password=~scrubbed~")]
    assert [(one.category, one.message) for one in of(journal, WarningIssued)] == [("UserWarning", "hello")]
    (asked,) = [event for event in journal.events if event.kind == "http.exchange"]
    assert (asked.server, asked.target, asked.status) == ("shop", "/tea", 200)
    before = journal.events[: journal.events.index(asked)]
    assert [one.test for one in before if isinstance(one, TestBegan)][-1].endswith("test_asks_a_server")


def test_tests_whose_names_hold_secrets_are_told_apart_without_them(journals):
    """
    Under xdist each in the worker that ran it, and yet by the same names; neither is taken for a second try of the other.
    """
    _, alone, _, spread = journals

    for told in ([alone], spread):
        began = [one.test for journal in told for one in of(journal, TestBegan) if "signs_in" in one.test]
        assert sorted(began) == [f"test_shop.py::test_signs_in[password=~scrubbed~]{more}" for more in ("", "#2")]


def test_workers_and_controller_write_one_run_and_each_test_once(journals):
    """
    Under xdist: one run's id in all files, each part of a test in one of them, the end in the controller's.
    """
    _, alone, run, spread = journals
    told = Counter((one.test, one.phase) for journal in spread for one in of(journal, PhaseEnded))

    assert (1, {"", "gw0", "gw1"}, 1) == (run.status, {one.worker for one in spread}, len({one.run for one in spread}))
    assert told == Counter((one.test, one.phase) for one in of(alone, PhaseEnded))
    assert [one.status for journal in spread for one in of(journal, RunEnded)] == [1]


def test_a_lost_worker_leaves_which_test_it_ran_and_what_it_did(suite):
    """
    The worker's own journal ends with that test's events; the controller tells that it was lost.
    """
    suite.write(
        "test_dies.py",
        "import logging, os, signal\n\ndef test_dies():\n    logging.warning('last')\n    while True:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n\ndef test_lives(): ...\n",
    )
    suite.run("-n1", plugins=("xdist",))
    journals = read(suite.directory / "journal.jsonl")

    (lost,) = [one for journal in journals for one in of(journal, TestLost)]
    assert (lost.test, lost.worker) == ("test_dies.py::test_dies", "gw0")
    (worker,) = [one for one in journals if one.worker == "gw0"]
    # What came within the last tenth of a second may be missing, never the beginning.
    assert worker.events[-1].kind in {"test.began", "test.phase", "log", "resources.sampled"}
    assert [one.test for one in of(worker, TestBegan)][-1] == lost.test


def test_a_file_that_cannot_be_collected_and_an_option_that_stops_the_run_are_told(suite):
    """
    Both explain why tests did not run.
    """
    suite.write("test_a.py", "import no_such_module")
    suite.write("test_b.py", "def test_1(): assert 0\ndef test_2(): assert 0\n")
    suite.run("--continue-on-collection-errors", "-x")
    (journal,) = read(suite.directory / "journal.jsonl")

    assert [one.node for one in of(journal, CollectionFailed)] == ["test_a.py"]
    assert [one.stopped for one in of(journal, RunEnded)] == ["maxfail"]


def test_a_journal_without_a_place_goes_elsewhere_and_changes_no_status(suite, tmp_path):
    """
    The tests pass as they would without it, and the summary says where the journal is.
    """
    suite.write("test_a.py", "def test_a(): ...\n")
    run = suite.run("--hermetic-journal=pytest.ini/x", env={"TMPDIR": str(tmp_path)})

    assert run.status == 0
    assert "Hermetic: the journal" in run.text
    assert "cannot be written: File exists. This run's journal is" in run.text


def test_a_place_that_another_run_writes_or_that_is_read_only_changes_no_status(suite, tmp_path):
    """
    The second run writes beside the first, and both are whole; a report for a read-only directory is told as missing.
    """
    suite.write("test_a.py", "def test_a(): ...\n")
    other = suite.directory / "other.jsonl"
    with JournalWriter(other, run="other") as first:
        first.emit(TestBegan(at_s=1.0, test="t"))
        # The kernel's own tree: nothing can be made there, whoever asks.
        run = suite.run("--hermetic-journal=other.jsonl", "--hermetic-report=/sys/r.md", "--hermetic-report=good.md")

    assert (run.status, run.outcomes) == (0, {"passed": 1})
    assert (
        f"{other} is being written by another run; this run's journal is {other.with_name('other-2.jsonl')}" in run.text
    )
    assert re.search(
        r"Hermetic: no report can be written to /sys/r\.md: .+ Name a file in a directory that is", run.text
    )
    assert "1 passed" in (suite.directory / "good.md").read_text()
    (whole,), (second,) = read(other), read(other.with_name("other-2.jsonl"))
    assert (whole.run, whole.problems, [one.test for one in of(whole, TestBegan)]) == ("other", (), ["t"])
    assert (second.problems, [one.test for one in of(second, TestBegan)]) == ((), ["test_a.py::test_a"])


def test_a_test_that_breaks_the_clock_is_reported_as_it_ended_and_the_journal_says_that_no_cause_was_looked_for(suite):
    """
    A part of Hermetic that fails changes no outcome.
    """
    suite.write(
        "test_a.py",
        "import time\n\ndef test_breaks():\n    time.monotonic = lambda: None\n    assert 0\n\ndef test_next(): ...\n",
    )
    run = suite.run("-p", "no:randomly")

    assert "INTERNALERROR" not in run.text
    assert {name: run.outcomes[name] for name in ("passed", "failed")} == {"passed": 1, "failed": 1}
