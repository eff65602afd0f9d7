"""
Which line changed what, from the interpreter's own audit events.

Source: the table of audit events in the Python documentation (library/audit_events).
"""

from __future__ import annotations

import os
import sys
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeAlias

from hermetic.guard import audit, late

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import FrameType

    from hermetic.foundation.finding import Site

# File, line and function of each frame, and whether the stack went on.
_Line: TypeAlias = tuple[str, int, str]
_Stack: TypeAlias = tuple[list[_Line], bool]

_DEPTH = 12
_MOST_KEPT = 2_000
_CURRENT_TEST = b"PYTEST_CURRENT_TEST"
_LIBRARY = (os.path.dirname(os.__file__) + os.sep, "<frozen ")  # noqa: PTH120 - a prefix of file names, as text
_OWN = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep  # noqa: PTH100, PTH120


class Trail:
    """
    Remembers, for each thing that an audit event tells of, the last stack that changed it since `clear`.
    """

    def __init__(self) -> None:
        self.environment_changes = 0
        self.environment_names: set[bytes] = set()
        self.limit_changes = 0
        self._sites: dict[tuple[str, Hashable], _Stack] = {}
        # What other threads trace is nobody's stain. Nor may they be held: see `hermetic.foundation.switching`.
        self._hears: dict[str, Callable[[tuple[Any, ...]], None]] = {
            "os.putenv": self._environment,
            "os.unsetenv": self._environment,
            "os.chdir": lambda _: self._keep("cwd", "cwd"),
            "resource.setrlimit": self._limits,
            "resource.prlimit": self._limits,
            "sys.settrace": lambda _: self._keep("trace", "trace") if get_ident() == self._thread else None,
            "sys.setprofile": lambda _: self._keep("trace", "profile") if get_ident() == self._thread else None,
        }
        self._thread = get_ident()
        self._stops: list[Callable[[], None]] = []

    def start(self) -> None:
        self._thread = get_ident()
        if not self._stops:
            self._stops = [audit.listen(event, hear) for event, hear in self._hears.items()]

    def stop(self) -> None:
        while self._stops:
            self._stops.pop()()
        self.clear()

    def clear(self) -> None:
        """
        Forget the stacks of what was judged already.
        """
        self._sites.clear()
        self.environment_names.clear()

    def site(self, event: tuple[str, Hashable] | None) -> Site | None:
        stack = None if event is None else self._sites.get(event)
        if stack is None:
            return None
        finding = late.load("hermetic.foundation.finding")
        lines, is_cut = stack
        frames = tuple(finding.Frame(file=file, line=line, function=name) for file, line, name in lines)
        site: Site = finding.Site(frames=frames, depth_cut=is_cut)
        return site

    def _environment(self, values: tuple[Any, ...]) -> None:
        name = values[0]
        # pytest sets it three times a test, and nobody's change of it counts.
        if name == _CURRENT_TEST:
            return
        name = os.fsencode(name)
        self.environment_changes += 1
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


def _here() -> _Stack | None:
    frames: list[_Line] = []
    frame: FrameType | None = sys._getframe(4)  # noqa: SLF001 - above: `_keep`, the listener, the audit hook
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    depth = 0
    while frame is not None and depth < _DEPTH * 4 and len(frames) < _DEPTH:
        file = frame.f_code.co_filename
        if file.startswith(_OWN):
            if not frames:
                return None  # our own restoring is nobody's change
        elif is_users(file):
            frames.append((file, frame.f_lineno, frame.f_code.co_qualname))
        frame, depth = frame.f_back, depth + 1
    return (frames, frame is not None) if frames else None


def is_users(file: str) -> bool:
    """
    Whether a file of code is neither the standard library's, nor an installed distribution's, nor Hermetic's.
    """
    if file.startswith(_LIBRARY) or file.startswith(_OWN):
        return False
    return f"{os.sep}site-packages{os.sep}" not in file and f"{os.sep}dist-packages{os.sep}" not in file
