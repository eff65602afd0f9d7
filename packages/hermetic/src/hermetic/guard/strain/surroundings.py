"""
What a process asks of the machine, answered slowly or not at all: files, ports, descriptors, and how long a thread may run.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import resource
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

_sleep = time.sleep
_FILES = frozenset(
    {"open", "sqlite3.connect", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.listdir", "os.scandir"}
)
_TIMED = frozenset({"subprocess.Popen", "socket.connect", "os.posix_spawn", "os.fork"})


class Surroundings:
    """
    Watches audit events of this process, and slows or refuses what they announce. Made once in a process: an audit hook
    cannot be taken away, and does nothing while `slow_s` is 0 and `takes_ports` is false.

    A slow disk is a delay when a file or database is opened, renamed, removed or listed, and in `os.fsync`. Reads and writes
    of an open file are as fast as ever: they raise no event. Every port that is asked for by number is taken the first
    time; another port, and port 0, are free.
    """

    def __init__(self) -> None:
        self.is_on = False
        self.slow_s = 0.0
        self.takes_ports = False
        self.files = self.ports = self.timed = 0
        self._random = random.Random(0)  # noqa: S311 - how long a file takes is no secret
        self._taken: tuple[str, int] | None = None
        sys.addaudithook(self._heard)

    def begin(self, *, seed: int = 0, slow_s: float = 0.0, takes_ports: bool = False) -> None:
        """
        Args:
            seed: of the delays.
            slow_s: the longest delay of one operation, in seconds.
            takes_ports: whether the first port that is asked for is taken.
        """
        self._random = random.Random(seed)  # noqa: S311 - as above
        self._taken = None
        self.files = self.ports = self.timed = 0
        self.slow_s, self.takes_ports, self.is_on = slow_s, takes_ports, True

    def end(self) -> None:
        self.is_on = False
        self.slow_s, self.takes_ports = 0.0, False

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event in _FILES:
            if not _is_of_program(arguments):
                self.files += 1
                self._delay()
        elif event == "socket.bind":
            self._bind(arguments[1])
        elif event in _TIMED:
            self.timed += 1

    def _delay(self) -> None:
        if self.slow_s:
            _sleep(self._random.random() * self.slow_s)

    def _bind(self, address: Any) -> None:
        if not isinstance(address, tuple) or len(address) < 2 or not address[1]:  # pyright: ignore[reportUnknownArgumentType]
            return
        self.ports += 1
        if not self.takes_ports:
            return
        asked = (str(address[0]), int(address[1]))  # pyright: ignore[reportUnknownArgumentType]
        if self._taken is None:
            self._taken = asked
        if asked[1] == self._taken[1]:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))

    def fsync(self, real: Any) -> Any:
        """
        An `os.fsync` in the place of the real one.
        """

        def slowly(fd: Any) -> None:
            self.files += 1
            self._delay()
            real(fd)

        return slowly


def _is_of_program(arguments: tuple[Any, ...]) -> bool:
    # Modules and their bytecode are read at any time, and mostly once.
    path = arguments[0] if arguments else None
    return not isinstance(path, str | bytes) or os.fsdecode(path).endswith((".py", ".pyc", ".so"))


@contextlib.contextmanager
def few_descriptors(free: int) -> Generator[None]:
    """
    Leave so many descriptors free for whatever runs within.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max((int(name) for name in os.listdir("/proc/self/fd")), default=2)  # noqa: PTH208 - names are numbers
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, highest + 1 + free), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def small_turns(interval_s: float) -> Generator[None]:
    """
    Let threads take turns after so many seconds instead of 5 ms.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(interval_s)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextlib.contextmanager
def zone(name: str) -> Generator[None]:
    """
    Another time zone, by a name of POSIX such as "EST5EDT,M3.2.0,M11.1.0", which needs no files.
    """
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ", None)
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()
