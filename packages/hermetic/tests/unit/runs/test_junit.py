"""
One JUnit file of several processes.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hermetic.runs.junit import asked_for, merge, names, write
from hermetic.runs.outcomes import Outcome

FIRST = """<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="0"
failures="1" skipped="0" tests="2" time="1.5" timestamp="2026-01-01T00:00:00" hostname="here"><properties/>
<testcase classname="tests.test_a" name="test_ok" time="0.5" />
<testcase classname="tests.test_a.TestIt" name="test_bad[x::y]" time="1.0"><failure message="no">no</failure></testcase>
</testsuite></testsuites>"""


def test_the_option_is_taken_out_of_the_arguments_in_each_of_its_spellings():
    """
    The last one counts, as for pytest.
    """
    assert asked_for(["-q", "--junitxml=a.xml", "tests"]) == ("a.xml", ["-q", "tests"])
    assert asked_for(["--junit-xml", "b.xml", "-x"]) == ("b.xml", ["-x"])
    assert asked_for(["--junitxml=a", "--junitxml", "c"]) == ("c", [])
    assert asked_for(["--junitxml"]) == (None, [])
    assert asked_for(["-q"]) == (None, ["-q"])


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("tests/test_a.py::test_ok", ("tests.test_a", "test_ok")),
        ("tests/test_a.py::TestIt::test_bad[x::y]", ("tests.test_a.TestIt", "test_bad[x::y]")),
    ],
)
def test_a_test_is_named_as_pytest_names_it(nodeid, expected):
    """
    So that its case in a file and its outcome are known to be one.
    """
    assert names(nodeid) == expected


def test_cases_of_files_and_outcomes_are_joined_and_counted(tmp_path):
    """
    A process that left no file, or half of one, is told by its outcomes; a lost test is an error.
    """
    (tmp_path / "1.xml").write_text(FIRST)
    (tmp_path / "2.xml").write_text(FIRST[:300])
    outcomes = [
        Outcome(nodeid="tests/test_a.py::test_ok", outcome="passed", duration_s=0.5),
        Outcome(nodeid="tests/test_a.py::TestIt::test_bad[x::y]", outcome="failed", duration_s=1.0, text="no"),
        Outcome(nodeid="tests/test_b.py::test_lost", outcome="lost", text="lost: its process was killed\x00\nmore"),
        Outcome(nodeid="tests/test_b.py::test_skipped", outcome="skipped", duration_s=0.25),
    ]
    files = [tmp_path / name for name in ("1.xml", "2.xml", "missing.xml")]
    write(tmp_path / "out" / "all.xml", merge(files, outcomes))
    suite = ET.parse(tmp_path / "out" / "all.xml").getroot().find("testsuite")
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time", "hostname")}
    lost = next(case for case in suite.iter("testcase") if case.get("name") == "test_lost")

    assert counts == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "skipped": "1",
        "time": "1.750",
        "hostname": "here",
    }
    assert lost.find("error").get("message") == "lost: its process was killed?"
    assert not (tmp_path / "out" / "all.xml.new").exists()
