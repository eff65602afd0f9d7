"""
Limits on tests: the marker, the fixture, the table of the hungriest, and what is refused.
"""

from __future__ import annotations

import json
import re

import pytest

SUITE = """
import asyncio, sqlite3, threading
import pytest

KEPT = []

@pytest.fixture(scope="module")
def pool():
    made = [sqlite3.connect(":memory:") for _ in range(5)]
    yield made
    for one in made:
        one.close()

@pytest.fixture
def pair():
    made = [sqlite3.connect(":memory:") for _ in range(2)]
    yield made
    for one in made:
        one.close()

def test_first(pool): pass

@pytest.mark.limits(database_connections=2)
def test_within(pool, pair): pass

@pytest.mark.limits(database_connections=2)
def test_passes(pool, pair):
    sqlite3.connect(":memory:").close()

@pytest.mark.limits(database_connections=1)
def test_setup(pair): pass

@pytest.mark.limits(async_tasks=2, threads=0)
async def test_tasks():
    tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(4)]
    await asyncio.gather(*tasks)

@pytest.mark.limits(database_connections=1)
class TestClass:
    def test_inherits(self, pair): pass

    @pytest.mark.limits(database_connections=4)
    def test_closest_wins(self, pair): pass

@pytest.mark.limits(database_connections=0)
def test_own_failure():
    sqlite3.connect(":memory:").close()
    assert "own" == ""

@pytest.mark.limits(database_connections=3, warn_at=0.5)
def test_near(pair): pass

def test_monitor(resource_monitor, pair):
    assert resource_monitor.difference.database_connections == 2 or resource_monitor.growth.database_connections in (0, 2)
    with sqlite3.connect(":memory:") as one:
        assert resource_monitor.growth.database_connections >= 1
    one.close()

def test_eats():
    KEPT.append(b"x" * 30_000_000)
"""

LINES = SUITE.lstrip().splitlines()


@pytest.fixture(scope="module")
def ran(module_suite):
    module_suite.write("test_limits.py", SUITE)
    return module_suite.run("--hermetic-hungriest=2", plugins=("asyncio", "xdist"))


def told(ran, name: str) -> str:
    return next(
        part for part in re.split(r"\n_{3,} ", ran.text) if part.startswith((name, f"ERROR at setup of {name}"))
    )


def test_a_test_within_its_limits_passes_and_one_beyond_them_fails(ran):
    """
    In the part in which it was passed; a broader fixture's resources were there before and do not count.
    """
    outcomes = dict(re.findall(r"test_limits\.py::(\S+) (PASSED|FAILED|ERROR)", ran.text))

    assert outcomes == {
        "test_first": "PASSED",
        "test_within": "PASSED",
        "test_passes": "FAILED",
        "test_setup": "ERROR",
        "test_tasks": "FAILED",
        "TestClass::test_inherits": "ERROR",
        "TestClass::test_closest_wins": "PASSED",
        "test_own_failure": "FAILED",
        "test_near": "PASSED",
        "test_monitor": "PASSED",
        "test_eats": "PASSED",
    }


def test_the_failure_says_how_many_who_and_how_to_run_it_again(ran):
    """
    The marker's place, the holders by line, and the command.
    """
    text = told(ran, "test_passes")

    start, pair = LINES.index("def test_passes(pool, pair):"), LINES.index("def pair():")
    assert re.search(rf"3 more than at the start in use at once, 2 allowed by the marker in \S+\.py:{start}\n", text)
    assert re.search(
        rf"2 x SQLite connection from \S+\.py:{pair + 2} in (pair|pair.<locals>)?.*, such as :memory:", text
    )
    assert re.search(rf"1 x SQLite connection from \S+\.py:{start + 2} in test_passes, :memory:", text)
    assert "run again: pytest 'test_limits.py::test_passes'" in text
    assert "async tasks: 4 more" in told(ran, "test_tasks")


