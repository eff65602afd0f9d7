"""
A machine that has other things to do: busy processes, a disk that is written all the time, and turns that come late.
"""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK_BYTES = 256 * 1024
# Much longer than the switch of a busy machine's scheduler, which gives each of its processes some milliseconds in turn.
_STOPPED_S = (0.02, 0.12)
_RUNNING_S = (0.002, 0.015)


class Load:
    """
    Other processes, forked from this one, until it is left. A context manager.

    Args:
        cpu: so many of them compute.
        disk: so many of them write and sync a file of 256 KiB over and over.
    """

    def __init__(self, *, cpu: int = 0, disk: int = 0) -> None:
        self._wanted: list[Callable[[], None]] = [*[_compute] * cpu, *[_write] * disk]
        self._pids: list[int] = []

    def __enter__(self) -> Self:
        own = os.getpid()
        for work in self._wanted:
            pid = os.fork()
            if pid == 0:
                _until_alone(own, work)
            self._pids.append(pid)
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGKILL)
        for pid in self._pids:
            os.waitpid(pid, 0)
        self._pids.clear()


def _until_alone(parent: int, work: Callable[[], None]) -> None:
    try:
        # A parent that was killed ends nobody: its children must see for themselves.
        while os.getppid() == parent:
            work()
    finally:
        os._exit(0)


def _compute() -> None:
    ends = time.monotonic() + 0.05
    while time.monotonic() < ends:
        sum(range(1000))


def _write() -> None:
    with tempfile.TemporaryFile() as file:
        for _ in range(50):
            file.seek(0)
            file.write(bytes(_BLOCK_BYTES))
            file.flush()
            os.fsync(file.fileno())


def wait_in_turns(pid: int, *, seed: int) -> int:
    """
    Wait for a child, and stop it again and again meanwhile, so that it runs for about a tenth of the time.

    Returns:
        Its wait status.
    """
    turns = random.Random(seed)  # noqa: S311 - when a process is stopped is no secret
    while True:
        for number, (least, most) in ((signal.SIGCONT, _RUNNING_S), (signal.SIGSTOP, _STOPPED_S)):
            os.kill(pid, number)
            ends = time.monotonic() + turns.uniform(least, most)
            while (left := ends - time.monotonic()) > 0:
                done, status = os.waitpid(pid, os.WNOHANG)
                if done:
                    return status
                time.sleep(min(left, 0.002))
