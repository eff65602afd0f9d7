"""
How the plugin's own modules are loaded: past what pytest asks about each import, with the collector at rest.

pytest's import hook compares every name with its patterns for test files, on paths that it makes for that: for the hundred
modules of the plugin, a quarter of what it costs a run to have it. None of them is a test.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from types import ModuleType

_BELOW: Final = "hermetic."


class _Direct:
    """
    Finds what lies below the package. Of a folder with sources one listing serves for all of its modules; whatever else it is
    that the package came from, an archive for one, is left to the finder that would be asked last.
    """

    def __init__(self) -> None:
        self._listed: dict[str, frozenset[str]] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None or not name.startswith(_BELOW):
            return None
        folder, module = path[0], name.rpartition(".")[2]
        file = f"{folder}{os.sep}{module}.py"
        if f"{module}.py" not in self._names_in(folder):
            return PathFinder.find_spec(name, path, target)
        spec = ModuleSpec(name, SourceFileLoader(name, file), origin=file)
        spec.has_location = True
        return spec

    def _names_in(self, folder: str) -> frozenset[str]:
        names = self._listed.get(folder)
        if names is None:
            try:
                names = frozenset(os.listdir(folder))  # noqa: PTH208 - names alone, a hundred of them
            except OSError:
                names = frozenset[str]()
            self._listed[folder] = names
        return names


@contextlib.contextmanager
def loading() -> Generator[None]:
    """
    Ask nobody else about Hermetic's modules meanwhile, and keep the garbage collector from looking, again and again, through
    what is made here to last. What others put among the finders meanwhile stays there.
    """
    finder = _Direct()
    sys.meta_path.insert(0, finder)
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
        with contextlib.suppress(ValueError):  # somebody else's list by now
            sys.meta_path.remove(finder)
