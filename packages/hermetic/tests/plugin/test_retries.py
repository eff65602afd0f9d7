"""
Retries that hide nothing, and the quarantine list.
"""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

SUITE = """
import asyncio, pytest, sqlite3
log = []
count = {}
def nth(name):
    count[name] = count.get(name, 0) + 1
    return count[name]
@pytest.fixture
def small():
    log.append("small"); yield; log.append("gone")
@pytest.fixture(scope="module")
def big():
    log.append("big"); yield; log.append("big gone")
@pytest.mark.retry(3)
def test_third(big, small): assert nth("third") == 3
def test_each_try_had_its_own_fixture(big): assert " ".join(log) == "big small gone small gone small gone"
@pytest.mark.retry(1, fixtures="all")
def test_all_anew(big):
    log.append("try")
    with open("tries", "a+") as file:  # what is in memory is put back with the module's fixture
        file.write("x")
        file.seek(0)
        assert file.read() == "xx"
    assert log[-2:] == ["big", "try"]
@pytest.mark.retry(2)
def test_always(): assert False
@pytest.mark.retry(2, only=OSError)
def test_not_that_error(): nth("value"); raise ValueError(1)
@pytest.mark.retry(2, only=(OSError, KeyError))
def test_that_error():
    if nth("os") < 2: raise ConnectionResetError(1)
@pytest.mark.retry(2, only="infrastructure")
def test_that_nature():
    if nth("refused") < 2: raise RuntimeError("no server") from ConnectionRefusedError(111, "refused")
@pytest.mark.retry(2, but_not=("assertion", KeyError))
def test_not_that_nature():
    nth("asserted")
    assert False
@pytest.fixture
def weak():
    if nth("weak") < 2: raise RuntimeError("not yet")
@pytest.mark.retry(1)
def test_fixture_at_second_try(weak): pass
@pytest.mark.retry(1)
async def test_async():
    await asyncio.sleep(0)
    assert nth("async") == 2
class TestInstance:
    @pytest.mark.retry(1)
    def test_is_new(self):
        assert not hasattr(self, "seen")
        self.seen = True
        assert nth("instance") == 2
@pytest.mark.retry(2)
def test_skipped(): pytest.skip("not here")
@pytest.mark.retry(2)
@pytest.mark.xfail
def test_expected(): nth("expected"); assert False
def test_counts(): assert (count["value"], count["expected"], count["asserted"]) == (1, 1, 1)
@pytest.mark.retry(2)
def test_leak():
    count["kept", nth("leak")] = sqlite3.connect(":memory:")
def test_leak_was_tried_once(): assert count["leak"] == 1
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory, request):
    from packages.hermetic.tests.plugin.conftest import Suite  # the same builder, for a run that many tests look at

    suite = Suite(tmp_path_factory.mktemp("retries"))
    suite.write("test_a.py", SUITE)
    run = suite.run("--junitxml=junit.xml", plugins=("asyncio",))
    return suite, run


def row(run, name):
    return [line.split()[1] for line in run.text.splitlines() if line.startswith(f"test_a.py::{name} ")]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("test_third", ["RERUN", "RERUN", "UNSTABLE"]),
        ("test_each_try_had_its_own_fixture", ["PASSED"]),
        ("test_all_anew", ["RERUN", "UNSTABLE"]),
        ("test_always", ["RERUN", "RERUN", "FAILED"]),
        ("test_not_that_error", ["FAILED"]),
        ("test_that_error", ["RERUN", "UNSTABLE"]),
        ("test_that_nature", ["RERUN", "UNSTABLE"]),
        ("test_not_that_nature", ["FAILED"]),
        ("test_fixture_at_second_try", ["RERUN", "UNSTABLE"]),
        ("test_async", ["RERUN", "UNSTABLE"]),
        ("TestInstance::test_is_new", ["RERUN", "UNSTABLE"]),
        ("test_skipped", ["SKIPPED"]),
        ("test_expected", ["XFAIL"]),
        ("test_counts", ["PASSED"]),
        ("test_leak", ["PASSED", "ERROR"]),
        ("test_leak_was_tried_once", ["PASSED"]),
    ],
)
def test_each_case_is_tried_as_often_as_it_says(seen, name, shown):
    """
    Function-scoped fixtures and instances are new for each try; leaks, skips and expected failures are not repeated.
    """
    assert [word for word in row(seen[1], name) if word.isupper()] == shown, seen[1].text


def test_every_try_is_listed_and_counted_once(seen):
    """
    On the terminal with what each try said; in JUnit a test is one test; in the history each try is one.
    """
    suite, run = seen

    assert "test_a.py::test_third  passed at try 3" in run.text
    assert "    try 2: AssertionError: assert 2 == 3" in run.text
    assert "    try 1: RuntimeError: no server (infrastructure)" in run.text
    names = [case.get("name") for case in ET.parse(suite.directory / "junit.xml").getroot().iter("testcase")]
    assert names.count("test_third") == names.count("test_always") == 1
    kept = next((suite.directory / ".hermetic" / "runs").iterdir()).read_text().splitlines()
    tries = [json.loads(line) for line in kept[1:]]
    assert [one["outcome"] for one in tries if one["test"].endswith("test_third")] == ["failed", "failed", "passed"]


def test_a_supervised_run_takes_the_last_try_for_the_outcome(suite):
    """
    Under `hermetic run` a try that is repeated ends no test and no run.
    """
    suite.write("test_a.py", "n = [0]\ndef test_a(): n[0] += 1; assert n[0] == 2\ndef test_b(): assert False\n")
    command = [sys.executable, "-c", "from hermetic.cli import main; main()", "run", "--hermetic-retries=1"]
    run = subprocess.run(
        [*command, "-p", "no:randomly", "--hermetic-outcomes=outcomes.jsonl"],
        cwd=suite.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    lines = [json.loads(line) for line in (suite.directory / "outcomes.jsonl").read_text().splitlines()]

    assert "INTERNALERROR" not in run.stdout
    assert "1 failed, 2 rerun, 1 unstable" in run.stdout
    assert [one["outcome"] for one in lines if "ended" in one] == ["passed", "failed"]


def test_the_budget_fails_a_run_that_would_pass(suite):
    """
    One unstable test is allowed, the second is not; without a budget the run passes.
    """
    suite.write(
        "test_a.py",
        "n = [0, 0]\ndef test_a(): n[0] += 1; assert n[0] == 2\ndef test_b(): n[1] += 1; assert n[1] == 2\n",
    )

    assert suite.run("--hermetic-retries=1").status == 0
    assert suite.run("--hermetic-retries=1", "--hermetic-unstable-budget=2").status == 0
    over = suite.run("--hermetic-retries=1", "--hermetic-unstable-budget=1")
    assert over.status == 1
    assert "2 were unstable and 1 are allowed" in over.text


def test_a_broken_build_is_not_tried_again_and_again(suite):
    """
    Once ten tests have ended and more than half of them failed, or another share; also told when a worker saw it.
    """
    suite.write("test_a.py", "import pytest\n@pytest.mark.parametrize('n', range(30))\ndef test_a(n): assert n < 8\n")
    half = suite.run("--hermetic-retries=1")
    fifth = suite.run("--hermetic-retries=1", "--hermetic-retry-stop=20", "-n1", plugins=("xdist",))

    assert half.text.count(" RERUN") == 9
    assert "More than 50 % of the tests failed" in half.text
    assert fifth.text.count(" RERUN") == 3
    assert "More than 20 % of the tests failed" in fifth.text


@pytest.mark.parametrize(
    ("marker", "says"),
    [
        ("retry('3')", "times = '3' is no count"),
        ("retry()", "times = None is no count"),
        ("retry(-1)", "times = -1 is no count"),
        ("retry(1, 2)", "2 positional arguments"),
        ("retry(1, mostly=OSError)", "unknown argument mostly"),
        ("retry(1, only='OSError')", "only = 'OSError' must be an exception class"),
        ("retry(1, delay=float('nan'))", "delay = nan must be seconds"),
        ("retry(1, fixtures='some')", "fixtures = 'some' must be 'function' or 'all'"),
    ],
)
def test_a_marker_with_a_mistake_is_refused_with_its_line(suite, marker, says):
    """
    At collection, not when something fails.
    """
    suite.write("test_a.py", f"import pytest\n@pytest.mark.{marker}\ndef test_a(): pass\n")
    run = suite.run()

    assert says in run.text
    assert "test_a.py:2" in run.text
    assert run.status == 4


def test_an_option_that_is_no_count_is_refused(suite):
    """
    With the option and the value.
    """
    suite.write("test_a.py", "def test_a(): pass\n")

    assert "--hermetic-retries: 'many' is no count" in suite.run("--hermetic-retries=many").text


LIST = """
[[test]]
name = "test_a.py::test_known"
owner = "mia"
reason = "proxy"
until = 2999-12-31

