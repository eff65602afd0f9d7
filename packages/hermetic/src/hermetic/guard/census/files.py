"""
Open files.

The interpreter tells of each file that it opens with the audit event `open`, before there is an object. So the path and
the site are kept, and judged by whether a descriptor of this process still points at that path; the object is looked for
only when one does.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hermetic.foundation.remedy import Remedy
from hermetic.guard import audit
from hermetic.guard.census.tracker import Basic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.guard.census.tracker import Intake

_DESCRIPTORS = "/proc/self/fd"


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
        # Asked once a class: to ask of each object whether it is an instance of this abstract class costs a second.
        files: dict[type, bool] = {}
        found: list[Any] = []
        for one in gc.get_objects():
            cls = cast("type[object]", type(one))
            is_file = files.get(cls)
            if is_file is None:
                is_file = files[cls] = issubclass(cls, io.IOBase)
            if is_file and self._is(one):
                found.append(one)
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


def _open_paths() -> set[str]:
    paths: set[str] = set()
    with contextlib.suppress(OSError):
        for link in Path(_DESCRIPTORS).iterdir():
            with contextlib.suppress(OSError):  # the one that lists the directory is gone by now
                paths.add(str(link.readlink()).removesuffix(" (deleted)"))
    return paths
