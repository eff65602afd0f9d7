"""
Runs chosen tests in fresh processes of a suite that was collected once.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from hermetic.errors import HermeticError
from hermetic.runs.command import pytest_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

# What would change the order or the processes, or end a probe before its own time limit.
_ARGUMENTS = (
    *("-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", "-p", "no:rerunfailures"),
    *("--hermetic-isolation=restore", "--hermetic-policy=warn", "--hermetic-deadline=none", "--hermetic-history=off"),
)


class ProbeError(HermeticError):
    """
    The suite cannot be collected, or its process was lost.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Stain:
    """
    State that a test changed: which, and where if that is known as (file, line, source).
    """

    kind: str
    subject: str
    title: str
    evidence: tuple[str, ...] = ()
    place: tuple[str, int, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """
    A file that a test opened, first at this line.
    """

    test: str
    path: str
    writes: bool
    file: str
    line: int


@dataclass(slots=True)
class Probed:
    """
    What one probe found, by test.
    """

    failed: dict[str, str] = field(default_factory=dict[str, str])
    stains: dict[str, list[Stain]] = field(default_factory=dict[str, list[Stain]])
    files: list[OpenedFile] = field(default_factory=list[OpenedFile])
    objects: list[tuple[str, Stain]] = field(default_factory=list[tuple[str, Stain]])
    ended: list[str] = field(default_factory=list[str])
    was_lost: bool = False


class Prober:
    """
    A suite that is collected and waits for questions. A context manager.

    Args:
        arguments: pytest's.
        cwd: where it runs.
        timeout: seconds that one probe, and the collection, may take.
        environment: of the suite's process; this one's if None.

    Raises:
        ProbeError: on entering, the suite cannot be collected; the text says what pytest printed.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        timeout: float = 600.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._arguments = arguments
        self._cwd = cwd
        self._environment = environment
        self.timeout = timeout
        self.collected: list[str] = []
        self._buffer = b""

    def __enter__(self) -> Self:
        ask_out, self._ask = os.pipe()
        self._answers, answer_in = os.pipe()
        self._log = tempfile.TemporaryFile()
        command = pytest_command(*_ARGUMENTS, f"--hermetic-probe={ask_out},{answer_in}", *self._arguments)
        try:
            self._process = subprocess.Popen(
                command,
                cwd=self._cwd,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                pass_fds=(ask_out, answer_in),
            )
        finally:
            os.close(ask_out)
            os.close(answer_in)
        try:
            self.collected = self._answer()["collected"]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        os.close(self._ask)
        try:
            self._process.wait(timeout=10.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._answers)
        self._log.close()

    def run(self, tests: Sequence[str], *, restore: Iterable[tuple[str, str]] = (), is_watched: bool = False) -> Probed:
        """
        Run tests in this order in a fresh process.

        Args:
            tests: names of collected tests.
            restore: kinds and subjects of stains that are put back after each test; ("*", "*") for all.
            is_watched: also tell what the tests changed and which files they opened, and put back what is to be.

        Raises:
            ProbeError: the suite's process was lost.
        """
        question = {"tests": list(tests), "restore": [list(one) for one in restore], "is_watched": is_watched}
        probed = Probed()
        probed.was_lost = self._ask_of_child(question, lambda answer: _note(probed, answer))
        return probed

    def stress(
        self,
        tests: Sequence[str],
        settings: Sequence[Mapping[str, Any]],
        *,
        load: Mapping[str, int] | None = None,
        turns: int | None = None,
    ) -> tuple[list[dict[str, Any]], bool]:
        """
        Run all but the last of these tests once, then the last under each setting, all in one fresh process.

        Args:
            tests: names of collected tests.
            settings: see `hermetic._pytest.stressing.stress`.
            load: how many other processes compute (`cpu`) and write (`disk`) meanwhile.
            turns: the process is stopped again and again, as this seed decides.

        Returns:
            What came of each setting, and whether the process was lost before the last of them.

        Raises:
            ProbeError: the suite's process was lost.
        """
        question = {
            "tests": list(tests),
            "settings": list(settings),
            "restore": [],
            "is_watched": False,
            "load": dict(load or {}),
            "turns": turns,
        }
        answers: list[dict[str, Any]] = []
        was_lost = self._ask_of_child(question, answers.append)
        return [one for one in answers if "stressed" in one], was_lost

    def _ask_of_child(self, question: Mapping[str, Any], note: Callable[[dict[str, Any]], None]) -> bool:
        os.write(self._ask, json.dumps(question).encode() + b"\n")
        pid, was_lost = 0, False
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                answer = self._answer(deadline)
            except TimeoutError:
                if not pid:
                    raise ProbeError("the suite's process does not answer") from None
                os.kill(pid, signal.SIGKILL)
                deadline = time.monotonic() + 10.0
                was_lost = True
                continue
            if "pid" in answer:
                pid = answer["pid"]
            elif "error" in answer:
                raise ProbeError(f"pytest failed in a probe\n\n{answer['error']}")
            elif "ended" in answer:
                return was_lost or answer["ended"] != 0
            else:
                note(answer)

    def _answer(self, deadline: float | None = None) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            left = (time.monotonic() + self.timeout if deadline is None else deadline) - time.monotonic()
            with selectors.DefaultSelector() as selector:
                selector.register(self._answers, selectors.EVENT_READ)
                if left <= 0 or not selector.select(left):
                    raise TimeoutError
            got = os.read(self._answers, 1 << 16)
            if not got:
                self._log.seek(0)
                said = self._log.read().decode(errors="replace").strip()
                raise ProbeError(f"pytest could not collect the suite, or was lost; it printed\n\n{said[-4000:]}")
            self._buffer += got
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


# Of what isolation leaves alone, by the kind that the traced process tells.
_TITLES: Final = {"current-loop": "which later tests get from it", "object": "of an object that is not put back"}


def _note(probed: Probed, answer: dict[str, Any]) -> None:
    if "files" in answer:
        probed.files = [
            OpenedFile(test=test, path=path, writes=writes, file=file, line=line)
            for test, path, writes, file, line in answer["files"]
        ]
        for test, kind, name, was, became, *place in answer["objects"]:
            stain = Stain(
                kind=kind,
                subject=name,
                title=_TITLES[kind],
                evidence=(f"{name}: {was} before, {became} after",),
                place=tuple(place) if place else None,
            )
            probed.objects.append((test, stain))
        return
    test = answer["test"]
    if not probed.ended or probed.ended[-1] != test:
        probed.ended.append(test)
    if answer["outcome"] == "failed" and test not in probed.failed:
        probed.failed[test] = answer["text"]
    for one in answer["findings"]:
        if one["category"] == "stain":
            place = tuple(one["site"]) if one["site"] else None
            stain = Stain(
                kind=one["kind"],
                subject=one["subject"],
                title=one["title"],
                evidence=tuple(one["evidence"]),
                place=place,
            )
            probed.stains.setdefault(test, []).append(stain)
