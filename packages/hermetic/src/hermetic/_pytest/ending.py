"""
Ending a process that nothing else ends, without losing what is known.

Under xdist a worker that is ended is replaced, and its controller reports the test that it ran; the worker's last words
lie in a file that the controller reads. Without xdist the watchdog's thread reports the lost test, lets pytest finish
its session (summary, JUnit file, …) in the place of the thread that hangs, and says how to run the rest.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import shlex
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic.guard import late

if TYPE_CHECKING:
    from hermetic.guard.deadlines.watchdog import Watchdog

_FINISHING_S = 5.0
# Set when the session is brought to its end although tests are left.
WAS_ENDED = pytest.StashKey[bool]()
_DIRECTORY = "hermetic_last_words"


def _identity(config: pytest.Config) -> str:
    worker: Any = getattr(config, "workerinput", None)
    return str(worker["workerid"]) if worker else "main"


class LostTests:
    """
    Last words: the text of a hang, on disk before anything is done about it, one file a process.
    """

    def __init__(self, config: pytest.Config) -> None:
        worker: Any = getattr(config, "workerinput", None)
        directory: str | None = worker.get(_DIRECTORY) if worker else None
        self._is_owner = directory is None
        self.directory = Path(directory or tempfile.mkdtemp(prefix="hermetic-"))
        self._file = self.directory / f"{_identity(config)}.json"

    @property
    def stacks(self) -> Path | None:
        """
        Where a worker's stacks go if even its watchdog cannot run; None in a process that shows them itself.
        """
        return None if self._is_owner else self._file.with_suffix(".stacks")

    def keep(self, nodeid: str, part: str, text: str) -> None:
        self._file.write_text(json.dumps({"nodeid": nodeid, "part": part, "text": text}))

    def forget(self) -> None:
        self._file.unlink(missing_ok=True)

    def of_worker(self, worker: str) -> str:
        """
        What a worker that died had to say, as text; empty if nothing.
        """
        with contextlib.suppress(OSError, ValueError):
            words: dict[str, str] = json.loads((self.directory / f"{worker}.json").read_text())
            return words["text"]
        with contextlib.suppress(OSError):
            text = (self.directory / f"{worker}.stacks").read_text(errors="replace")
            if text:
                return f"hang: the interpreter's lock was held past the deadline; what its threads did\n\n{text}"
        return ""

    def close(self) -> None:
        if self._is_owner:
            for file in self.directory.glob("*"):
                file.unlink(missing_ok=True)
            self.directory.rmdir()


class Ending(Hooks):
    """
    How this process ends when a test cannot be ended, and when the interpreter cannot.
    """

    def __init__(self, config: pytest.Config, *, lost: LostTests) -> None:
        self._config = config
        self._lost = lost
        self.session: pytest.Session | None = None
        # Standard output and error as they are now, before tests run with both captured.
        self._streams = (os.dup(1), os.dup(2))
        self._pid = os.getpid()
        stacks = lost.stacks
        self.backstop = self._streams[1] if stacks is None else os.open(stacks, os.O_WRONLY | os.O_CREAT, 0o600)
        self._status = 0
        self._done: list[str] = []
        self._exit_watch: ExitWatch | None = None

    def start(self, dog: Watchdog, exit_budget: float | None) -> None:
        self._config.pluginmanager.register(self, "hermetic-ending")
        if exit_budget is not None:
            self._exit_watch = ExitWatch(dog, exit_budget, self)
            _at_exit(self._exit_watch)

    def stop(self) -> None:
        self._lost.close()
        for stream in {*self._streams, self.backstop}:
            os.close(stream)

    # ------------------------------------------------------------ hooks

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._done.append(nodeid)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        self._status = int(exitstatus)
        if self._exit_watch is not None:
            # Once more: executors that a test was the first to import wait for their threads in a hook of the same kind,
            # and of these the last registered runs first.
            _at_exit(self._exit_watch)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[_DIRECTORY] = str(self._lost.directory)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        worker: Any = getattr(report, "node", None)
        text = self._lost.of_worker(worker.gateway.id) if worker is not None else ""
        if text:
            report.longrepr = (
                f"{text}\n\nIts worker process was ended; the other tests went on in a new one: {crashitem}"
            )

    # ------------------------------------------------------------ the end

    def end(self, item: pytest.Item | None, part: str, text: str) -> None:
        """
        End this process now. Called from the watchdog's thread.
        """
        if hasattr(self._config, "workerinput"):
            os._exit(1)
        # Whatever happens from here on, also a lock that the hanging thread holds, the process ends.
        faulthandler.dump_traceback_later(_FINISHING_S, exit=True, file=self._streams[1])
        with contextlib.suppress(Exception):
            os.dup2(self._streams[0], 1)
            os.dup2(self._streams[1], 2)
        try:
            self._finish(item, part, text)
        except Exception:  # noqa: BLE001 - nothing may keep this process alive, nor go unsaid
            os.write(self._streams[1], traceback.format_exc().encode())
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(1)

    def _finish(self, item: pytest.Item | None, part: str, text: str) -> None:
        config, session = self._config, self.session
        if item is not None:
            when: Any = part if part in {"setup", "call", "teardown"} else "call"
            report = pytest.TestReport(item.nodeid, item.location, {}, "failed", text, when, duration=0.0)
            item.ihook.pytest_runtest_logreport(report=report)
            self._done.append(item.nodeid)
        else:
            os.write(self._streams[1], f"\n{text}\n".encode())
        resume = self._resume_file()
        config.stash[WAS_ENDED] = True
        if session is not None:
            session.testsfailed += 1
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            config.hook.pytest_sessionfinish(session=session, exitstatus=pytest.ExitCode.TESTS_FAILED)
        # Its stream is a duplicate of standard output with a buffer of its own, which nobody flushes at this end.
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.flush()
        if config.getoption("--hermetic-outcomes"):
            return  # `hermetic run` goes on by itself
        left = len(session.items) - len(set(self._done)) if session is not None and hasattr(session, "items") else 0
        words = [word for word in config.invocation_params.args if not str(word).startswith("--hermetic-resume")]
        again = shlex.join(["pytest", *map(str, words), f"--hermetic-resume={resume}"])
        told = f"Hermetic ended this run; {left} tests were not run. `hermetic run` goes on by itself; or run the rest:\n    {again}\n"
        os.write(self._streams[1], told.encode())

    def _resume_file(self) -> Path:
        file = Path(tempfile.gettempdir()) / f"hermetic-resume-{self._pid}.jsonl"
        before: str | None = self._config.getoption("--hermetic-resume", default=None)
        known = Path(before).read_text().splitlines() if before and Path(before).exists() else []
        names = {*known, *(json.dumps(nodeid) for nodeid in self._done)}
        file.write_text("".join(f"{line}\n" for line in sorted(names)))
        return file

    def end_exit(self) -> None:
        """
        The interpreter does not end: say what it waits for, and end it. Called from the watchdog's thread.
        """
        if os.getpid() != self._pid:
            return
        module = late.load("hermetic.guard.capture")
        capture = module.take()
        told = [
            "\nhang: the interpreter did not exit; what it waited for:",
            module.render(capture),
            "Join threads, shut executors down and end atexit functions before the run ends.\n",
        ]
        with contextlib.suppress(OSError):
            os.write(2, "\n".join(told).encode())
        os._exit(self._status or 1)


class ExitWatch:
    """
    Begins when the interpreter begins to end, which is not when the session does: pytest may run inside a program.
    """

    def __init__(self, dog: Watchdog, budget_s: float, ending: Ending) -> None:
        self._budget_s = budget_s
        self._pid = os.getpid()
        self._watch = dog.watch(ending.end_exit)

    def __call__(self) -> None:
        if os.getpid() != self._pid:
            return
        try:
            self._watch.set(monotonic() + self._budget_s)
        except RuntimeError:
            # From 3.12 on no thread can be started any more, and the session ended too long ago for its own to live.
            faulthandler.dump_traceback_later(self._budget_s, exit=True)


def _at_exit(watch: ExitWatch) -> None:
    # Runs before the interpreter joins threads; `atexit` runs after that, which would be too late to see it hang.
    # concurrent.futures uses the same hook, and these run in the reverse order of their registration.
    register: Any = getattr(threading, "_register_atexit", None)
    if register is not None:
        register(watch)
