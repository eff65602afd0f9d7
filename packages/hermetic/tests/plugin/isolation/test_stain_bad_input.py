"""
Tests that break what isolation itself stands on.
"""

from __future__ import annotations

import pytest


@pytest.mark.untraced("the tracer looks at the same broken values, and dies of them")
def test_values_whose_own_methods_raise_are_compared_shown_and_put_back(suite):
    """
    A value with a broken __eq__, __repr__, __hash__ and __bool__ is a stain like any other.
    """
    suite.write("shop.py", "ITEMS = [1]\nBOX = {'a': 1}\nTHING = 1\n")
    suite.write(
        "test_a.py",
        """
        import contextvars, sys
        import shop

        VARIABLE = contextvars.ContextVar("VARIABLE", default=None)

        class Broken:
            def _raise(self, *_):
                raise RuntimeError("broken")
            __eq__ = __ne__ = __repr__ = __bool__ = __str__ = __len__ = _raise
            __hash__ = object.__hash__
            def __getattr__(self, name):
                raise RuntimeError(name)

        def test_stains():
            shop.ITEMS.append(Broken())
            shop.BOX["a"] = Broken()
            shop.THING = Broken()
            sys.excepthook = Broken()
            sys.modules["urllib"] = Broken()
            sys.path.append(Broken())
            VARIABLE.set(Broken())

        def test_after():
            import urllib
            assert shop.ITEMS == [1] and shop.BOX == {"a": 1} and shop.THING == 1
            assert sys.excepthook is sys.__excepthook__ and VARIABLE.get() is None
            assert all(isinstance(entry, str) for entry in sys.path)
            assert urllib.__name__ == "urllib"
        """,
    )

    run = suite.run()

    assert sorted(run.kinds()) == [
        *("stain.attribute", "stain.context-variable", "stain.hooks"),
        *("stain.module-content", "stain.sys-modules", "stain.sys-path"),
    ], run.text
    assert "whose __repr__ raised RuntimeError" in run.text
    assert run.outcomes == {"passed": 2, "errors": 1}


def test_a_value_equal_to_everything_does_not_hide_a_change(suite):
    """
    `mock.ANY` in the place of a value is a change, although it says that it equals the value.
    """
    suite.write("shop.py", "RATE = 1\nBOX = {'a': 1}\n")
    suite.write(
        "test_a.py",
        """
        import unittest.mock
        import shop

        def test_stains():
            shop.RATE = unittest.mock.ANY
            shop.BOX["a"] = unittest.mock.ANY

        def test_after():
            assert type(shop.RATE) is int and type(shop.BOX["a"]) is int
        """,
    )

    run = suite.run()

    assert run.kinds() == {"stain.attribute": 1, "stain.module-content": 1}
    assert run.outcomes == {"passed": 2, "errors": 1}


def test_os_environ_itself_replaced_is_put_back(suite):
    """
    Another mapping in the place of os.environ is a stain, and what was set in the real one as well.
    """
    suite.write(
        "test_a.py",
        """
        import os
        REAL = os.environ

        def test_stains():
            REAL["INSIDE"] = "1"
            os.environ = {"HOME": "/"}

        def test_after():
            assert os.environ is REAL and "INSIDE" not in os.environ
        """,
    )

    run = suite.run()

    assert {one.finding["subject"] for one in run.found} == {"os.environ itself", "os.environ['INSIDE']"}
    assert run.outcomes == {"passed": 2, "errors": 1}


def test_a_deleted_working_directory_is_left(suite):
    """
    A test that changes into a directory and deletes it leaves the next test where it began.
    """
    suite.write(
        "test_a.py",
        """
        import os
        START = os.getcwd()

        def test_stains(tmp_path):
            (tmp_path / "gone").mkdir()
            os.chdir(tmp_path / "gone")
            os.rmdir(tmp_path / "gone")

        def test_after():
            assert os.getcwd() == START
        """,
    )

    run = suite.run()

    assert run.kinds() == {"stain.cwd": 1}
    assert run.outcomes == {"passed": 2, "errors": 1}


