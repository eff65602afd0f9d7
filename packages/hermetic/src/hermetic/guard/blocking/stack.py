"""
What a thread is at, seen from another one: the frames of one callback.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.foundation.frames import stack_of
from hermetic.guard import late

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from types import CodeType

    from hermetic.guard.census.site import RawSite

_DEPTH = 200
_MINE = str(Path(__file__).parent) + os.sep


class Stacks:
    """
    Takes stacks, and remembers of which module each file on them is.
    """

    def __init__(self) -> None:
        self._modules: dict[str, str] = {}
        self._roots: tuple[tuple[str, ...], tuple[str, ...]] | None = None

    def of_callback(self, ident: int, runners: Container[CodeType]) -> tuple[RawSite, int] | None:
        """
        The stack of the callback that a thread runs, innermost first, and the identity of its outermost frame.

        None when the thread has ended or runs no callback: none of `runners`, the code that calls callbacks, is on its
        stack, or the callback is over and its time is being noted. A callback that is itself C code has an empty stack
        and the identity 0. The collector's bookkeeping is left out: it strikes in the middle of whatever runs.
        """
        pairs: list[tuple[CodeType, int]] = []
        outermost = 0
        for frame in stack_of(ident):
            code = frame.f_code
            if code in runners:
                is_over = bool(pairs) and pairs[-1][0].co_filename.startswith(_MINE)
                return None if is_over else ((tuple(pairs[:_DEPTH]), len(pairs) > _DEPTH), outermost)
            if not pairs and code.co_filename.startswith(_MINE) and code.co_name == "_note":
                continue
            if code.co_filename not in self._modules:
                self._modules[code.co_filename] = str(frame.f_globals.get("__name__", ""))
            pairs.append((code, frame.f_lasti))
            outermost = id(frame)
        return None

    def name(self, code: CodeType) -> str:
        """
        Module and qualified name, joined by a dot, without the `<locals>` parts.
        """
        return f"{self._modules.get(code.co_filename, '')}.{code.co_qualname.replace('.<locals>', '')}"

    def innermost(self, codes: Iterable[CodeType]) -> str:
        """
        The name of the first that is not the standard library's, "" when all are.
        """
        installed, standard = self._roots = self._roots or _roots()
        for code in codes:
            file = code.co_filename
            if file.startswith(installed) or not file.startswith(standard):
                return self.name(code)
        return ""


def _roots() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    Where installed packages lie, inside the standard library's folder, and where that lies.
    """
    # Needed only for what held a loop; its tables take milliseconds to load.
    paths: dict[str, str] = late.load("sysconfig").get_paths()
    installed = tuple(paths[key] + os.sep for key in ("purelib", "platlib"))
    return installed, ("<", *(paths[key] + os.sep for key in ("stdlib", "platstdlib")))
