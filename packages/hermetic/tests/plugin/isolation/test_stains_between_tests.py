"""
Two tests share a reading of process state where nothing acts between them; whatever does act is charged to nobody.
"""

from __future__ import annotations

TESTS = """
import os, sys, warnings
import pytest

def test_before():
    pass

@pytest.mark.filterwarnings("ignore:something else")
def test_with_filters_of_its_own():
    pass

def test_behind_it():
    os.environ["SPOILT"] = "once"

def test_that_is_clean():
    pass

@pytest.mark.hermetic(isolation="off")
def test_that_may_do_anything():
    os.environ["KEPT"] = "on purpose"

def test_behind_that():
    assert "SPOILT" not in os.environ and os.environ["KEPT"]

def test_that_leaks_what_spoils_when_it_is_mended():
    import tests_help
    tests_help.start()

def test_last():
    pass
"""

# A thread that is waited for a moment when its owner ends, and changes the process while it is.
HELP = """
import os, threading

def start():
    main = threading.current_thread()
    def work():
        while not ended.wait(0.001):
            pass
        os.environ["LATE"] = "by a thread"
    ended = threading.Event()
    class Thread(threading.Thread):
        def join(self, timeout=None):
            ended.set()
            super().join(5)
    Thread(target=work).start()
"""

HOOK = """
import os

def pytest_runtest_logfinish(nodeid):
    os.environ["FINISHED"] = nodeid
"""


def stains(run):
    return [
        (one.test.partition("::")[2], one.finding["subject"].partition(":")[0])
        for one in run.found
        if one.kind.startswith("stain")
    ]


def test_only_what_a_test_itself_changed_is_its_stain(suite):
    """
    Neither the warnings filters that pytest sets for one test, nor what stays of a test that is not looked at, nor what a
    leak's own mending changed, is the next test's doing.
    """
    suite.write("test_between.py", TESTS)
    suite.write("tests_help.py", HELP)

    run = suite.run()

    assert stains(run) == [("test_behind_it", "os.environ['SPOILT']")], run.text


def test_what_a_hook_does_between_two_tests_is_no_tests_stain(suite):
    """
    A hook of the project's own conftest runs between tests, so each test's start is read for itself.
    """
    suite.write("test_between.py", TESTS)
    suite.write("tests_help.py", HELP)
    suite.write("conftest.py", HOOK)

    run = suite.run()

    assert stains(run) == [("test_behind_it", "os.environ['SPOILT']")], run.text
