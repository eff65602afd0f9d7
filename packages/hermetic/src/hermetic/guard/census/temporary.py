"""
Temporary files and directories that were left behind, seen through the audit events of tempfile.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard import audit
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wrapping import all_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake

# multiprocessing keeps one for the life of the process; pytest's own directories are its user's to keep.
_KEPT_ON_PURPOSE = ("pymp-", "pytest-of-")


class TemporaryPath:
    """
    A path that tempfile made.
    """

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path


class TemporaryPaths(Basic):
    kind = "tempfile"
    noun = "temporary path"
    title = "Temporary file or directory"
    verb = "left behind"
    rank = 6
    holds = True
    is_note = True
    direct_only = True
    remedy = Remedy(
        text="Use the tmp_path fixture, or a with, which removes it:",
        code="with tempfile.TemporaryDirectory() as directory:\n    …",
    )

    def __init__(self, *, kept_below: str = "") -> None:
        self._kept_below = kept_below

    def install(self, intake: Intake) -> Callable[[], None]:
        def made(arguments: tuple[Any, ...]) -> None:
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if any(word in path for word in _KEPT_ON_PURPOSE) or (
                self._kept_below and path.startswith(self._kept_below)
            ):
                return
            intake.opened(self, TemporaryPath(path), skip=3)

        return all_of([audit.listen("tempfile.mkdtemp", made), audit.listen("tempfile.mkstemp", made)])

    def is_open(self, resource: TemporaryPath) -> bool:
        return os.path.lexists(resource.path)

    def subject(self, resource: TemporaryPath, note: str) -> str:
        del note
        return resource.path

    def dropped_name(self, resource: TemporaryPath) -> str:
        return resource.path

    def mend(self, resource: TemporaryPath) -> str:
        if os.path.isdir(resource.path) and not os.path.islink(resource.path):  # noqa: PTH112, PTH114 - a string that was never a Path
            shutil.rmtree(resource.path)
        else:
            os.unlink(resource.path)  # noqa: PTH108 - as above
        return "removed"
