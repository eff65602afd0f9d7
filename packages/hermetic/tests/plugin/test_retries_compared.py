"""
The same tests under this plugin's retries and under pytest-rerunfailures, case by case as its documentation has them.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Each test notes every try, and fails until its n-th. Fixtures note that they were set up and torn down.
HEAD = """
import os, pathlib, pytest
def nth(name):
    with open(f"{name}.tries", "a+") as file:
        file.write("x")
        file.seek(0)
        return len(file.read())
def until(name, n, error=AssertionError):
    if nth(name) < n: raise error("not yet")
@pytest.fixture
def small():
    nth("small-up"); yield; nth("small-down")
@pytest.fixture(scope="module")
def big():
    nth("big-up"); yield; nth("big-down")
"""
# What the documentation describes: the other plugin's marker, ours, and the test.
CASES = {
    "passes_at_third": ("flaky(reruns=5)", "retry(5)", "(): until('passes_at_third', 3)"),
    "never_passes": ("flaky(reruns=2)", "retry(2)", "(): nth('never_passes'); assert False"),
    "delayed": ("flaky(reruns=1, reruns_delay=0.01)", "retry(1, delay=0.01)", "(): until('delayed', 2)"),
    "condition_false": (
        "flaky(reruns=2, condition=False)",
        "retry(2, condition=False)",
        "(): until('condition_false', 2)",
    ),
    "condition_true": ("flaky(reruns=2, condition=True)", "retry(2, condition=True)", "(): until('condition_true', 2)"),
    "only_matches": (
        "flaky(reruns=2, only_rerun='OSError')",
        "retry(2, only=OSError)",
        "(): until('only_matches', 2, OSError)",
    ),
    "only_differs": (
        "flaky(reruns=2, only_rerun='OSError')",
        "retry(2, only=OSError)",
        "(): until('only_differs', 2, ValueError)",
    ),
    "except_matches": (
        "flaky(reruns=2, rerun_except='ValueError')",
        "retry(2, but_not=ValueError)",
        "(): until('except_matches', 2, ValueError)",
    ),
    "except_differs": (
        "flaky(reruns=2, rerun_except='ValueError')",
        "retry(2, but_not=ValueError)",
        "(): until('except_differs', 2, KeyError)",
    ),
    "fixtures": ("flaky(reruns=2)", "retry(2)", "(big, small): until('fixtures', 3)"),
    "skips": ("flaky(reruns=2)", "retry(2)", "(): nth('skips'); pytest.skip('no')"),
    "fails_as_expected": (
        "xfail\n@pytest.mark.flaky(reruns=2)",
        "xfail\n@pytest.mark.retry(2)",
        "(): nth('fails_as_expected'); assert 0",
    ),
    "by_option": ("filterwarnings('default')", "filterwarnings('default')", "(): until('by_option', 2)"),
}


def outcomes(directory, *, is_ours, arguments, workers=()):
    """
    For each test how it ended, and for each note how often it was made.
    """
    plugin = "hermetic._pytest.plugin" if is_ours else "pytest_rerunfailures"
    command = [sys.executable, "-m", "pytest", "-rA", "-p", plugin, "-p", "no:cacheprovider", *workers, *arguments]
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    words = {"PASSED": "passed", "FAILED": "failed", "XFAIL": "xfailed", "UNSTABLE": "passed"}
    ended = {}
    for line in done.stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word in words and "::" in rest:
            ended[rest.split("::")[1].split(" ")[0]] = words[word]
    notes = {file.stem: len(file.read_text()) for file in directory.glob("*.tries")}
    return ended, notes, done.stdout


def compared(tmp_path, *, theirs, ours, suite):
    results = []
    for name, arguments, index in (("theirs", theirs, 0), ("ours", ours, 1)):
        directory = tmp_path / name
        directory.mkdir()
        (directory / "test_a.py").write_text(suite(index))
        results.append(outcomes(directory, is_ours=bool(index), arguments=arguments))
    return results


def test_each_documented_case_is_tried_as_often_and_ends_the_same(tmp_path):
    """
    Times, delay, condition, only, except; fixtures of a function are set up and torn down for each try, others once.
    """

    def suite(index):
        return HEAD + "".join(f"@pytest.mark.{case[index]}\ndef test_{name}{case[2]}\n" for name, case in CASES.items())

    theirs, ours = compared(tmp_path, theirs=["--reruns=1"], ours=["--hermetic-retries=1", "-rA"], suite=suite)

    assert ours[1] == theirs[1], ours[2]
    assert ours[1]["small-up"] == ours[1]["small-down"] == 3
    assert ours[1]["big-up"] == ours[1]["big-down"] == 1
    failed = [{name for name, how in ended.items() if how == "failed"} for ended, _, _ in (theirs, ours)]
    assert failed[0] == failed[1]


OPTIONS = """
def test_value(): until('value', 2, ValueError)
def test_key(): until('key', 2, KeyError)
def test_system(): until('system', 2, OSError)
"""


def test_patterns_as_options_choose_the_same_errors(tmp_path):
    """
    Those that are found in the class and text of an error, and those that are not.
    """
    theirs, ours = compared(
        tmp_path,
        theirs=["--reruns=1", "--only-rerun=ValueError", "--only-rerun=Key", "--rerun-except=KeyError"],
        ours=[
            *("--hermetic-retries=1", "--hermetic-retry-only=ValueError", "--hermetic-retry-only=Key"),
            "--hermetic-retry-except=KeyError",
        ],
        suite=lambda _: HEAD + OPTIONS,
    )

    assert ours[1] == theirs[1] == {"value": 2, "key": 1, "system": 1}, ours[2]


LOST = """
@pytest.mark.retry(1)
def test_once():
    if nth("once") == 1: os._exit(3)
def test_plain(): nth("plain")
@pytest.mark.retry(0)
def test_always(): nth("always"); os._exit(3)
"""


@pytest.mark.parametrize("mode", ["load", "loadfile"])
def test_a_worker_that_is_lost_counts_as_a_try(tmp_path, mode):
    """
    The first passes when it is run again, the last has used up its tries; nothing else is run twice, whatever the way in
    which tests are handed out. pytest-rerunfailures promises the same, where the news of the try outruns the crash.
    """
    (tmp_path / "test_a.py").write_text(HEAD + LOST)
    _, notes, shown = outcomes(tmp_path, is_ours=True, arguments=[], workers=["-p", "xdist", "-n1", "--dist", mode])

    assert notes == {"once": 2, "plain": 1, "always": 1}, shown
    assert "1 failed, 1 passed, 1 rerun, 1 unstable" in shown
    assert "test_a.py::test_once  passed at try 2" in shown


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--hermetic-retry-only=(", "'(' is no regular expression"),
        ("--hermetic-retry-delay=soon", "'soon' must be seconds"),
    ],
)
def test_an_option_with_a_mistake_is_refused(suite, option, says):
    """
    With the option and the value.
    """
    suite.write("test_a.py", "def test_a(): pass\n")

    assert says in suite.run("--hermetic-retries=1", option).text


def test_the_other_plugin_may_do_the_retries_of_a_parallel_run(suite):
    """
    Its tries have no numbers of ours, and are counted all the same.
    """
    suite.write("test_a.py", "tries = []\ndef test_a():\n    tries.append(1)\n    assert len(tries) > 2\n")

    run = suite.run("--reruns=2", "-n1", plugins=("xdist", "rerunfailures"))

    assert run.outcomes == {"passed": 1, "rerun": 2}, run.text
    assert run.status == 0
