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
    That a path was opened, by which thread; whether it still is, the kernel knows. `is_over` when another opening of the
    same path is the one that is open.
    """

    __slots__ = ("is_over", "mode", "path", "thread")

    def __init__(self, path: str, mode: str) -> None:
        self.path = path
        self.mode = mode
        self.is_over = False
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
        return not resource.is_over and resource.path in _open_paths()

    def settle(self, resources: Sequence[OpenedPath]) -> None:
        by_path: dict[str, list[OpenedPath]] = {}
        for one in resources:
            by_path.setdefault(one.path, []).append(one)
        for openings in by_path.values():
            if len(openings) > 1:
                _tell_apart(openings)

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


def _tell_apart(openings: Sequence[OpenedPath]) -> None:
    """
    Of several openings of one path, as for writing and then for reading, mark those that are closed again: which are open,
    the modes of the open files tell, and where those do not, the later ones are.
    """
    path = openings[0].path
    by_number: dict[int, str] = {}
    for file in openings[0].objects():
        # The outermost comes first, and has the mode that was asked for.
        with contextlib.suppress(Exception):
            by_number.setdefault(file.fileno(), file.mode)
    left = list(reversed(openings))
    still: list[OpenedPath] = []
    for mode in by_number.values():
        same = next((one for one in left if one.mode == mode), None)
        if same is not None:
            left.remove(same)
            still.append(same)
    missing = max(0, _open_paths().count(path) - len(still))
    for one in left[missing:]:
        one.is_over = True


def _open_paths() -> list[str]:
    """
    Once for each descriptor.
    """
    # Text, not Path: this runs for each file that a test opened, and a Path costs several times what the kernel does.
    paths: list[str] = []
    with contextlib.suppress(OSError):
        for name in os.listdir(_DESCRIPTORS):  # noqa: PTH208 - see above
            with contextlib.suppress(OSError):  # the one that lists the directory is gone by now
                paths.append(os.readlink(f"{_DESCRIPTORS}/{name}").removesuffix(" (deleted)"))  # noqa: PTH115 - see above
    return paths