[[test]]
name = "test_a.py::test_over"
owner = "mia"
reason = "proxy"
until = 2020-01-01
"""


def test_a_listed_test_may_fail_until_its_day(suite):
    """
    It is run and reported; another failure, and one whose day is over, block as ever.
    """
    suite.write("list.toml", LIST)
    suite.write("test_a.py", "def test_known(): assert 0\ndef test_ok(): pass\n")
    allowed = suite.run("--hermetic-quarantine=list.toml")
    suite.write("test_a.py", "def test_known(): assert 0\ndef test_over(): assert 0\n")
    blocked = suite.run("--hermetic-quarantine=list.toml")

    assert allowed.status == 0
    assert "test_a.py::test_known  may fail until 2999-12-31 (mia: proxy)" in allowed.text
    assert "test_a.py::test_over  is over since 2020-01-01; take it off the list" in allowed.text
    assert blocked.status == 1
    assert "test_a.py::test_over  its time was over on 2020-01-01: it blocks again" in blocked.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[test]]\nname = 'a'\n", "entry 1: owner, reason, until missing"),
        ("[[test]]\nname = 'a'\nowner = 'o'\nreason = 'r'\nuntil = 'soon'\n", "until = 'soon' must be a day"),
        ("[[test]]\nname = 'a'\nowner = ''\nreason = 'r'\nuntil = 2999-01-01\n", "owner = '' must be a text"),
        ("[[tests]]\nname = 'a'\n", "it must hold [[test]] tables only"),
        ("test = 3", "it must hold [[test]] tables only"),
        ("[[test", "quarantine list"),
        (LIST + LIST, "entry 3: test_a.py::test_known is there twice"),
    ],
)
def test_a_list_with_a_mistake_is_refused(suite, text, says):
    """
    With the entry and what it needs.
    """
    suite.write("list.toml", text)
    run = suite.run("--hermetic-quarantine=list.toml")

    assert says in run.text
    assert run.status == 4


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--hermetic-quarantine=none.toml", "none.toml cannot be read (No such file or directory). Name the file with"),
        ("--hermetic-resume=none.jsonl", "none.jsonl cannot be read (No such file or directory). Name the file that"),
    ],
)
def test_a_file_that_is_not_there_is_named_once_with_what_to_do(suite, option, says):
    """
    Not as an exception of Python's.
    """
    run = suite.run(option)

    assert says in run.text
    assert ("Errno" in run.text, run.status) == (False, 4)
