"""
Descriptors of any other origin: opened by code written in C, or by a library through `os`.

Nobody tells of them, so they are counted: the kernel gives the number of open descriptors for one `stat` (Linux 6.2 and
later), and any new one takes the lowest free number. Only when one of the two has changed are the numbers listed, and a
new one is noted with the owner whose code has run. What takes the very number of one that was closed since the last look
is missed, and on an older Linux what lies above a gap. When the owner ends and the descriptor is still open, it is
explained: nearly all belong to something on the books, or to a Python object that a living fixture holds. What is left
is a finding.
"""

from __future__ import annotations

import _socket
import contextlib
import gc
import io
import os
import sys
from typing import TYPE_CHECKING, Any, cast

from hermetic.foundation.remedy import Remedy
from hermetic.guard import late
from hermetic.guard.census.descriptors import DESCRIPTORS, Descriptor, identity, target
from hermetic.guard.census.guessing import guess
from hermetic.guard.census.holding import reached
from hermetic.guard.census.wording import safe_repr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hermetic.guard.census.census import Census
    from hermetic.guard.census.descriptors import Descriptors, Identity
    from hermetic.guard.ownership import Roll, Tenure

# The functions themselves: the tracker of descriptors stands before one of them, and a test may replace any.
_close, _dup, _listdir, _stat = os.close, os.dup, os.listdir, os.stat
# Kept for the life of the process by whoever opens them first: devices, the C library's name service, multiprocessing's
# helpers, and what SQLite, NSS or OpenSSL keep below /dev, /proc, /sys and /etc.
_KEPT_TARGETS = ("/dev/", "/proc/", "/sys/", "/etc/")
# No device: files in memory, temporary ones too where a machine keeps them there.
_MEMORY_FILES = "/dev/shm/"  # noqa: S108 - nothing is made there
_KEPT_BY = (
    "multiprocessing/resource_tracker.py",
    "multiprocessing/forkserver.py",
    "multiprocessing/popen_",
    # Waits for a child on behalf of a subprocess transport, which answers for it.
    "asyncio/unix_events.py",
)
_SQLITE_TEMPORARY = "/etilqs_"


class _Stray:
    """
    A descriptor that appeared while `tenure` was on.
    """

    __slots__ = ("holder", "identity", "number", "tenure")

    def __init__(self, number: int, tenure: Tenure) -> None:
        self.number = number
        self.identity: Identity | None = identity(number)
        self.tenure = tenure
        self.holder: Any = None

    def is_open(self) -> bool:
        return self.identity is not None and identity(self.number) == self.identity


class StrayDescriptors:
    """
    Watches how many descriptors are open.
    """

    kind = "descriptor.other"
    #: Of what the project's own code had the standard library open, the line is known; it is as good as its own.
    direct_kind = "descriptor"
    title = "File descriptor left open"
    remedy = Remedy(text="Close what has it open, at the latest in the teardown of whoever opened it.")

    def __init__(self, census: Census, *, roll: Roll, descriptors: Descriptors) -> None:
        self._census = census
        self._roll = roll
        self._descriptors = descriptors
        self._last = (-1, -1)
        self._pid = os.getpid()
        # Whatever is open, and by number what is not explained and was not there before.
        self._known: set[int] = set()
        self._strays: dict[int, _Stray] = {}

    def start(self) -> Callable[[], None]:
        self._last = (_how_many(), _lowest_free())
        self._known = _numbers(self._last[1])

        def stop() -> None:
            self._known.clear()
            self._strays.clear()

        return stop

    def look(self, ran: Tenure, *, is_brief: bool) -> None:
        lowest = _lowest_free()
        if is_brief and lowest == self._last[1]:
            return
        now = (_how_many(), lowest)
        if now == self._last:
            return
        self._last = now
        numbers = _numbers(now[1])
        known, self._known = self._known, numbers
        for number in known - numbers:
            self._strays.pop(number, None)
        # What appears while no test or fixture runs is the session's, whose end nothing follows.
        if ran is self._roll.session:
            return
        for number in numbers - known:
            stray = _Stray(number, ran)
            if stray.identity is None:  # another thread has closed it since
                numbers.discard(number)
            else:
                self._strays[number] = stray

    def judge(self, ended: Sequence[Tenure]) -> None:
        if not self._strays:
            return
        left = [one for one in self._strays.values() if one.tenure in ended]
        if not left or os.getpid() != self._pid:
            return
        for stray in left:
            del self._strays[stray.number]
        for stray in self._unexplained([one for one in left if one.is_open()]):
            self._census.happened(self._case(stray))

    def _unexplained(self, strays: list[_Stray]) -> Iterator[_Stray]:
        strays = [one for one in strays if not self._is_on_the_books(one)]
        if not strays:
            return
        held = _holders({one.number for one in strays})
        for stray in strays:
            stray.holder = held.get(stray.number)
        wanted = {id(one.holder) for one in strays if one.holder is not None}
        explained = reached(list(self._roots()), wanted) if wanted else set[int]()
        for stray in strays:
            if id(stray.holder) in explained or self._is_libuvs(stray, target(stray.number)):
                continue
            # Another thread, such as a mock server's, may have closed it while it was being explained.
            if stray.is_open():
                yield stray

    def _is_libuvs(self, stray: _Stray, where: str) -> bool:
        # libuv keeps a pipe for signals from its first loop on, and each loop what it polls with and what wakes it; none
        # of them has a Python object.
        if "uvloop" not in sys.modules or stray.holder is not None:
            return False
        return where.startswith("pipe:") or (
            where.startswith("anon_inode:")
            and any(
                "uvloop" in type(loop).__module__ and not loop.is_closed()
                for loop in (entry() for entry in self._census.entries("asyncio.loop"))
                if loop is not None
            )
        )

    def _is_on_the_books(self, stray: _Stray) -> bool:
        where = target(stray.number)
        if _SQLITE_TEMPORARY in where or (where.startswith(_KEPT_TARGETS) and not where.startswith(_MEMORY_FILES)):
            return True
        line = self._descriptors.remembered.line(stray.number, stray.identity)
        if line is not None and any(kept in code.co_filename for code, _ in line[1][0] for kept in _KEPT_BY):
            return True
        for entry in self._census.ledger.all():
            resource = entry()
            with contextlib.suppress(Exception):
                if resource is not None and _has(resource, entry.tracker.kind, entry.note, stray.number, where):
                    return True
        return False

    def _roots(self) -> Iterator[object]:
        for entry in self._census.ledger.all():
            # A note holds nothing, and to find what it stands for costs a walk through all objects.
            resource = None if entry.tracker.is_note else entry()
            if resource is not None:
                yield from entry.tracker.stands_for(resource)
        for tenure in self._roll.living():
            value = tenure.value() if tenure.value is not None else None
            if value is not None:
                yield [value]

    def _case(self, stray: _Stray) -> Any:
        line = self._descriptors.remembered.line(stray.number, stray.identity)
        where = target(stray.number)
        is_holder = stray.holder is not None
        evidence = [
            f"{safe_repr(stray.holder)} works with it"
            if is_holder
            else "no Python object is known to work with it: code written in C has opened it"
            if line is None
            else f"a library had os.{line[0]} make it"
        ]
        origin, about = ((), "") if line is not None else guess(stray.tenure.owner, ())
        mend = _closing(stray) if is_holder else None
        if mend is None:
            evidence.append("it stays open, since what has opened it may still use the number")
        return late.load("hermetic.guard.census.cases").Case(
            kind=self.direct_kind if line is not None and self._census.is_direct(line[1]) else self.kind,
            title=self.title,
            subject=f"{stray.number}, {where}" if where else str(stray.number),
            remedy=self.remedy,
            tenure=stray.tenure,
            site=line[1] if line is not None else None,
            origin=origin,
            evidence=[*evidence, *([about] if about else [])],
            mend=mend,
        )


