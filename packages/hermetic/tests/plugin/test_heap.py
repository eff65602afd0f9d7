"""
What the garbage collector is spared, and what it is not.
"""

from __future__ import annotations

import pytest

CONFTEST = """
import gc, weakref, pytest

class Order:
    def __init__(self):
        self.me = self

FROZEN_BEFORE = gc.get_freeze_count()
KEPT = [Order()]
GONE = weakref.ref(Order())

@pytest.fixture
def orders():
    return FROZEN_BEFORE, KEPT, GONE
"""
TESTS = """
import argparse, gc
from hermetic import ResourceBenchmark

def test_what_the_project_makes_is_listed_and_collected(orders):
    frozen, kept, gone = orders
    assert (frozen > 0) is {is_on}
    listed = gc.get_objects()
    assert any(one is kept[0] for one in listed)
    assert any(one is kept for one in gc.get_referrers(kept[0]))
    assert any(one is vars(argparse.ArgumentParser) or one is argparse.ArgumentParser for one in listed) is not {is_on}
    gc.collect()
    assert gone() is None

def test_after_a_measurement_nothing_more_is_frozen(orders):
    ResourceBenchmark(rounds=10, calls=1, warmup=0).run(list)
    assert gc.get_freeze_count() <= orders[0]
"""


@pytest.mark.parametrize("word", ["on", "off"])
def test_what_was_loaded_before_the_project_is_set_aside_and_nothing_else(suite, word):
    """
    Unless Hermetic is switched off: then the collector is left as it is.
    """
    suite.write("conftest.py", CONFTEST)
    suite.write("test_a.py", TESTS.replace("{is_on}", str(word == "on")))
    run = suite.run(f"--hermetic={word}")

    assert run.outcomes == {"passed": 2}, run.text
