"""
From live frames to lines with their source; and which of them are the user's own.
"""

from __future__ import annotations

import linecache
import os
import reprlib
import sysconfig
from typing import TYPE_CHECKING

from hermetic.foundation import Frame
from hermetic.foundation.frames import locals_of
from hermetic.guard.capture.model import Line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH120, PTH100 - no pathlib while a process hangs
_LONGEST = 160


def _foreign_roots() -> tuple[str, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    paths = {os.path.realpath(path) for path in map(sysconfig.get_paths().get, names) if path}
    return tuple(sorted(path + os.sep for path in {*paths, _PACKAGE}))


class Project:
    """
    Tells the user's own files from the standard library, from installed packages, and from Hermetic itself.
    """

    def __init__(self, roots: Iterable[str] | None = None) -> None:
        self._foreign = tuple(roots) if roots is not None else _foreign_roots()
        self._known: dict[str, bool] = {}

    def owns(self, file: str) -> bool:
        known = self._known.get(file)
        if known is None:
            is_file = not file.startswith("<")
            known = self._known[file] = is_file and not os.path.realpath(file).startswith(self._foreign)
        return known


def line_of(frame: FrameType, project: Project, *, with_variables: bool = False) -> Line:
    """
    The line at which a live frame stands.
    """
    code = frame.f_code
    number = frame.f_lineno or 0
    source = linecache.getline(code.co_filename, number, frame.f_globals).strip()
    variables: tuple[tuple[str, str], ...] = ()
    if with_variables:
        variables = tuple((name, short_repr(value)) for name, value in list(locals_of(frame).items()))
    return Line(
        frame=Frame(file=code.co_filename, line=number, function=code.co_qualname),
        source=source,
        is_own=project.owns(code.co_filename),
        variables=variables,
    )


def short_repr(value: object, *, longest: int = _LONGEST) -> str:
    """
    A repr in one line of at most `longest` characters, whatever the object's own repr does.
    """
    shortener = reprlib.Repr()
    shortener.maxother = shortener.maxstring = longest
    try:
        text = " ".join(shortener.repr(value).split())
    except Exception as error:  # noqa: BLE001 - a broken __repr__ must not end a capture
        text = f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
    return text if len(text) <= longest else text[: longest - 1] + "…"
