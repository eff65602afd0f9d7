"""
Input that is hard on a census: broken classes, other threads, forks, replaced functions, our own defects.
"""

from __future__ import annotations

HARD = """
import asyncio, builtins, gc, hashlib, os, socket, sqlite3, threading
import pytest

kept = []

class BrokenRepr(sqlite3.Connection):
    def __repr__(self):
        raise RuntimeError("no repr")

class BrokenSocket(socket.socket):
    def __repr__(self):
        raise RuntimeError("no repr")
    def getsockname(self):
        raise RuntimeError("no name")
    def fileno(self):
        raise RuntimeError("no fileno")

def test_broken_repr():
    kept.append(sqlite3.connect(":memory:", factory=BrokenRepr))
    kept.append(BrokenSocket())

def test_closed_in_another_thread():
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    thread = threading.Thread(target=connection.close)
    thread.start()
    thread.join()

def test_a_thread_that_is_on_its_way_out():
    # Longer than threads are waited for, unless they have a processor or wait for one.
    threading.Thread(target=hashlib.pbkdf2_hmac, args=("sha256", b"", b"", 150_000)).start()

def test_opened_in_another_thread_that_has_ended():
    thread = threading.Thread(target=lambda: kept.append(sqlite3.connect(":memory:")))
    thread.start()
    thread.join()

def test_without_weak_references():
    class Slotted(asyncio.Lock):
        __slots__ = ()
    kept.append(Slotted())

def test_made_in_c():
    import _socket
    raw = _socket.socket()
    raw.close()

def test_fork_in_the_middle():
    connection = sqlite3.connect(":memory:")
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    connection.close()

def test_replaced_functions(monkeypatch):
    monkeypatch.setattr(builtins, "open", lambda *a, **k: "fake")
    monkeypatch.setattr(socket, "socket", lambda *a, **k: "fake")
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: "fake")
    assert {open("x"), socket.socket(), sqlite3.connect("x")} == {"fake"}

class Holder:
    def __init__(self):
        self.itself = self
        self.one = socket.socket()  # circle

def test_freed_in_a_circle():
    Holder()
    gc.collect()

def test_after():
    with socket.socket() as one:
        assert one.fileno() > 0
"""


def test_hard_cases_are_found_or_silent_as_they_should_be(suite):
    """
    Broken reprs are told as such; other threads, forks and replaced functions cost nothing. What the collector frees in a
    circle of references is told with the line that made it.
    """
    suite.write("test_hard.py", HARD)

    run = suite.run()

    assert [(one.kind, one.test) for one in run.found] == [
        ("sqlite3.connection", "test_hard.py::test_broken_repr"),
        ("socket", "test_hard.py::test_broken_repr"),
        ("sqlite3.connection", "test_hard.py::test_opened_in_another_thread_that_has_ended"),
        ("socket", "test_hard.py::test_freed_in_a_circle"),
    ], run.text
    assert HARD.strip().splitlines()[run.found[-1].line[1] - 1].endswith("# circle")
    assert "its repr raised RuntimeError" in run.text
    assert "it belongs to another thread" in run.text or "could not be mended" in run.text
    # From 3.12 on the interpreter may warn of the fork.
    assert {"passed": 10, "errors": 3}.items() <= run.outcomes.items()


def test_a_defect_of_the_guard_is_told_and_the_tests_go_on(suite):
    """
    A component that raises is switched off, its traceback shown; outcomes are those of the tests alone.
    """
    suite.write(
        "conftest.py",
        """
        from hermetic.guard.census.census import Census

        def broken(self, tenures):
            raise ZeroDivisionError("seeded in the guard")

        Census.judge = broken
        """,
    )
    suite.write("test_fine.py", "def test_one(): pass\n\ndef test_two(): assert False\n")

    run = suite.run()

    assert run.outcomes == {"passed": 1, "failed": 1}
    assert (
        "Hermetic's own census failed in judge and was switched off: ZeroDivisionError: seeded in the guard" in run.text
    )
    assert [event["kind"] for event in run.events if event["kind"].startswith("guard.comp")] == [
        "guard.component_failed"
    ]


KEPT = """
import socket, sqlite3
import hermetic

client = None

def test_declared_in_code():
    global client
    client = hermetic.keep(socket.socket(), reason="one for the process")

def test_declared_by_rule():
    test_declared_by_rule.kept = sqlite3.connect(":memory:")

def test_not_declared():
    test_not_declared.kept = socket.socket()
"""


def test_what_is_kept_on_purpose_is_silent_and_listed_with_its_reason(suite):
    """
    By `hermetic.keep` and by a rule of the ini file; it stays open, and everything else is judged as always.
    """
    suite.write("test_kept.py", KEPT)

    run = suite.run("-o", "hermetic_keep=sqlite3.* @ test_kept.py: the driver closes it at exit")

    assert [(one.kind, one.level) for one in run.found] == [
        ("socket", "kept"),
        ("sqlite3.connection", "kept"),
        ("socket", "error"),
    ]
    assert run.outcomes == {"passed": 3, "errors": 1}
    assert "kept on purpose: Socket left open: one for the process" in run.text
    assert "kept on purpose: SQLite connection left open: the driver closes it at exit" in run.text


def test_a_rule_without_a_reason_is_refused(suite):
    """
    The error names the rule, its source, and an example.
    """
    run = suite.run("-o", "hermetic_keep=thread")

    assert run.status == 4
    assert "'thread' from hermetic_keep in" in run.text
    assert "there is no reason. Write KIND: REASON" in run.text
