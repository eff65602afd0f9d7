"""
The order and the number of workers by the history, in real runs.
"""

from __future__ import annotations

import os
import re

SUITE = """
import os, time
def test_a(): time.sleep(0.05)
def test_b(): pass
def test_c(): assert os.environ.get("FAILS") is None
"""


def ran(run):
    return re.findall(r"^(?:\[gw\d+\] .*)?test_a.py::(test_\w)", run.text, re.MULTILINE)


def test_what_failed_of_late_is_run_first_and_quick_before_slow(suite):
    """
    In one process and with workers, which are all told the same; and `-n auto` says how many it means and why.
    """
    suite.write("test_a.py", SUITE)
    suite.run(env={"FAILS": "1"})
    one = suite.run("--hermetic-order=feedback")
    suite.write("pytest.ini", "[pytest]\nhermetic_order = feedback\nhermetic_workers = measured\n")
    several = suite.run("-n", "auto", plugins=("xdist",), env={"PYTEST_XDIST_AUTO_NUM_WORKERS": ""})

    assert ran(one) == ["test_c", "test_b", "test_a"]
    assert "order: 1 tests that failed of late" in one.text
    assert several.outcomes == {"passed": 3}
    assert re.search(rf"workers: {len(os.sched_getaffinity(0))} \(", several.text)