def test_a_tests_own_failure_stays_and_carries_the_limit_as_a_note(ran):
    """
    Nothing hides the assertion.
    """
    text = told(ran, "test_own_failure")

    assert "AssertionError" in text
    assert "database connections: 1 more than at the start in use at once, 0 allowed" in text


def test_near_limits_and_the_hungriest_tests_are_told_at_the_end(ran):
    """
    A warning fails nothing; the table ranks by what each test had in use at once.
    """
    near, hungry = ran.text.split("= Hermetic: near a limit =")[1].split("= Hermetic: the hungriest of 11 tests =")

    assert "test_limits.py::test_near: database_connections: 2 of 3 in use; most from " in near
    assert re.search(r"memory mb:\n +\d\d\.\d  test_limits\.py::test_eats\n", hungry), hungry
    assert re.search(r"database connections:\n +5  test_limits\.py::test_first\n +3  test_limits\.py::test_", hungry)
    assert re.search(r"async tasks:\n +[4-6]  test_limits\.py::test_tasks\n", hungry)


def test_the_journal_has_what_every_test_used_and_which_limit_it_passed(ran):
    """
    As events, for reports to read.
    """
    used = {event["test"].split("::")[-1]: event for event in ran.events if event["kind"] == "guard.resources"}
    passed = [event for event in ran.events if event["kind"] == "guard.limit_passed"]

    assert used["test_first"]["database_connections"] == 5
    assert used["test_eats"]["memory_mb"] > 20
    assert {event["test"].split("::")[-1] for event in passed} == {
        "test_passes",
        "test_setup",
        "test_tasks",
        "test_inherits",
        "test_own_failure",
    }


def test_workers_of_xdist_send_what_their_tests_used(module_suite, ran):
    """
    The table is the controller's.
    """
    parallel = module_suite.run(
        "--hermetic-hungriest=1", "-n2", "-ktest_first or test_eats", plugins=("asyncio", "xdist")
    )

    assert "2 passed" in parallel.text, parallel.text
    assert re.search(r"database connections:\n +5  test_limits\.py::test_first", parallel.text), parallel.text


BAD = {
    "limits()": "limits() limits nothing; there are memory_mb",
    "limits(4)": "limits(4) does not say what is limited",
    "limits(thread=4)": "there is no such limit; did you mean threads?",
    "limits(threads=-1)": "invalid limit threads=-1",
    "limits(memory_mb=float('nan'))": "give megabytes from 0 on",
    "limits(open_files='4')": "a str is no number",
    "limits(threads=True)": "a bool is no number",
    "limit(threads=4)": "unknown marker 'limit' on test_it; did you mean 'limits'?",
}


def test_bad_markers_are_refused_at_collection_with_file_and_line(suite):
    """
    What is wrong and what to write; the other modules run.
    """
    for number, marker in enumerate(BAD):
        suite.write(f"test_bad{number}.py", f"import pytest\n\n@pytest.mark.{marker}\ndef test_it(): pass\n")
    suite.write("test_good.py", "def test_it(): pass\n")
    ran = suite.run("--continue-on-collection-errors", "-Wignore")

    for number, text in enumerate(BAD.values()):
        assert re.search(rf"test_bad{number}\.py:3\b", ran.text), ran.text
        assert text in ran.text, ran.text
    assert ran.outcomes == {"passed": 1, "errors": len(BAD)}


def test_switched_off_the_marker_limits_nothing_and_the_fixture_still_counts(suite):
    """
    And a negative number of hungry tests is refused.
    """
    suite.write(
        "test_off.py",
        """
        import sqlite3, pytest

        @pytest.mark.limits(database_connections=0)
        def test_it(resource_monitor):
            sqlite3.connect(":memory:").close()
            assert resource_monitor.growth.database_connections == 1
        """,
    )
    off = suite.run("--hermetic=off")
    bad = suite.run("--hermetic-hungriest=-1")

    assert off.outcomes == {"passed": 1}, off.text
    assert "--hermetic-hungriest=-1: give how many tests to show, from 0 on" in bad.text
    assert json.dumps(bad.status) == "4"
