"""
The history as a run leaves it and as the command shows it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

SUITE = """
import os, pytest, sqlite3
def test_ok(): pass
def test_fails():
    assert os.environ.get("FAILS") is None
def test_skipped(): pytest.skip("later")
@pytest.mark.xfail
def test_known(): assert False
@pytest.fixture
def broken(): raise ValueError(7)
def test_error(broken): pass
def test_leaks(): global kept; kept = sqlite3.connect(":memory:")
"""


def hermetic(suite, *arguments):
    return subprocess.run(
        [sys.executable, "-c", "from hermetic.cli import main; main()", *arguments],
        cwd=suite.directory,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_each_outcome_is_kept_and_shown(suite):
    """
    Also the failed fixture's as an error, and a finding with its kind; a second run on the same code makes it flaky.
    """
    suite.write("test_a.py", SUITE)
    for command in (
        ["init", "-q"],
        ["add", "test_a.py"],
        ["-c", "user.name=a", "-c", "user.email=a", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", *command], cwd=suite.directory, check=True, capture_output=True)
    suite.run()
    suite.run(env={"FAILS": "1"})

    exported = hermetic(suite, "history", "export")
    run, *tries = [json.loads(line) for line in exported.stdout.splitlines()]
    shown = {one["test"].partition("::")[2]: one for one in tries}
    one = hermetic(suite, "history", "fails")
    whole = hermetic(suite, "history")

    assert {name: one["outcome"] for name, one in shown.items()} == {
        "test_ok": "passed",
        "test_fails": "failed",
        "test_skipped": "skipped",
        "test_known": "xfailed",
        "test_error": "error",
        "test_leaks": "error",
    }
    assert shown["test_leaks"]["findings"] == ["sqlite3.connection"]
    assert len(run["code"]) == 12
    assert "flaky: fails 50 % of the time (1 of 2" in one.stdout
    assert "newest .F" in one.stdout
    assert "2 runs of" in whole.stdout
    assert "test_a.py::test_fails" in whole.stdout


def test_workers_are_told_apart_and_off_keeps_nothing(suite):
    """
    Under xdist one run is kept, by the controller, with each test's worker.
    """
    suite.write("test_a.py", "def test_a(): pass\ndef test_b(): pass\n")
    suite.run("--hermetic-history=off")
    assert not (suite.directory / ".hermetic").exists()
    suite.run("-n2", plugins=("xdist",))

    runs = list((suite.directory / ".hermetic" / "runs").iterdir())
    lines = [json.loads(line) for line in runs[0].read_text().splitlines()]

    assert len(runs) == 1
    assert lines[0]["workers"] >= 1
    assert {one["worker"] for one in lines[1:]} <= {"gw0", "gw1"}


def test_a_place_that_cannot_be_written_is_told_and_decides_nothing(suite):
    """
    The exit status stays that of the tests.
    """
    suite.write("test_a.py", "def test_a(): pass\n")
    suite.write("taken", "")
    run = suite.run("--hermetic-history=taken")

    assert "the outcomes of this run are not in the history" in run.text
    assert run.outcomes == {"passed": 1}


def test_questions_that_have_no_answer_say_so(suite):
    """
    No history yet, a name that nobody knows, a name that several have.
    """
    assert "there is no history in .hermetic" in hermetic(suite, "history").stderr
    suite.write("test_a.py", "def test_a(): pass\ndef test_ab(): pass\n")
    suite.run()

    assert "knows no test whose name contains 'zz'" in hermetic(suite, "history", "zz").stderr
    assert "2 tests have 'test_a' in their names; which?" in hermetic(suite, "history", "test_a").stderr
    assert json.loads(hermetic(suite, "history", "test", "--json", "test_ab").stdout)["tries"] == 1
