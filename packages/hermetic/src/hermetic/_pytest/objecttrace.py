"""
What tests change in objects that isolation leaves alone: attributes of the project's module-level objects, modules that
stand under another's name, and which event loop is the current one.

Too dear for every test of every run, and right for the few that are looked at.
"""

from __future__ import annotations

import inspect
import sys
from enum import Enum
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_MOST = 5_000
_SHOWN = 80
Picture: TypeAlias = dict[str, Any]


class ObjectTrace:
    """
    Compares before and after each test. `root` is the directory whose modules are the project's.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._before: Picture = {}
        self._found: list[list[Any]] = []

    def begin(self) -> None:
        self._before = self._picture()

    def end(self, item: pytest.Item) -> None:
        before, after = self._before, self._picture()
        for name in before.keys() | after.keys():
            was, became = before.get(name, _NOTHING), after.get(name, _NOTHING)
            if was is not became and not (was is _NOTHING and not name.startswith("sys.")):
                kind = "current-loop" if name == CURRENT_LOOP else "object"
                self._found.append([item.nodeid, kind, name, _shown(was), _shown(became), *_suspected(item, name)])

    def found(self) -> list[list[Any]]:
        return self._found

    def _picture(self) -> Picture:
        picture: Picture = {CURRENT_LOOP: _current_loop()}
        loaded: dict[str, object] = dict(sys.modules)  # what stands there need not be a module
        for name, module in loaded.items():
            if not isinstance(module, ModuleType):
                continue
            file = getattr(module, "__file__", None)
            if _is_misplaced(name, module):
                picture[f"sys.modules[{name!r}]"] = module
            if isinstance(file, str) and file.startswith(self._root) and "site-packages" not in file:
                for attribute, value in list(vars(module).items()):
                    self._add(picture, f"{name}.{attribute}", value)
            if len(picture) > _MOST:
                break
        return picture

    def _add(self, picture: Picture, name: str, value: object) -> None:
        kind = type(value)
        own = sys.modules.get(kind.__module__)
        file = getattr(own, "__file__", None)
        if isinstance(value, type | ModuleType) or not isinstance(file, str) or not file.startswith(self._root):
            return
        for attribute, inner in list(getattr(value, "__dict__", {}).items()):
            picture[f"{name}.{attribute}"] = inner


_NOTHING = object()
# A test that calls asyncio.run() leaves no current loop behind, and that is usual; so this is no stain, and is told only where
# nothing else explains a failure.
CURRENT_LOOP: Final = "asyncio's current event loop"
_SETTING_CALLS: Final = ("set_event_loop(", "asyncio.run(", "Runner(")


class _LoopState(Enum):
    """
    What there is when no open loop is the current one.
    """

    NEVER_SET = "never set"
    SET_TO_NONE = "set to none, as asyncio.run() does at its end"
    CLOSED = "a closed one"

    def __repr__(self) -> str:
        return self.value


def _current_loop() -> object:
    """
    The loop that `asyncio.get_event_loop()` would give, without making one.

    Source: CPython, Lib/asyncio/events.py, class BaseDefaultEventLoopPolicy.
    """
    policy = getattr(sys.modules.get("asyncio.events"), "_event_loop_policy", None)
    local = getattr(policy, "_local", None)
    loop = getattr(local, "_loop", None)
    if loop is not None:
        return _LoopState.CLOSED if loop.is_closed() else loop
    return _LoopState.SET_TO_NONE if getattr(local, "_set_called", False) else _LoopState.NEVER_SET


def _is_misplaced(name: str, module: ModuleType) -> bool:
    """
    Whether a module of the project stands under a name that is not its own, as no import puts it there.
    """
    spec = getattr(module, "__spec__", None)
    own = getattr(spec, "name", module.__name__)
    return own != name and module is sys.modules.get(own)


def _shown(value: object) -> str:
    if value is _NOTHING:
        return "not there"
    try:
        return repr(value)[:_SHOWN]
    except Exception as error:  # noqa: BLE001 - the project's own repr may raise anything
        return f"{type(value).__name__} whose repr raises {type(error).__name__}"


def _suspected(item: pytest.Item, name: str) -> list[Any]:
    """
    File, line and source of the first line of the test that names what changed and assigns, or that sets the current event
    loop; empty when there is none.
    """
    function = getattr(item, "function", None)
    if name == CURRENT_LOOP:
        words: tuple[str, ...] = _SETTING_CALLS
        needed = ""
    else:
        words = (name.rpartition("[")[2].strip("]'") if name.startswith("sys.") else name.rpartition(".")[2],)
        needed = "="
    try:
        lines, start = inspect.getsourcelines(function)  # type: ignore[arg-type]  # None is refused below
        file = inspect.getsourcefile(function)  # type: ignore[arg-type]  # as above
    except (OSError, TypeError):
        return []
    for offset, line in enumerate(lines):
        if (
            any(word in line for word in words)
            and needed in line
            and not line.lstrip().startswith(("def ", "assert ", "@"))
        ):
            return [str(file), start + offset, line.strip()]
    return []
