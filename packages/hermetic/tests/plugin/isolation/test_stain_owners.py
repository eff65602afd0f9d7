"""
Whose a stain is, when it is judged, and what each mode does about it.
"""

from __future__ import annotations

SCENE = """
import os
import pytest

@pytest.fixture(scope="session")
def region():
    os.environ["REGION"] = "north"
    yield
    del os.environ["REGION"]

@pytest.fixture(scope="module")
def shop(region):
    os.environ["SHOP"] = "open"
    yield
    os.environ.pop("SHOP")

@pytest.fixture(scope="module")
def forgetful(request):
    os.environ["FORGOTTEN"] = "module"
    request.addfinalizer(lambda: os.environ.update(LATE="teardown"))

@pytest.fixture
def helper():
    os.environ["HELPER"] = "function"

def test_first(shop, forgetful):
    assert os.environ["SHOP"] == "open"

def test_spoils(shop):
    os.environ["SHOP"] = "spoilt"
    os.environ["MINE"] = "test"

def test_sees_the_baseline_of_its_module(shop):
    assert os.environ["SHOP"] == "open" and "MINE" not in os.environ and os.environ["FORGOTTEN"] == "module"

def test_asks_in_the_middle(request):
    os.environ["BEFORE"] = "test"
    request.getfixturevalue("late_module")
    os.environ["AFTER"] = "test"

@pytest.fixture(scope="module")
def late_module():
    os.environ["LATE_MODULE"] = "fixture"
    yield
    os.environ.pop("LATE_MODULE")

def test_with_a_helper(helper):
    pass

def test_last():
    assert "HELPER" not in os.environ and os.environ["LATE_MODULE"] == "fixture"
"""

OTHER = """
import os

def test_elsewhere():
    assert not {"SHOP", "FORGOTTEN", "LATE", "LATE_MODULE", "BEFORE", "AFTER"} & set(os.environ)
    assert os.environ["REGION"] == "north"
"""


def names(run):
    return {(one.owner, name) for one in run.found for name in one.finding["subject"].split(", ")}


def test_what_a_broader_fixture_sets_is_right_for_its_tests_and_judged_when_it_ends(suite):
    """
    A module fixture's variables are the baseline of its tests; only what it leaves behind is its stain.
    """
    suite.write("test_a.py", SCENE)
    suite.write("test_b.py", OTHER)

    run = suite.run()

    assert names(run) == {
        ("module fixture forgetful", "os.environ['FORGOTTEN']"),
        ("module fixture forgetful", "os.environ['LATE']"),
        ("function test test_a.py::test_spoils", "os.environ['SHOP']"),
        ("function test test_a.py::test_spoils", "os.environ['MINE']"),
        ("function test test_a.py::test_asks_in_the_middle", "os.environ['BEFORE']"),
        ("function test test_a.py::test_asks_in_the_middle", "os.environ['AFTER']"),
        ("function test test_a.py::test_with_a_helper", "os.environ['HELPER']"),
    }
    assert run.outcomes == {"passed": 7, "errors": 4}
    assert {one.mended for one in run.found} == {"put back"}


def test_a_fixture_is_judged_with_the_last_test_of_its_scope_and_at_its_own_line(suite):
    """
    The finding comes with the test in whose teardown the fixture ended, and names the fixture's line.
    """
    path = suite.write("test_a.py", SCENE)

    run = suite.run()

    found = [one for one in run.found if one.owner == "module fixture forgetful"]
    assert {one.test for one in found} == {"test_a.py::test_last"}
    lines = path.read_text().splitlines()
    assert {lines[one.line[1] - 1].strip() for one in found} == {
        'os.environ["FORGOTTEN"] = "module"',
        'request.addfinalizer(lambda: os.environ.update(LATE="teardown"))',
    }


STAIN = """
import os
import pytest

{mark}
def test_stains():
    os.environ["STAIN"] = "1"

def test_after():
    assert ("STAIN" in os.environ) is {stays}
"""


def test_observe_finds_and_leaves_in_place(suite):
    """
    In observe mode the state stays as the test left it, is told once, and is the next test's baseline.
    """
    suite.write("test_a.py", STAIN.format(mark="", stays=True))

    run = suite.run("--hermetic-isolation=observe")

    assert [(one.test, one.mended) for one in run.found] == [("test_a.py::test_stains", "")]
    assert run.outcomes == {"passed": 2, "errors": 1}


def test_off_does_not_look(suite):
    """
    Switched off, nothing is found and nothing is put back.
    """
    suite.write("test_a.py", STAIN.format(mark="", stays=True))
    suite.write("pytest.ini", "[pytest]\nhermetic_isolation = off\n")

    run = suite.run()

    assert (run.found, run.outcomes) == ([], {"passed": 2})


def test_a_marker_chooses_the_mode_of_one_test(suite):
    """
    A test that is meant to change the process says so, and the others keep their mode.
    """
    suite.write("test_a.py", STAIN.format(mark='@pytest.mark.hermetic(isolation="off", reason="sets up")', stays=True))

    run = suite.run()

    assert (run.found, run.outcomes) == ([], {"passed": 2})