def _how_many() -> int:
    # The size of the directory is the number of its entries. Source: Linux 6.2, fs/proc/fd.c, proc_fd_getattr.
    try:
        return _stat(DESCRIPTORS).st_size  # a Path would cost as much again, for every test
    except OSError:
        return -1


def _lowest_free() -> int:
    try:
        number = _dup(0)
    except OSError:
        return -1
    _close(number)
    return number


def _numbers(lowest_free: int) -> set[int]:
    try:
        numbers = set(map(int, _listdir(DESCRIPTORS)))
    except OSError:
        return set()
    # Among them is the directory's own, which is closed by now; it took the lowest number that was free.
    if identity(lowest_free) is None:
        numbers.discard(lowest_free)
    return numbers


def _has(resource: Any, kind: str, note: str, number: int, where: str) -> bool:
    """
    Whether what is on the books has this descriptor.
    """
    if isinstance(resource, _socket.socket):
        return _socket.socket.fileno(resource) == number
    if isinstance(resource, Descriptor):
        return resource.number == number
    if kind == "sqlite3.connection":
        # Also the files beside it: -wal, -shm, -journal.
        name = note.removeprefix("file:").partition("?")[0]
        return bool(name) and where.startswith(os.path.realpath(name))
    if kind == "file":
        return bool(where.removesuffix(" (deleted)") == resource.path)
    if kind == "mmap":
        return resource.backing is not None and resource.backing == identity(number) and bool(resource.objects())
    # Nothing public tells.
    return kind == "multiprocessing.shared_memory" and bool(resource._fd == number)  # noqa: SLF001


def _holders(numbers: set[int]) -> dict[int, Any]:
    """
    By number, a Python object whose `fileno()` it is; of a file's layers the outermost, whose `close` closes all.
    """
    asks: dict[type, bool] = {}
    found: dict[int, Any] = {}
    for one in gc.get_objects():
        cls = cast("type[object]", type(one))
        is_asked = asks.get(cls)
        if is_asked is None:
            is_asked = asks[cls] = _has_fileno(cls)
        if is_asked:
            # A user's class may do anything here.
            with contextlib.suppress(Exception):
                number: Any = one.fileno()
                if type(number) is int and number in numbers and (number not in found or not _is_raw(one)):
                    found[number] = one
    return found


def _is_raw(one: object) -> bool:
    # A text layer knows its buffer, but a buffer does not know its text layer.
    return isinstance(one, io.RawIOBase) or (isinstance(one, io.IOBase) and not isinstance(one, io.TextIOBase))


def _has_fileno(cls: type[object]) -> bool:
    return any("fileno" in vars(base) for base in cls.__mro__)


def _closing(stray: _Stray) -> Callable[[], str] | None:
    close = getattr(stray.holder, "close", None)
    if not callable(close):
        return None

    def mend() -> str:
        close()
        if stray.is_open():
            raise RuntimeError("its object was closed and the descriptor is still open")
        return "closed"

    return mend
