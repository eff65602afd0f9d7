"""
Where modules come from and which ones are loaded. Importing something new is what tests do; it is no stain.
"""

from __future__ import annotations

import operator
import sys
import types
from typing import TYPE_CHECKING, Any, cast

from hermetic.guard.isolation.change import MISSING, Change
from hermetic.guard.isolation.own import belongs_to_runner
from hermetic.guard.isolation.state import State, list_changes, list_restore
from hermetic.guard.isolation.versions import Versions, are_kept

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermetic.guard.isolation.own import OwnCode

# Compiled extensions put these into sys.modules by hand when the first of them is imported: Cython's shared types
# (`cython_runtime`, `_cython_3_1_0`) and cffi's libraries (`_openssl.lib` of cryptography).
_BY_EXTENSIONS = ("cython_runtime", "_cython_", "_openssl")


class SysList(State[tuple[object, ...]]):
    """
    A list in `sys`, compared element by element, so that two owners that each add one are told apart.
    """

    def __init__(self, kind: str, attribute: str, *, what: str, remedy: str, own: OwnCode | None = None) -> None:
        self.kind = kind
        self.what = what
        self.remedy = remedy
        self.calls = (attribute,)
        self._attribute = attribute
        self._get = operator.attrgetter(attribute)
        self._own = own

    def read(self) -> tuple[object, ...]:
        return tuple(self._get(sys))

    def changes(self, before: tuple[object, ...], after: tuple[object, ...]) -> Iterable[Change]:
        for change in list_changes(before, after, name=f"sys.{self._attribute}"):
            added = change.before is MISSING
            if added and belongs_to_runner(change.after):
                continue
            # Libraries add finders when they are first imported.
            if added and self._own is not None and not self._own.added(change.after):
                continue
            yield change

    def restore(self, change: Change) -> None:
        list_restore(cast("list[object]", getattr(sys, self._attribute)), change)


def search_paths(own: OwnCode) -> list[State[Any]]:
    """
    `sys.path`, the finders and the path hooks.
    """
    return [
        SysList(
            "sys-path", "path", what="import path", remedy="monkeypatch.syspath_prepend(path), which takes it out again"
        ),
        SysList(
            "meta-path",
            "meta_path",
            what="import finder",
            own=own,
            remedy="monkeypatch.setattr(sys, 'meta_path', [finder, *sys.meta_path])",
        ),
        SysList(
            "path-hooks",
            "path_hooks",
            what="import path hook",
            own=own,
            remedy="monkeypatch.setattr(sys, 'path_hooks', [hook, *sys.path_hooks])",
        ),
    ]


class Modules(State[tuple[list[str], list[object]]]):
    """
    `sys.modules`: what was replaced or taken out.

    New modules come at the end of the dictionary, so the first so many values must be those that were there before.
    """

    kind = "sys-modules"
    what = "module in sys.modules"
    remedy = "monkeypatch.setitem(sys.modules, name, module), or monkeypatch.delitem(sys.modules, name)"
    calls = ("modules", "reload", "import_module")

    def __init__(self, own: OwnCode) -> None:
        self._own = own
        self._last: tuple[list[str], list[object]] = ([], [])
        self._table = sys.modules
        self._versions = Versions([sys.modules] if are_kept() else ())
        self._seen = b""

    def read(self) -> tuple[list[str], list[object]]:
        versions = self._versions.read()
        if versions == self._seen and versions and sys.modules is self._table:
            return self._last
        self._seen = versions
        values: list[object] = list(sys.modules.values())
        last = self._last
        try:
            is_unchanged = values == last[1]
        except Exception:  # noqa: BLE001 - an object put in the place of a module may raise from __eq__
            is_unchanged = False
        if not is_unchanged:
            last = self._last = (list(sys.modules), list(sys.modules.values()))
        return last

    def is_alike(self, before: tuple[list[str], list[object]], after: tuple[list[str], list[object]]) -> bool:
        return before is after

    def changes(
        self, before: tuple[list[str], list[object]], after: tuple[list[str], list[object]]
    ) -> Iterable[Change]:
        now = dict(zip(*after, strict=False))
        for name, was in zip(*before, strict=False):
            became = now.get(name, MISSING)
            if became is not was and not _is_lazy(was, became):
                yield Change(key=name, name=f"sys.modules[{name!r}]", before=was, after=became, target=sys.modules)
        # A module that did not exist before and is not a real one was put there by hand.
        known = set(before[0])
        new = {name: module for name, module in now.items() if name not in known}
        if any(isinstance(one, types.ModuleType) and one.__dict__.get("__spec__") for one in new.values()):
            return  # an import was at work, and some libraries make modules by hand
        for name, became in new.items():
            if _is_planted(name, became, self._own):
                yield Change(key=name, name=f"sys.modules[{name!r}]", before=MISSING, after=became, target=sys.modules)

    def restore(self, change: Change) -> None:
        name = str(change.key)
        if change.before is MISSING:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = cast("types.ModuleType", change.before)
        parent, _, child = name.rpartition(".")
        package = sys.modules.get(parent)
        # `import a.b` also binds b in a: both must name the same module again.
        if package is not None and vars(package).get(child) is change.after and change.before is not MISSING:
            setattr(package, child, change.before)


def _is_lazy(before: object, after: object) -> bool:
    # Modules that replace themselves while they load, and None, by which an import is blocked, becoming real.
    return before is None and isinstance(after, types.ModuleType) and getattr(after, "__spec__", None) is not None


def _is_planted(name: str, value: object, own: OwnCode) -> bool:
    # Extensions made by Cython share their types through such modules, which the first of them makes.
    if name == "cython_runtime" or name.startswith("_cython_"):
        return False
    if value is None:
        return True
    if name.partition(".")[0].startswith(_BY_EXTENSIONS):
        return False
    if not isinstance(value, types.ModuleType):
        return type(value).__module__ in {"types", "unittest.mock"} or own.wrote(type(value))
    # Libraries make modules by hand below their own name (six.moves); those have a real parent.
    is_real = value.__dict__.get("__spec__") is not None or "__file__" in value.__dict__
    parent = sys.modules.get(name.rpartition(".")[0])
    return not is_real and getattr(parent, "__spec__", None) is None