def test_a_mode_that_does_not_exist_is_refused_with_its_source(suite):
    """
    The marker's test and the ini file's value are named, with the modes there are.
    """
    suite.write("test_a.py", STAIN.format(mark='@pytest.mark.hermetic(isolation="never")', stays=True))

    run = suite.run()
    place = "the marker hermetic on test_a.py::test_stains (test_a.py:"
    assert f"isolation='never' in {place}" in run.text
    assert "): give restore, observe, off." in run.text
    assert (run.status, "Traceback" in run.text, "guarding.py" in run.text) == (4, False, False)
    suite.write("pytest.ini", "[pytest]\nhermetic_isolation = sometimes\n")
    assert "hermetic_isolation = 'sometimes' in" in suite.run().text


def test_policy_off_for_a_kind_leaves_it_alone(suite):
    """
    A kind that policy switches off is neither told nor put back.
    """
    suite.write("test_a.py", STAIN.format(mark="", stays=True))

    run = suite.run("--hermetic-policy", "stain.environ = off")

    assert (run.found, run.outcomes) == ([], {"passed": 2})


CLASSES = """
import os
import unittest

class TestXunit:
    @classmethod
    def setup_class(cls):
        os.environ["CLASS"] = "1"

    @classmethod
    def teardown_class(cls):
        del os.environ["CLASS"]

    def setup_method(self):
        os.environ["METHOD"] = "1"

    def teardown_method(self):
        del os.environ["METHOD"]

    def test_sees_both(self):
        assert os.environ["CLASS"] + os.environ["METHOD"] == "11"

class Unit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.environ["UNIT"] = "1"
        cls.addClassCleanup(os.environ.pop, "UNIT")

    def setUp(self):
        os.environ["SETUP"] = "1"
        self.addCleanup(os.environ.pop, "SETUP")

    def test_sees_both(self):
        self.assertEqual(os.environ["UNIT"] + os.environ["SETUP"], "11")

    def test_forgets(self):
        os.environ["FORGOTTEN"] = "1"

def setup_module(module):
    os.environ["MODULE"] = "1"

def teardown_module(module):
    del os.environ["MODULE"]
"""


def test_xunit_and_unittest_setups_that_clean_up_are_silent(suite):
    """
    setup_class, setUpClass, setup_module and their like are owners as fixtures are.
    """
    suite.write("test_a.py", CLASSES)

    run = suite.run()

    assert names(run) == {("function test test_a.py::Unit::test_forgets", "os.environ['FORGOTTEN']")}


ASYNC = """
import contextvars, os
import pytest, pytest_asyncio

REQUEST = contextvars.ContextVar("REQUEST")

@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def service():
    os.environ["SERVICE"] = "up"
    REQUEST.set("fixture")
    yield
    del os.environ["SERVICE"]

@pytest.mark.asyncio(loop_scope="module")
async def test_one(service):
    REQUEST.set("one")

@pytest.mark.asyncio(loop_scope="module")
async def test_two(service):
    os.environ["TWO"] = "1"

async def test_three():
    REQUEST.set("three")
"""


def test_asynchronous_fixtures_are_owners_too(suite):
    """
    Under pytest-asyncio, with loops of several scopes, only what is left behind is told.
    """
    suite.write("test_a.py", ASYNC)

    run = suite.run(plugins=("asyncio",))

    assert names(run) == {("function test test_a.py::test_two", "os.environ['TWO']")}
    assert run.outcomes == {"passed": 3, "errors": 1}


SHARED = """
import collections
import pytest

@pytest.fixture(scope="module")
def prices():
    return {"tea": [1, 2], "milk": [3]}

@pytest.fixture(scope="session")
def orders():
    return collections.deque()

@pytest.fixture
def own():
    return []

def test_reads(prices, orders):
    assert prices["tea"] == [1, 2]

def test_changes(prices, orders, own):
    own.append(1)
    prices["tea"].append(5)  # here

def test_queues(orders):
    orders.append("tea")  # here

def test_reads_again(prices):
    assert prices["tea"] == [1, 2, 5]
"""


def test_a_test_that_changes_the_value_of_a_broader_fixture_is_told(suite):
    """
    The finding stands at that test, warns, and leaves the value alone: only the fixture knows what it is for.
    """
    path = suite.write("test_a.py", SHARED)

    run = suite.run()

    assert [(one.test, one.kind, one.finding["subject"], one.level, one.mended) for one in run.found] == [
        ("test_a.py::test_changes", "stain.fixture-value", "module fixture prices", "warn", ""),
        ("test_a.py::test_queues", "stain.fixture-value", "session fixture orders", "warn", ""),
    ], run.text
    assert all(path.read_text().splitlines()[one.line[1] - 1].endswith("# here") for one in run.found)
    assert run.outcomes == {"passed": 4}
