"""
Adopting Hermetic on an old suite: known findings are counted, new ones fail, mended ones are taken off.
"""

from __future__ import annotations

import json

import pytest

SUITE = """
import os
import pytest

@pytest.fixture(scope="module")
def shop():
    os.environ["SHOP"] = "open"

def test_old(shop):
    os.environ["OLD"] = "1"{more}

def test_other():
    os.environ["OTHER"] = "1"
"""


def marks(suite):
    lines = json.loads((suite.directory / "known.json").read_text())["findings"]
    return {(line["owner"], line["where"]): line["count"] for line in lines}


OLD = ("test test_a.py::test_old", "test_a.py in test_old")
OTHER = ("test test_a.py::test_other", "test_a.py in test_other")
SHOP = ("fixture shop", "test_a.py in shop")
FILE = "--hermetic-baseline=known.json"


@pytest.fixture
def adopted(suite):
    suite.write("test_a.py", SUITE.format(more=""))
    run = suite.run(FILE, "--hermetic-baseline-write")

    assert (run.status, run.outcomes) == (0, {"passed": 2}), run.text
    assert "3 findings written; from now on only others fail" in run.text
    assert marks(suite) == {OLD: 1, OTHER: 1, SHOP: 1}
    return suite


def test_known_findings_are_listed_and_counted_and_fail_nothing(adopted):
    """
    The second run passes, says how many of the known findings it saw, and leaves the file as it is.
    """
    before = (adopted.directory / "known.json").read_bytes()

    run = adopted.run(FILE)

    assert (run.status, run.outcomes) == (0, {"passed": 2})
    assert "3 of 3 known findings seen" in run.text
    assert "known: stain.environ of fixture shop  test_a.py in shop" in run.text
    assert {one.level for one in run.found} == {"known"}
    assert {one.mended for one in run.found} == {"put back"}
    assert (adopted.directory / "known.json").read_bytes() == before


def test_a_moved_line_is_still_known_and_a_new_finding_fails(adopted):
    """
    Edits above a known finding do not make it new; one more in the same function does.
    """
    adopted.write("test_a.py", "\n\n\n" + SUITE.format(more=""))
    assert adopted.run(FILE).status == 0

    adopted.write("test_a.py", SUITE.format(more='\n    os.chdir("/")'))
    run = adopted.run(FILE)

    assert (run.status, run.outcomes) == (1, {"passed": 2, "errors": 1})
    assert [one.kind for one in run.found if one.level == "error"] == ["stain.cwd"]


def test_what_was_mended_is_taken_off_and_fails_when_it_comes_back(adopted):
    """
    The file only shrinks: a finding that was gone once is new when it returns.
    """
    adopted.write("test_a.py", SUITE.format(more="").replace('os.environ["OTHER"] = "1"', "pass"))
    run = adopted.run(FILE)

    assert (run.status, marks(adopted)) == (0, {OLD: 1, SHOP: 1})
    assert "taken off, 1 less: stain.environ of test test_a.py::test_other" in run.text

    adopted.write("test_a.py", SUITE.format(more=""))
    assert adopted.run(FILE).outcomes == {"passed": 2, "errors": 1}


@pytest.mark.parametrize("words", [("-k", "test_other"), ("test_a.py::test_other",)])
def test_what_did_not_run_stays(adopted, words):
    """
    A part of the suite says nothing about the rest of it.
    """
    run = adopted.run(FILE, *words)

    assert (run.status, marks(adopted)) == (0, {OLD: 1, OTHER: 1, SHOP: 1})
    assert "1 of 3 known findings seen" in run.text


def test_under_xdist_each_workers_fixture_is_the_same_finding(adopted):
    """
    Two workers set the module fixture up twice; that is one known finding, and the controller keeps the file.
    """
    adopted.write("test_a.py", SUITE.format(more="").replace("def test_other():", "def test_other(shop):"))

    run = adopted.run(FILE, "-n2", "--dist=load", plugins=("xdist",))

    assert (run.status, marks(adopted)) == (0, {OLD: 1, OTHER: 1, SHOP: 1}), run.text
    assert "3 of 3 known findings seen" in run.text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "it does not exist"),
        ("{", "it cannot be read"),
        ("[]", "it is not a baseline of version 1"),
        ('{"version": 1}', 'it has no list "findings"'),
        ('{"version": 1, "findings": [{"kind": "x"}]}', "finding 1 has no text 'scope'"),
        (
            '{"version": 1, "findings": [{"kind": "", "scope": "", "owner": "", "node": "", "where": "", "count": 0}]}',
            "finding 1 has a count of 0",
        ),
    ],
)
def test_a_file_that_is_no_baseline_is_refused(suite, content, problem):
    """
    A misspelt name must not let everything pass; the error says how to make a file.
    """
    suite.write("test_a.py", SUITE.format(more=""))
    if content is not None:
        (suite.directory / "known.json").write_text(content)

    run = suite.run(FILE)

    assert run.status == 4
    assert problem in run.text
    assert "--hermetic-baseline-write" in run.text


def test_writing_needs_the_name_of_a_file(suite):
    """
    There is no default place that one run would write and the next would not read.
    """
    suite.write("test_a.py", "def test(): pass\n")

    run = suite.run("--hermetic-baseline-write")

    assert run.status == 4
    assert "name the file as well" in run.text
