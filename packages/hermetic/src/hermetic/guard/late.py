"""
Imports that a run needs only once something was found, made in a process that a test may have broken.

Loading everything at the start would cost each run what only some need. But when it is needed, a test may have left the
import system in pieces, and may still watch every import: so what is loaded already is never asked for by `import`,
and where an import fails, it is tried again with the finders that were there when this module was loaded.
"""

from __future__ import annotations

import _thread
import builtins
import contextlib
import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_IMPORT: Final = builtins.__import__
_FINDERS: Final = tuple(sys.meta_path)
_HOOKS: Final = tuple(sys.path_hooks)
_ONE_AT_A_TIME: Final = _thread.allocate_lock()


def load(name: str) -> Any:
    """
    The module with this full name.
    """
    module = sys.modules.get(name)
    # Another thread may be in the middle of it: its import has to be waited for.
    if module is not None and not is_being_imported(module):
        return module
    try:
        return importlib.import_module(name)
    except Exception:  # noqa: BLE001 - a test may have put anything in the place of the import system
        with _ONE_AT_A_TIME, _sound_imports():
            return importlib.import_module(name)


def is_being_imported(module: object) -> bool:
    """
    Whether some thread is in the middle of the import of a module that stands in `sys.modules` already.

    Source: CPython, Lib/importlib/_bootstrap.py: what _find_and_load looks at, and _load_unlocked sets.
    """
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


@contextlib.contextmanager
def _sound_imports() -> Generator[None]:
    finders, hooks, function = sys.meta_path, sys.path_hooks, builtins.__import__
    sys.meta_path, sys.path_hooks, builtins.__import__ = [*_FINDERS], [*_HOOKS], _IMPORT
    try:
        yield
    finally:
        sys.meta_path, sys.path_hooks, builtins.__import__ = finders, hooks, function
