"""
What a process inherits and passes on: environment variables, the working directory, the file mode mask, time zone,
resource limits and priority.
"""

from __future__ import annotations

import ctypes
import functools
import os
import resource
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any, Final, cast

from hermetic.guard.isolation.change import MISSING, Change
from hermetic.guard.isolation.state import Setting, State, mapping_changes

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from hermetic.guard.isolation.trail import Trail

# Bound before the census watches them: what is opened here for a moment belongs to no test.
_open, _read, _close = os.open, os.read, os.close
# Set by the test runners themselves in the course of each test.
_CURRENT_TEST: Final = b"PYTEST_CURRENT_TEST"
_OF_RUNNERS: Final = frozenset({"COV_CORE_DATAFILE"})


class Environment(State[tuple[object, dict[bytes, bytes]]]):
    """
    `os.environ`. Its private mapping is copied, since decoding each name and value costs a hundred times as much.
    """

    kind = "environ"
    what = "environment variable"
    remedy = "with monkeypatch: monkeypatch.setenv(name, value), which puts the old value back"
    calls = ("environ", "putenv", "unsetenv", "load_dotenv")

    def __init__(self) -> None:
        # A test may put another mapping in the place of os.environ.
        self._environ = os.environ

    def read(self) -> tuple[object, dict[bytes, bytes]]:
        environ: Any = self._environ
        names: dict[bytes, bytes] = environ._data.copy()
        names.pop(_CURRENT_TEST, None)  # pytest sets it three times a test
        return os.environ, names

    def is_alike(self, before: tuple[object, dict[bytes, bytes]], after: tuple[object, dict[bytes, bytes]]) -> bool:
        return before[1] == after[1] and before[0] is after[0]

    def changes(
        self, before: tuple[object, dict[bytes, bytes]], after: tuple[object, dict[bytes, bytes]]
    ) -> Iterable[Change]:
        if before[0] is not after[0]:
            yield Change(key=(id(os), "environ"), name="os.environ itself", before=before[0], after=after[0], target=os)
        was, became = (
            {os.fsdecode(key): os.fsdecode(value) for key, value in one[1].items()} for one in (before, after)
        )
        for change in mapping_changes(was, became, named=lambda key: f"os.environ[{key!r}]", target=os.environ):
            if change.key not in _OF_RUNNERS:
                yield change

    def restore(self, change: Change) -> None:
        if change.target is os:
            os.environ = cast("Any", change.before)  # noqa: B003 - the mapping that was there before
        elif change.before is MISSING:
            self._environ.pop(str(change.key), None)
        else:
            self._environ[str(change.key)] = str(change.before)

    def event(self, change: Change) -> tuple[str, Hashable]:
        return "environ", os.fsencode(change.key) if isinstance(change.key, str) else change.key


def _data(environ: object) -> dict[bytes, bytes]:
    return cast("dict[bytes, bytes]", cast("Any", environ)._data)


class CEnvironment(State[dict[bytes, bytes | None]]):
    """
    The C library's environment where it differs from `os.environ`: what `os.putenv` alone has changed.

    Reading all of it costs 18 µs, so only the names are looked up that an audit event told of.
    """

    kind = "putenv"
    what = "environment variable of the C library"
    remedy = "change os.environ (with monkeypatch.setenv) and not os.putenv: it keeps both in step"
    calls = ("putenv", "unsetenv")

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._environ = os.environ
        self._seen = 0
        self._apart: dict[bytes, bytes | None] = {}

    def read(self) -> dict[bytes, bytes | None]:
        if self._trail.environment_changes != self._seen:
            self._seen = self._trail.environment_changes
            known = _data(self._environ)
            names = {*self._apart, *self._trail.environment_names}
            values = {name: _getenv(name) for name in names}
            self._apart = {name: value for name, value in values.items() if value != known.get(name)}
        return self._apart

    def changes(self, before: dict[bytes, bytes | None], after: dict[bytes, bytes | None]) -> Iterable[Change]:
        for name in {**before, **after}:
            usual = _data(self._environ).get(name)
            was, became = before.get(name, usual), after.get(name, usual)
            if was != became:
                yield Change(
                    key=name,
                    name=f"the C environment's {os.fsdecode(name)}",
                    before=MISSING if was is None else os.fsdecode(was),
                    after=MISSING if became is None else os.fsdecode(became),
                )

    def restore(self, change: Change) -> None:
        name = cast("bytes", change.key)
        if change.before is MISSING:
            os.unsetenv(name)
        else:
            os.putenv(name, os.fsencode(str(change.before)))

    def event(self, change: Change) -> tuple[str, Hashable]:
        return "environ", change.key


def _getenv(name: bytes) -> bytes | None:
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_char_p
    return cast("bytes | None", getenv(name))


class WorkingDirectory(State[str]):
    """
    The current directory, which a test may also have deleted.
    """

    kind = "cwd"
    what = "working directory"
    remedy = "with monkeypatch: monkeypatch.chdir(path); in a block: with contextlib.chdir(path)"
    calls = ("chdir", "fchdir")

    def read(self) -> str:
        try:
            return os.getcwd()  # noqa: PTH109 - a Path costs ten times as much
        except OSError:
            return ""

    def changes(self, before: str, after: str) -> Iterable[Change]:
        if before != after:
            yield Change(key="cwd", name="the working directory", before=before, after=after or MISSING)

    def restore(self, change: Change) -> None:
        os.chdir(str(change.before))

    def event(self, change: Change) -> tuple[str, Hashable]:  # noqa: ARG002 - there is one directory
        return "cwd", "cwd"


