"""
Replaced attributes, put back in reverse order.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import ModuleType

_MISSING: Any = object()


class Patches:
    """
    Attributes of modules and classes that are replaced for a while. A context manager; leaving it puts all of them back.
    """

    def __init__(self) -> None:
        self._originals: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.undo()

    def replace(self, owner: Any, name: str, made: Callable[[Any], Any]) -> None:
        """
        Put `made(original)` in the place of an attribute; nothing happens where there is none.
        """
        own: dict[str, Any] = owner.__dict__
        original: Any = own.get(name, _MISSING)
        if original is not _MISSING:
            self._originals.append((owner, name, original))
            setattr(owner, name, made(original))

    def rebind(self, replacements: Mapping[int, tuple[Any, Any]], project: Project) -> None:
        """
        Give the project's modules the replacements of what they imported by name.

        Args:
            replacements: by `id` of the original, the original and what takes its place.
            project: whose modules.
        """
        for module in project.modules():
            for name, value in list(vars(module).items()):
                found = replacements.get(id(value))
                if found is not None and found[0] is value:
                    self._originals.append((module, name, value))
                    setattr(module, name, found[1])

    def undo(self) -> None:
        while self._originals:
            owner, name, original = self._originals.pop()
            setattr(owner, name, original)


class Project:
    """
    The modules of a project: those whose file lies below its root, outside `site-packages`.
    """

    def __init__(self, root: Path) -> None:
        self._prefix = f"{root}/"
        self._known = -1
        self._modules: list[ModuleType] = []

    def modules(self) -> list[ModuleType]:
        """
        Those that are imported now.
        """
        if len(sys.modules) != self._known:
            self._known = len(sys.modules)
            self._modules = [module for module in list(sys.modules.values()) if self._has(module)]
        return self._modules

    def _has(self, module: ModuleType) -> bool:
        # Not getattr: some modules load others when they are asked for an attribute.
        file = getattr(module, "__dict__", {}).get("__file__")
        return isinstance(file, str) and file.startswith(self._prefix) and "site-packages" not in file
