"""
Raw descriptors, seen where `os` makes them.

What the project's own code asks `os` for is tracked like any resource. What a library asks for is only remembered, by
its number, with the line: most of it is closed in a moment, and `strays` asks for the line of what is not.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census import site
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import after_result, all_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.site import RawSite
    from hermetic.guard.census.tracker import Intake

DESCRIPTORS: Final = "/proc/self/fd"
_SOURCES = (
    "open",
    "dup",
    "pipe",
    "pipe2",
    "eventfd",
    "memfd_create",
    "openpty",
    "timerfd_create",
    "pidfd_open",
)
# The function itself, which a test may replace.
_fstat = os.fstat
# Those that return two.
_PAIRS = frozenset({"pipe", "pipe2", "openpty"})

Identity = tuple[int, int, int]


class Descriptor:
    """
    A number that `os` returned, with what it stood for then: numbers are used again.
    """

    __slots__ = ("identity", "number", "source")

    def __init__(self, number: int, source: str) -> None:
        self.number = number
        self.source = source
        self.identity = identity(number)


class Remembered:
    """
    By number, the line at which a library last had `os` make this descriptor.
    """

    def __init__(self) -> None:
        self._lines: dict[int, tuple[Identity | None, str, RawSite]] = {}

    def write(self, number: int, source: str, raw: RawSite) -> None:
        self._lines[number] = (identity(number), source, raw)

    def line(self, number: int, what: Identity | None) -> tuple[str, RawSite] | None:
        """
        The function of `os` and the stack that made `number`, if it stood for the same thing then.
        """
        found = self._lines.get(number)
        return found[1:] if found is not None and found[0] == what else None


class Descriptors(Basic):
    kind = "descriptor"
    noun = "descriptor"
    title = "File descriptor"
    rank = 8
    holds = True
    is_note = True
    remedy = Remedy(
        text="Close it in a finally:", code="number = os.open(path, flags)\ntry:\n    …\nfinally:\n    os.close(number)"
    )

    def __init__(self) -> None:
        self.remembered = Remembered()

    def install(self, intake: Intake) -> Callable[[], None]:
        def made(name: str, result: Any) -> None:
            numbers = result if name in _PAIRS else (result,)
            # Above: the wrapper's `called`, then whoever asked os.
            if intake.is_users(sys._getframe(2).f_code.co_filename):  # noqa: SLF001 - one look at the caller
                for number in numbers:
                    intake.opened(self, Descriptor(number, name), skip=3)
                return
            raw = site.take(3)
            for number in numbers:
                self.remembered.write(number, name, raw)

        return all_of([after_result(os, name, made) for name in _SOURCES if hasattr(os, name)])

    def is_open(self, resource: Descriptor) -> bool:
        return resource.identity is not None and identity(resource.number) == resource.identity

    def subject(self, resource: Descriptor, note: str) -> str:
        del note
        return f"{resource.number} from os.{resource.source}{told_target(resource.number)}"

    def mend(self, resource: Descriptor) -> str:
        for one in gc.get_objects():
            if isinstance(one, io.FileIO) and not one.closed and one.fileno() == resource.number:
                raise RuntimeError(f"a file object works with it: {safe_repr(one)}")
        os.close(resource.number)
        return "closed"


def identity(number: int) -> Identity | None:
    """
    What an open descriptor stands for, None for one that is closed.
    """
    try:
        status = _fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino, stat.S_IFMT(status.st_mode)


def target(number: int) -> str:
    """
    What the kernel says that a descriptor points at, such as a path or `pipe:[12]`; empty where it does not tell.
    """
    with contextlib.suppress(OSError):
        return str(Path(DESCRIPTORS, str(number)).readlink())
    return ""


def told_target(number: int) -> str:
    found = target(number)
    return f", {found}" if found else ""
