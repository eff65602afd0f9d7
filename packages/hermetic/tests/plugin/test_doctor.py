"""
`hermetic doctor`: what is on, what it costs, what cannot be seen; with `--fixtures` the graph, and what is doubtful in it.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hermetic.runs.cost import CostError, measure


def doctor(suite, *words):
    return subprocess.run(
        [sys.executable, "-c", "from hermetic.cli import main; main()", "doctor", *words],
        cwd=suite.directory,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def test_circles_shadows_duplicates_and_unused_fixtures_are_told(suite):
    """
    Each doubtful thing is named with its place; what overrides and builds on the outer one is not called shadowing.
    """
    suite.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def shop():
            return {"open": True}

        @pytest.fixture
        def price(shop):
            return 1

        @pytest.fixture
        def first(second):
            pass

        @pytest.fixture
        def second(first):
            pass
        """,
    )
    suite.write(
        "test_a.py",
        """
        import pytest

        @pytest.fixture
        def price():
            return 2

        @pytest.fixture(scope="session")
        def store():
            return {"open": True}

        @pytest.fixture(scope="session")
        def shop(shop):
            return shop

        def test_a(price, shop, store):
            raise AssertionError("doctor runs nothing")
        """,
    )

    done = doctor(suite, "--fixtures")

    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "price (function, conftest.py:7) needs shop" in lines
    assert (
        "first (function, conftest.py:11) needs second (function, conftest.py:15) needs first (function, conftest.py:11)"
        in lines
    )
    assert lines[lines.index("1 shadowed") + 1] == "price (function, test_a.py:3) hides price (function, conftest.py:7)"
    same = lines.index("1 the same in several places: keep one, in a conftest.py above both")
    assert lines[same + 1] == "shop (session, conftest.py:3); store (session, test_a.py:7)"
    unused = lines.index("2 asked for by no collected test")
    assert [line.split()[0] for line in lines[unused + 1 : unused + 3]] == ["first", "second"]


def test_what_is_on_what_it_costs_and_what_is_not_seen_is_told_without_running_a_test(suite):
    """
    Kinds that are watched and that come with a module, rules, reasons and limits as the ini file has them, a figure for
    each part of the guard, and what is left out by choice.
    """
    suite.write(
        "pytest.ini",
        """
        [pytest]
        hermetic_deadlines = call=7
        hermetic_policy = sqlite3.* = warn
        hermetic_keep = thread @ *telemetry*: there is no way to stop it
        """,
    )
    suite.write("test_a.py", "import asyncio\n\ndef test_a():\n    raise AssertionError('doctor runs nothing')\n")

    done = doctor(suite, "--rounds", "0")

    assert done.returncode == 0, done.stdout + done.stderr
    text = " ".join(done.stdout.split())
    assert "for 1 tests below" in text
    on, cost, unseen = text.split(" on: ")[1], text.split(" cost of one test ")[1], text.split(" not seen here: ")[1]
    assert "asyncio.transport, " in on
    assert "once they are imported, of: aiohttp, aiosqlite, " in on
    assert "stains (restore): abc, alarm, " in on
    assert "deadlines: setup 60 s, call 7 s, teardown 60 s" in on
    assert "descriptor.other = warn, sqlite3.* = warn" in on
    assert "kept on purpose: thread @ *telemetry*: there is no way to stop it" in on
    assert [word for word in cost.split() if word in {"shifts:", "census:", "blocking:", "isolation:"}] == [
        *("shifts:", "census:", "blocking:", "isolation:")
    ]
    assert "hermetic_threading_locks = true watches them" in unseen


def test_the_cost_is_measured_by_whole_runs_and_a_run_that_fails_is_told(monkeypatch):
    """
    Both kinds of runs take processor time, and starting with the guard takes more; where pytest cannot run, its own
    output says why.
    """
    cost = measure(rounds=1, few=1, many=21)

    assert cost.start_s > 0 < cost.plain_start_s
    assert cost.lines()[0].startswith("a trivial test takes ")

    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    with pytest.raises(CostError, match="no_such_plugin"):
        measure(rounds=1)
