"""
Doing something when a module is imported: at once when it is there, else right after its first import.

A finder that finds nothing itself stands first on `sys.meta_path`; for an awaited name it asks the others and wraps the
`exec_module` of the loader that they found, for this one import.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    Action = Callable[[ModuleType], None]


class Arrivals(MetaPathFinder):
    """
    Calls actions with modules as they arrive.
    """

    def __init__(self) -> None:
        self._awaited: dict[str, list[Action]] = {}
        self._looking: set[str] = set()
        self._loading: set[str] = set()

    def when(self, name: str, action: Action) -> None:
        """
        Call `action` with the module `name`; what it raises is dropped, as it would fail somebody's import.
        """
        module = sys.modules.get(name)
        if module is not None and name not in self._loading:
            action(module)
            return
        self.expect(name)
        self._awaited[name].append(action)

    def expect(self, name: str) -> None:
        """
        Somebody may call `when` for this module in the middle of its import, as for uvloop, which imports asyncio.
        """
        self._awaited.setdefault(name, [])
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def stop(self) -> None:
        self._awaited.clear()
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname not in self._awaited or fullname in self._looking:
            return None
        self._looking.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._looking.discard(fullname)
        if spec is not None and spec.loader is not None:
            self._wrap(spec.loader, fullname)
        return spec

    def _wrap(self, loader: Any, name: str) -> None:
        original = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            self._loading.add(name)
            try:
                original(module)
            finally:
                self._loading.discard(name)
            for action in self._awaited.pop(name, ()):
                with contextlib.suppress(Exception):
                    action(module)

        with contextlib.suppress(AttributeError):  # a loader with slots: this module is not watched
            loader.exec_module = exec_module