class Umask(State[int]):
    """
    The file mode mask. It can only be read by setting it, so with other threads about it is read from /proc.
    """

    kind = "umask"
    what = "file mode mask"
    remedy = "old = os.umask(mask), and os.umask(old) in a finally"
    calls = ("umask",)

    def __init__(self) -> None:
        # Where `threading` counts them.
        self._active: dict[int, threading.Thread] = vars(threading)["_active"]
        self._threads = 0
        self._is_alone = False

    def read(self) -> int:
        # Asked again when there are more or fewer.
        threads = len(self._active)
        if threads != self._threads:
            self._threads = threads
            self._is_alone = _is_alone(self._active)
        if self._is_alone:
            # The strictest mask for the microsecond between: a file made then is too private, never too open.
            mask = os.umask(0o77)
            os.umask(mask)
            return mask
        return _umask_of_process()

    def changes(self, before: int, after: int) -> Iterable[Change]:
        if before != after:
            yield Change(key="umask", name="os.umask", before=f"0o{before:03o}", after=f"0o{after:03o}")

    def restore(self, change: Change) -> None:
        os.umask(int(str(change.before), 8))


def _is_alone(active: dict[int, threading.Thread]) -> bool:
    # The guard's own threads make no files that anybody else opens.
    return len(active) == 1 or (len(active) == 2 and any(map(_is_watchdog, tuple(active.values()))))


def _is_watchdog(thread: threading.Thread) -> bool:
    return thread.name == "hermetic-watchdog"


def _umask_of_process() -> int:
    # Not through a file object, which the census would take note of.
    number = _open("/proc/self/status", os.O_RDONLY | os.O_CLOEXEC)
    try:
        said = _read(number, 4096)
    finally:
        _close(number)
    for line in said.splitlines():
        if line.startswith(b"Umask:"):
            return int(line.split()[1], 8)
    mask = os.umask(0o77)
    os.umask(mask)
    return mask


class TimeZone(State[tuple[object, ...]]):
    """
    What `time.tzset` set from TZ. Restored after the environment, from which it is computed.
    """

    kind = "timezone"
    what = "time zone"
    remedy = "monkeypatch.setenv('TZ', zone), then time.tzset(), and time.tzset() again after monkeypatch.undo()"
    calls = ("tzset",)

    def read(self) -> tuple[object, ...]:
        return time.tzname, time.timezone, time.altzone, time.daylight

    def changes(self, before: tuple[object, ...], after: tuple[object, ...]) -> Iterable[Change]:
        if before != after:
            yield Change(key="tz", name="the time zone of time.localtime", before=before, after=after)

    def restore(self, change: Change) -> None:
        time.tzset()
        if self.read() != change.before:
            raise RuntimeError(f"time.tzset() gives {time.tzname}, as TZ is {os.environ.get('TZ')!r}")


class Limits(State[tuple[object, ...]]):
    """
    Resource limits. Reading all sixteen costs 10 µs, so they are read again only after an audit event.
    """

    kind = "rlimits"
    what = "resource limit"
    remedy = "old = resource.getrlimit(what), and resource.setrlimit(what, old) in a finally"
    calls = ("setrlimit", "prlimit")

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self._seen = -1
        self._limits: tuple[object, ...] = ()
        self._names = sorted(name for name in vars(resource) if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE")

    def read(self) -> tuple[object, ...]:
        if self._trail.limit_changes != self._seen:
            self._seen = self._trail.limit_changes
            self._limits = tuple(resource.getrlimit(getattr(resource, name)) for name in self._names)
        return self._limits

    def changes(self, before: tuple[object, ...], after: tuple[object, ...]) -> Iterable[Change]:
        for name, was, became in zip(self._names, before, after, strict=True):
            if was != became:
                yield Change(key=name, name=f"resource.{name}", before=was, after=became)

    def restore(self, change: Change) -> None:
        resource.setrlimit(getattr(resource, str(change.key)), cast("tuple[int, int]", change.before))

    def event(self, change: Change) -> tuple[str, Hashable]:  # noqa: ARG002 - the event does not tell which limit
        return "rlimits", "rlimits"


def settings() -> list[State[Any]]:
    """
    Those kinds that are one value each.
    """
    return [
        Setting(
            "priority",
            what="priority",
            name="the process's nice value",
            get=functools.partial(os.getpriority, os.PRIO_PROCESS, 0),
            put=lambda value: os.setpriority(os.PRIO_PROCESS, 0, cast("int", value)),
            remedy="change the priority of a subprocess, not of the test process: it cannot be lowered again",
            calls=("nice", "setpriority"),
        ),
        TemporaryDirectory(),
    ]


class TemporaryDirectory(State[object]):
    """
    `tempfile.tempdir`. The first use sets it, which is no stain.
    """

    kind = "tempdir"
    what = "directory for temporary files"
    remedy = "monkeypatch.setattr(tempfile, 'tempdir', path)"
    calls = ("tempdir",)

    def read(self) -> object:
        return tempfile.tempdir

    def changes(self, before: object, after: object) -> Iterable[Change]:
        if before != after and not (before is None and after == _usual_tempdir()):
            yield Change(key="tempdir", name="tempfile.tempdir", before=before, after=after, target=tempfile)

    def restore(self, change: Change) -> None:
        tempfile.tempdir = cast("str | None", change.before)


def _usual_tempdir() -> object:
    default = getattr(sys.modules["tempfile"], "_get_default_tempdir", None)
    return default() if callable(default) else None
