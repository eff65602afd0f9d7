"""
Reports of one run in every format, and the commands that make them from journals.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import hermetic.record.report.document
import jsonschema
import pytest
from click.testing import CliRunner
from hermetic import TestReporter
from hermetic.cli.commands import group as main
from hermetic.record.report import FORMATS
from hermetic.record.report.as_markdown import LONGEST

SCHEMA = Path(hermetic.record.report.document.__file__).with_name("report-1.json")
SUITE = r"""
import unittest.mock
import pytest

def test_passes(): ...

def test_runs_out():
    mock = unittest.mock.Mock(side_effect=[1])
    mock()
    mock()

@pytest.mark.parametrize("name", ["</script><b>", "\x1b[31mred", "\u202eevil", "a|b`@me", "\udcff", "<details>", "]]>&amp;"])
def test_hostile(name):
    print("password=hunter2hunter2")
    assert name == "x" * 1_000_000

@pytest.fixture
def broken():
    yield
    raise OSError("teardown")

def test_ends_badly(broken): ...

@pytest.mark.skip(reason="because")
def test_is_skipped(): ...

@pytest.mark.xfail
def test_is_expected(): assert 0

@pytest.mark.xfail
def test_surprises(): ...

tries = []

@pytest.mark.flaky_here
def test_flips():
    tries.append(1)
    assert len(tries) > 1
"""
# A retry plugin as its users know it: the report of a try that will be repeated is named rerun.
CONFTEST = """
import pytest
from _pytest.runner import runtestprotocol

def pytest_configure(config):
    config.addinivalue_line("markers", "flaky_here: tried twice")