def test_what_cannot_be_put_back_is_said_and_is_the_next_tests_baseline(suite):
    """
    A context variable without a default can only be reset by its own token: told once, not again.
    """
    suite.write(
        "test_a.py",
        """
        import contextvars
        VARIABLE = contextvars.ContextVar("VARIABLE")

        def test_stains():
            VARIABLE.set(1)

        def test_after():
            assert VARIABLE.get() == 1
        """,
    )

    run = suite.run()

    assert [(one.test, one.mended) for one in run.found] == [
        (
            "test_a.py::test_stains",
            "could not be mended: RuntimeError: it had no value and has no default: only its own token can reset it",
        )
    ]


def test_a_fork_in_the_middle_of_a_test_stains_nothing_here(suite):
    """
    What a child process changes after a fork is its own.
    """
    suite.write(
        "test_a.py",
        """
        import os

        def test_forks():
            child = os.fork()
            if child == 0:
                os.environ["CHILD"] = "1"
                os._exit(0)
            os.waitpid(child, 0)
        """,
    )

    run = suite.run()

    # From 3.12 on the interpreter may warn of the fork.
    assert (run.found, run.outcomes.get("passed"), run.status) == ([], 1, 0), run.text


def test_patched_interpreter_functions_do_not_break_the_readings(suite):
    """
    A test may replace the very functions that isolation reads with; they are put back, and nothing else is touched.
    """
    suite.write(
        "test_a.py",
        """
        import os, sys, locale, signal, gc, threading

        def boom(*_):
            raise ZeroDivisionError

        def test_stains():
            os.getcwd = os.umask = sys.getrecursionlimit = gc.isenabled = threading.active_count = boom

        def test_after():
            assert os.getcwd() and sys.getrecursionlimit() and threading.active_count() and gc.isenabled()
        """,
    )

    run = suite.run()

    assert "switched off" not in run.text
    assert run.outcomes == {"passed": 2, "errors": 1}, run.text
    assert run.kinds() == {"stain.attribute": 1}


def test_first_use_of_lazy_things_is_no_stain(suite):
    """
    Imports, the event loop policy, the temporary directory, decimal's context, weak references and pools come to be
    when they are first used; a module that a thread imports while one test ends and the next begins is not whole before.
    """
    suite.write("shop/__init__.py", "def __getattr__(name):\n    globals()[name] = 1\n    return 1\n")
    suite.write("gates.py", "import threading\nbegun, go = threading.Event(), threading.Event()\n")
    suite.write(
        "shop/slow.py",
        "import gates\nEARLY = [1]\ngates.begun.set()\ngates.go.wait(30)\nEARLY.append(2)\nLATE = {}\nclass Late: ...\n",
    )
    suite.write("shop/inner.py", "import atexit\natexit.register(print)\nVALUES = {}\nVALUES['made at import'] = 1\n")
    suite.write(
        "test_a.py",
        """
        import importlib, logging, threading
        import pytest
        import gates

        @pytest.fixture(scope="module")
        def importing():
            thread = threading.Thread(target=importlib.import_module, args=("shop.slow",))
            thread.start()
            assert gates.begun.wait(30)
            yield thread
            gates.go.set()
            thread.join()

        def test_an_import_is_under_way(importing): ...

        def test_the_import_ends(importing):
            gates.go.set()
            importing.join()

        def test_uses():
            import asyncio, concurrent.futures, copyreg, decimal, email.mime.text, multiprocessing, random, tempfile
            import unittest.mock, weakref, xml.etree.ElementTree
            import shop, shop.inner

            async def quiet():
                await asyncio.sleep(0)
                await asyncio.get_running_loop().run_in_executor(None, int)

            asyncio.run(quiet())
            asyncio.get_event_loop_policy()
            assert shop.lazy == 1
            tempfile.gettempdir()
            decimal.Decimal(1) / 3
            random.random()
            multiprocessing.get_start_method()
            weakref.finalize(unittest.mock.Mock(), print)
            logging.getLogger("shop").info("nothing")
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                pool.submit(int).result()

        def test_uses_fixtures(monkeypatch, tmp_path, capsys, caplog, recwarn, capfd=None):
            import shop.inner
            monkeypatch.setenv("A", "1")
            monkeypatch.chdir(tmp_path)
            monkeypatch.setattr(shop.inner, "VALUES", {})
            monkeypatch.syspath_prepend(tmp_path)
            caplog.set_level(10)
            print("captured")
            assert capsys.readouterr().out == "captured\\n"
        """,
    )

    run = suite.run()

    assert (run.found, run.outcomes) == ([], {"passed": 4}), run.text
