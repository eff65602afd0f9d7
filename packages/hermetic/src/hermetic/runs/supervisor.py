"""
A parent that watches a run of pytest: when its process is lost, it starts another for the tests that are left, and keeps
one account of all of them.

The process may be lost to a test that nothing could end, to a crash of the interpreter, to the kernel's memory killer, or
to somebody's `kill -9`. Each restart must have got at least one test further, so that the loop ends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.runs import junit
from hermetic.runs.command import pytest_command
from hermetic.runs.outcomes import Outcome, Part, read_part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_POLL_S = 0.2
# pytest's own statuses. Source: _pytest/config/__init__.py, ExitCode.
_OK, _FAILED, _NO_TESTS = 0, 1, 5


@dataclass(slots=True)
class Account:
    """
    All outcomes of a run, whichever process they come from, by node id and in the order in which they ended.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    processes: int = 0
    status: int = _OK

    def add(self, part: Part, died: str) -> bool:
        """
        Take in what a process got done; `died` says how it ended. Returns whether the run got any further.
        """
        before = len(self.outcomes)
        for outcome in part.outcomes:
            self.outcomes[outcome.nodeid] = outcome
        if not part.is_complete and part.running is not None:
            text = f"lost: its process {died} while this test ran"
            self.outcomes[part.running] = Outcome(nodeid=part.running, outcome="lost", text=text)
        return len(self.outcomes) > before

    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for outcome in self.outcomes.values():
            counts[outcome.outcome] = counts.get(outcome.outcome, 0) + 1
        return counts

    def bad(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes.values() if outcome.is_bad]


class Supervisor:
    """
    Runs pytest with `arguments` in processes of its own, in the directory `cwd`.

    `restarts` is how many processes may be lost; `exit_s` how many seconds a process may take to end once pytest has
    finished. What the processes print goes straight to this process's own output; `tell` gets what the supervisor has
    to say.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        restarts: int = 50,
        exit_s: float = 30.0,
        tell: Callable[[str], None] = print,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._junit, self._arguments = junit.asked_for(arguments)
        self._cwd = cwd
        self._restarts = restarts
        self._exit_s = exit_s
        self._tell = tell
        # One journal for all processes: each goes on where the one before stopped.
        self._id = uuid.uuid4().hex[:16]
        self._environment = dict(os.environ if environment is None else environment)

    def run(self) -> Account:
        account = Account()
        with tempfile.TemporaryDirectory(prefix="hermetic-run-") as name:
            directory = Path(name)
            account.status = self._processes(directory, account)
            self._write_junit(directory, account)
        return account

    def _processes(self, directory: Path, account: Account) -> int:
        while True:
            account.processes += 1
            part, status = self._process(directory, account)
            died = _death(status)
            is_further = account.add(part, died)
            if part.is_complete:
                return self._status(account, status)
            if not is_further:
                self._tell(f"hermetic run: the process {died} before any test had ended; not started again")
                return status if status > 0 else _FAILED
            if account.processes > self._restarts:
                self._tell(f"hermetic run: {account.processes} processes were lost; giving up")
                return _FAILED
            self._tell(f"\nhermetic run: the process {died}; going on with the tests that are left")

    def _write_junit(self, directory: Path, account: Account) -> None:
        if self._junit is None:
            return
        path = (self._cwd or Path()) / self._junit
        files = [_junit_file(directory, number) for number in range(1, account.processes + 1)]
        try:
            junit.write(path, junit.merge(files, account.outcomes.values()))
        except OSError as error:
            self._tell(f"hermetic run: {path} could not be written: {error.strerror}")
            account.status = account.status or _FAILED

    @staticmethod
    def _status(account: Account, last: int) -> int:
        if account.bad():
            return _FAILED
        if account.processes > 1 and last == _NO_TESTS:
            return _OK  # the lost test was the last one: nothing was left for the last process
        return last if last >= 0 else _FAILED

    def _process(self, directory: Path, account: Account) -> tuple[Part, int]:
        outcomes = directory / f"outcomes-{account.processes}.jsonl"
        words = [f"--hermetic-outcomes={outcomes}", f"--hermetic-run={self._id}"]
        if account.outcomes:
            done = directory / f"done-{account.processes}.jsonl"
            done.write_text("".join(f"{json.dumps(nodeid)}\n" for nodeid in account.outcomes), encoding="utf-8")
            words.append(f"--hermetic-resume={done}")
        if self._junit is not None:
            words.append(f"--junitxml={_junit_file(directory, account.processes)}")
        command = pytest_command(*words, *self._arguments, environment=self._environment)
        process = subprocess.Popen(command, cwd=self._cwd, env=self._environment)
        try:
            status = self._wait(process, outcomes)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return read_part(outcomes), status

    def _wait(self, process: subprocess.Popen[bytes], outcomes: Path) -> int:
        size, ended_at = -1, None
        while True:
            try:
                return process.wait(_POLL_S)
            except subprocess.TimeoutExpired:
                pass
            except KeyboardInterrupt:
                continue  # the terminal sent it to pytest as well, which ends the run in its own way
            now_size = outcomes.stat().st_size if outcomes.exists() else 0
            if ended_at is None and now_size != size:
                size = now_size
                if read_part(outcomes).status is not None:
                    ended_at = time.monotonic()
            if ended_at is not None and time.monotonic() - ended_at > self._exit_s:
                self._tell(
                    f"hermetic run: pytest had finished, but its process did not end in {self._exit_s:g} s; killed"
                )
                process.kill()
                process.wait()
                return _FAILED


def _junit_file(directory: Path, number: int) -> Path:
    return directory / f"junit-{number}.xml"


def _death(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"


def summary(account: Account) -> str:
    """
    The account in words, for the case that more than one process was needed: what pytest's own summaries show in parts.
    """
    counts = ", ".join(f"{count} {name}" for name, count in sorted(account.counts().items()))
    lines = [f"hermetic run: {counts or 'no tests'} in {account.processes} processes"]
    for outcome in account.bad():
        first = outcome.text.partition("\n")[0]
        lines.append(f"  {outcome.outcome:<6} {outcome.nodeid}  {first}".rstrip())
    return "\n".join(lines)