def pytest_runtest_protocol(item, nextitem):
    if not item.get_closest_marker("flaky_here"):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for last in (False, True):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        for report in reports:
            if report.failed and not last:
                report.outcome = "rerun"
            item.ihook.pytest_runtest_logreport(report=report)
        item._initrequest()
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
"""
NAMES = tuple(f"report{ending}" for ending in FORMATS)
COUNTS = {"error": 1, "failed": 8, "flaky": 1, "passed": 1, "skipped": 1, "xfailed": 1, "xpassed": 1}


@pytest.fixture(scope="module")
def reported(module_suite):
    module_suite.write("test_shop.py", SUITE)
    module_suite.write("conftest.py", CONFTEST)
    # On a build server pytest shows each difference whole, and the characters of both sides as they are.
    run = module_suite.run(*(f"--hermetic-report={name}" for name in NAMES), env={"CI": "true"})
    return run, {name: (module_suite.directory / name).read_text() for name in NAMES}


def test_counts_agree_in_every_format(reported):
    """
    A test is one test, its tries are tries: 14 tests, one of them flaky, however they are written down.
    """
    run, files = reported
    contents = json.loads(files["report.json"])
    assert run.status == 1
    assert contents["counts"] == {"total": 14, **COUNTS}

    suite = ET.fromstring(files["report.xml"]).find("testsuite")
    cases = suite.findall("testcase")
    assert (
        len(cases),
        *(suite.get(one) for one in ("tests", "failures", "errors", "skipped")),
    ) == (14, "14", "8", "1", "2")
    assert [case.get("name") for case in cases if case.find("flakyFailure") is not None] == ["test_flips"]

    ctrf = json.loads(files["report.ctrf.json"])["results"]
    assert tuple(ctrf["summary"][one] for one in ("tests", "passed", "failed", "skipped")) == (14, 3, 9, 2)
    assert [(one["name"], one["retries"]) for one in ctrf["tests"] if one["flaky"]] == [("test_shop.py::test_flips", 1)]

    table = files["report.md"].splitlines()[2:5]
    assert dict(
        zip(*([cell.strip() for cell in row.split("|")[1:-1]] for row in (table[0], table[2])), strict=True)
    ) == {name: str(count) for name, count in COUNTS.items()}
    commands = files["report.github"].splitlines()
    assert [sum(one.startswith(f"::{level} ") for one in commands) for level in ("error", "warning", "notice")] == [
        9,
        1,
        1,
    ]
    assert contents["verdict"] in files["report.txt"]
    assert contents["verdict"].startswith("1 with an error around it, 8 failed, for ")


def test_the_json_is_as_its_committed_schema_says(reported):
    """
    Whoever reads it can rely on the schema.
    """
    _, files = reported

    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(json.loads(files["report.json"]))


def test_the_same_journal_gives_the_same_bytes(reported):
    """
    In another process with another hash seed too.
    """
    run, files = reported
    program = (
        "import sys, pathlib; from hermetic import TestReporter; "
        "r = TestReporter.from_journals(sys.argv[1]); "
        "[r.write(pathlib.Path(one)) for one in sys.argv[2:]]"
    )
    again = [run.directory / "again" / name for name in NAMES]
    subprocess.run([sys.executable, "-c", program, str(run.directory / "journal.jsonl"), *map(str, again)], check=True)

    contents, before = json.loads(again[1].read_text()), json.loads(files["report.json"])
    assert contents == before or contents["run"]["duration_s"] >= before["run"]["duration_s"]
    first = {name: TestReporter.from_journals(run.directory / "journal.jsonl").render(Path(name)) for name in NAMES}
    assert first == {path.name: path.read_text() for path in again}


def test_hostile_names_are_text_in_every_format(reported):
    """
    Nothing opens an element, moves a cursor, turns the direction of text or mentions anybody; secrets are gone.
    """
    _, files = reported

    for name, text in files.items():
        if name.endswith(".html"):
            continue  # driven in a browser, see tests/e2e/page
        assert ("hunter2" in text, re.search("[\x00-\x08\x0b-\x1f\u202e\ud800-\udfff]", text)) == (False, None), name
    assert "<b>" not in files["report.md"]
    assert files["report.md"].count("<details>") == files["report.md"].count("</details>")
    assert len(files["report.md"]) <= LONGEST


def test_each_failure_says_its_cause(reported):
    """
    The exhausted mock is named, and the flaky test is said to hide a failure.
    """
    _, files = reported
    tests = {one["id"].partition("::")[2]: one for one in json.loads(files["report.json"])["tests"]}

    assert tests["test_runs_out"]["diagnoses"][0]["rule"] == "mock.exhausted"
    assert tests["test_flips"]["diagnoses"][0]["rule"] == "retry.hides-failure"
    assert "diagnoses" not in tests["test_passes"]


def test_a_report_that_cannot_be_written_changes_no_status(suite):
    """
    The tests' status stands; the summary says which report is missing and why.
    """
    suite.write("test_a.py", "def test_a(): ...\n")
    run = suite.run("--hermetic-report=pytest.ini/r.json", "--hermetic-report=good.md")

    assert run.status == 0
    assert "Hermetic: no report can be written to" in run.text
    assert (suite.directory / "good.md").exists()


def test_a_format_that_does_not_exist_stops_the_run_before_it_starts(suite):
    """
    A usage error that names the file and the endings there are.
    """
    run = suite.run("--hermetic-report=report.pdf")

    assert run.status == 4
    assert "its name ends with none of .ctrf.json, .json, .html, .md, .xml, .github, .txt." in run.text


def test_a_journal_that_is_cut_or_newer_is_reported_as_far_as_it_goes_and_said_to_be(reported, tmp_path):
    """
    Nothing that can be read is lost, and the report says what could not.
    """
    run, _ = reported
    header, *lines = (run.directory / "journal.jsonl").read_text().splitlines(keepends=True)
    newer = json.dumps({**json.loads(header), "schema": 3, "hermetic": "9.0"}) + "\n"
    (tmp_path / "cut.jsonl").write_text("".join([newer, *lines])[:-20])

    done = CliRunner().invoke(main, ["report", str(tmp_path / "cut.jsonl")])

    assert done.exit_code == 0
    assert done.output.startswith("1 with an error around it, 8 failed, for ")
    assert "was written by Hermetic 9.0 in version 3 of the journal; this one reads version 2." in done.output
    assert "is not whole" in done.output


def test_the_commands_report_merge_show_diff_and_open(reported, tmp_path, monkeypatch):
    """
    What a run wrote can be asked afterwards, without pytest.
    """
    monkeypatch.setattr("click.launch", lambda url: 0)
    run, files = reported
    journal = str(run.directory / "journal.jsonl")

    def said(*words, status=0):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == status, done.output
        return done.output

    assert json.loads(files["report.json"])["verdict"].partition(", in ")[0] in said("report", journal)
    said("report", journal, "-o", str(tmp_path / "a.json"))
    assert json.loads((tmp_path / "a.json").read_text())["counts"]["total"] == 14
    said("merge", journal, "-o", str(tmp_path / "all.jsonl"))
    assert "mock.exhausted" in said("show", "test_runs_out", str(tmp_path / "all.jsonl"))
    assert "no difference" in said("diff", journal, str(tmp_path / "all.jsonl"))
    assert "is one of the journals to be merged. Name another file." in said("merge", journal, "-o", journal, status=1)
    assert said("merge", journal, "-o", str(tmp_path / "one.jsonl")).startswith("1 journal in ")
    assert "no test of this run has 'cake'" in said("show", "cake", journal, status=1)
    assert "report.html" in said("open", str(run.directory / "report.html"))
    assert "is neither a page (.html) nor a journal (.jsonl)." in said("open", __file__, status=2)
    monkeypatch.setattr("click.launch", lambda url: 3)
    assert "no browser could be started" in said("open", str(run.directory / "report.html"), status=1)
    assert said("merge", "-h") == said("merge", "--help")
    assert "is no journal" in said("report", str(tmp_path / "none"), status=1)
