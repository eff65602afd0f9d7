"""
Which line changed what, from the interpreter's own audit events.

Source: the table of audit events in the Python documentation (library/audit_events).
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from hermetic.foundation.finding import Frame, Site

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import FrameType

_DEPTH = 12
_MOST_KEPT = 2_000
_LIBRARY = (os.path.dirname(os.__file__) + os.sep, "<frozen ")  # noqa: PTH120 - a prefix of file names, as text
_OWN = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep  # noqa: PTH100, PTH120


class Trail:
    """
    Remembers, for each thing that an audit event tells of, the last stack that changed it since `clear`.

    An audit hook cannot be removed once it is installed; it is a lookup in a dictionary while nothing listens.
    """

    def __init__(self) -> None:
        self.environment_changes = 0
        self.environment_names: set[bytes] = set()
        self.limit_changes = 0
        self._is_listening = False
        self._sites: dict[tuple[str, Hashable], Site] = {}
        self._hears: dict[str, Callable[[tuple[Any, ...]], None]] = {
            "os.putenv": self._environment,
            "os.unsetenv": self._environment,
            "os.chdir": lambda _: self._keep("cwd", "cwd"),
            "resource.setrlimit": self._limits,
            "resource.prlimit": self._limits,
            "sys.settrace": lambda _: self._keep("trace", "trace"),
            "sys.setprofile": lambda _: self._keep("trace", "profile"),
        }
        self._is_installed = False

    def start(self) -> None:
        if not self._is_installed:
            self._is_installed = True
            sys.addaudithook(self._hear)
        self._is_listening = True

    def stop(self) -> None:
        self._is_listening = False
        self.clear()

    def clear(self) -> None:
        """
        Forget the stacks of what was judged already.
        """
        self._sites.clear()
        self.environment_names.clear()

    def site(self, event: tuple[str, Hashable] | None) -> Site | None:
        return None if event is None else self._sites.get(event)

    def _hear(self, event: str, values: tuple[Any, ...]) -> None:
        hear = self._hears.get(event)
        if hear is not None and self._is_listening:
            hear(values)

    def _environment(self, values: tuple[Any, ...]) -> None:
        self.environment_changes += 1
        name = os.fsencode(values[0])
        self.environment_names.add(name)
        self._keep("environ", name)

    def _limits(self, _values: tuple[Any, ...]) -> None:
        self.limit_changes += 1
        self._keep("rlimits", "rlimits")

    def _keep(self, what: str, key: Hashable) -> None:
        if len(self._sites) >= _MOST_KEPT and (what, key) not in self._sites:
            return
        site = _here()
        if site is not None:
            self._sites[what, key] = site


def _here() -> Site | None:
    frames: list[Frame] = []
    frame: FrameType | None = sys._getframe(3)  # noqa: SLF001 - the interpreter's documented way to the stack
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    depth = 0
    while frame is not None and depth < _DEPTH * 4 and len(frames) < _DEPTH:
        file = frame.f_code.co_filename
        if file.startswith(_OWN):
            if not frames:
                return None  # our own restoring is nobody's change
        elif is_users(file):
            frames.append(Frame(file=file, line=frame.f_lineno, function=frame.f_code.co_qualname))
        frame, depth = frame.f_back, depth + 1
    return Site(frames=tuple(frames), depth_cut=frame is not None) if frames else None


def is_users(file: str) -> bool:
    """
    Whether a file of code is neither the standard library's, nor an installed distribution's, nor Hermetic's.
    """
    if file.startswith(_LIBRARY) or file.startswith(_OWN):
        return False
    return f"{os.sep}site-packages{os.sep}" not in file and f"{os.sep}dist-packages{os.sep}" not in file
