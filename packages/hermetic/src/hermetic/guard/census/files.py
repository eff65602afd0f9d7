"""
Open files and raw descriptors.

The interpreter tells of each file that it opens with the audit event `open`, before there is an object. So the path and
the site are kept, and judged by whether a descriptor of this process still points at that path; the object is looked for
only when one does. Raw descriptors are seen where `os` makes them.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import stat
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard import audit
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import after_result, all_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.guard.census.tracker import Intake

_DESCRIPTORS = "/proc/self/fd"
_SOURCES = ("open", "dup", "pipe", "pipe2", "eventfd", "memfd_create", "openpty", "timerfd_create")


class OpenedPath:
    """
    That a path was opened, by which thread; whether it still is, the kernel knows.
    """

    __slots__ = ("mode", "path", "thread")

    def __init__(self, path: str, mode: str) -> None:
        self.path = path
        self.mode = mode
        self.thread = threading.get_ident()

    def objects(self) -> list[Any]:
        """
        The Python file objects that have this path open now, outermost (text before buffer before raw) first.
        """
        found = [one for one in gc.get_objects() if isinstance(one, io.IOBase) and self._is(one)]
        return sorted(found, key=lambda one: (not isinstance(one, io.TextIOBase), isinstance(one, io.RawIOBase)))

    def _is(self, one: Any) -> bool:
        with contextlib.suppress(Exception):
            return not one.closed and os.path.realpath(os.fsdecode(one.name)) == self.path
        return False


class Files(Basic):
    kind = "file"
    noun = "file"
    title = "File"
    rank = 18
    holds = True
    is_note = True
    remedy = Remedy(text="Open it inside a with:", code="with open(path) as file:\n    …")

    def install(self, intake: Intake) -> Callable[[], None]:
        def opening(arguments: tuple[Any, ...]) -> None:
            path, mode, _ = arguments
            if mode is None or not isinstance(path, (str, bytes)):  # os.open, or a descriptor that has a name already
                return
            # Above: the listener's caller, then whoever opens. The import system closes what it opens.
            if sys._getframe(2).f_code.co_filename.startswith("<frozen"):  # noqa: SLF001 - one look at the caller
                return
            intake.opened(self, OpenedPath(os.path.realpath(os.fsdecode(path)), mode), skip=3)

        return audit.listen("open", opening)

    def is_open(self, resource: OpenedPath) -> bool:
        return resource.path in _open_paths()

    def dropped_name(self, resource: OpenedPath) -> str:
        return f"name={resource.path!r}"

    def subject(self, resource: OpenedPath, note: str) -> str:
        del note
        return f"{resource.path} (mode {resource.mode!r})"

    def belongings(self, resource: OpenedPath) -> Sequence[object]:
        del resource
        return ()

    def stands_for(self, resource: OpenedPath) -> Sequence[object]:
        return resource.objects()

    def mend(self, resource: OpenedPath) -> str:
        objects = resource.objects()
        for one in objects:
            with contextlib.suppress(OSError):
                one.close()
        if self.is_open(resource):
            raise RuntimeError("no Python object holds it; only what opened it can close it")
        return "closed"


class Descriptor:
    """
    A number that `os` returned, with what it stood for then: numbers are used again.
    """

    __slots__ = ("identity", "number", "source")

    def __init__(self, number: int, source: str) -> None:
        self.number = number
        self.source = source
        self.identity = _identity(number)


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

    def install(self, intake: Intake) -> Callable[[], None]:
        def made(name: str, result: Any) -> None:
            # Above: the wrapper's `called`, then whoever asked os. The standard library closes what it opens.
            if not intake.is_users(sys._getframe(2).f_code.co_filename):  # noqa: SLF001 - one look at the caller
                return
            several = name in {"pipe", "pipe2", "openpty"}
            for number in result if several else (result,):
                intake.opened(self, Descriptor(number, name), skip=3)

        return all_of([after_result(os, name, made) for name in _SOURCES if hasattr(os, name)])

    def is_open(self, resource: Descriptor) -> bool:
        return resource.identity is not None and _identity(resource.number) == resource.identity

    def subject(self, resource: Descriptor, note: str) -> str:
        del note
        with contextlib.suppress(OSError):
            target = Path(_DESCRIPTORS, str(resource.number)).readlink()
            return f"{resource.number} from os.{resource.source}, {target}"
        return f"{resource.number} from os.{resource.source}"

    def mend(self, resource: Descriptor) -> str:
        for one in gc.get_objects():
            if isinstance(one, io.FileIO) and not one.closed and one.fileno() == resource.number:
                raise RuntimeError(f"a file object works with it: {safe_repr(one)}")
        os.close(resource.number)
        return "closed"


def _identity(number: int) -> tuple[int, int, int] | None:
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino, stat.S_IFMT(status.st_mode)


def _open_paths() -> set[str]:
    paths: set[str] = set()
    with contextlib.suppress(OSError):
        for link in Path(_DESCRIPTORS).iterdir():
            with contextlib.suppress(OSError):  # the one that lists the directory is gone by now
                paths.add(str(link.readlink()).removesuffix(" (deleted)"))
    return paths
