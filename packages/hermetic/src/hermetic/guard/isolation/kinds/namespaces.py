"""
Attributes of modules and classes that were replaced, added or taken out.

Of the project's own modules and classes every attribute is compared, by identity. Of libraries, the standard one
among them, only functions and classes: their other globals are lazy caches, which fill by being used.
"""

from __future__ import annotations

import dis
import operator
import sys
import types
import warnings
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from hermetic.guard.isolation.change import MISSING, Change, is_same
from hermetic.guard.isolation.landscape import Kinds, Space, builtin_space
from hermetic.guard.isolation.state import State
from hermetic.guard.isolation.versions import Versions, are_kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hermetic.guard.isolation.landscape import Landscape

Contents: TypeAlias = dict[Space, dict[str, object]]

_CODE: Final = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    type,
    property,
    staticmethod,
    classmethod,
)
_VARIANT: Final = "module-state"
# So many tests in which a space was written to make it one that is looked at in each.
_OFTEN: Final = 5


class Namespaces(State[Contents]):
    """
    The attributes of all spaces of a landscape.
    """

    kind = "attribute"
    what = "attribute"
    remedy = "monkeypatch.setattr(target, name, value), or with unittest.mock.patch.object(target, name): …"
    calls = ("setattr", "patch")

    def __init__(self, landscape: Landscape) -> None:
        self._landscape = landscape
        self._modules = 0
        self._has_versions = are_kept()
        self._calm: list[Space] = []
        self._restless: list[Space] = []
        self._writes: dict[Space, int] = {}
        self._versions = Versions(())
        self._seen = b""
        self.contents: Contents = {}
        """
        What `read` returned last.
        """

    def read(self) -> Contents:
        if len(sys.modules) != self._modules or self._landscape.is_unfinished:
            self._modules = len(sys.modules)
            if self._landscape.refresh():
                self._adopt()
        versions = self._versions.read()
        if versions != self._seen:
            written = [self._calm[index] for index in self._versions.apart(self._seen, versions)]
            self._seen = versions
            self._update(written)
            self._note(written)
        self._update(self._restless)
        return self.contents

    def _adopt(self) -> None:
        spaces, known = self._landscape.spaces, self.contents
        codes = Kinds(_CODE)
        self.contents = {space: known.get(space) or _picture(space, {}, codes) for space in spaces}
        self._update(known)
        if not known:
            # The test runner itself writes to these around every test.
            self._restless = [space for space in spaces if space.holder is sys or space.holder is warnings]
        self._settle()

    def _settle(self) -> None:
        """
        Tell the spaces whose versions are compared from those that are looked at each time.
        """
        restless = dict.fromkeys(self._restless)
        spaces = self._landscape.spaces
        self._calm = [space for space in spaces if space not in restless] if self._has_versions else []
        if not self._has_versions:
            self._restless = list(spaces)
        self._versions = Versions([space.table for space in self._calm])
        self._seen = self._versions.read()

    def _note(self, written: list[Space]) -> None:
        # pytest itself writes to `sys` in every test. To find which of all versions differ costs more than to look at the
        # few that always do.
        for space in written:
            self._writes[space] = self._writes.get(space, 0) + 1
            if self._writes[space] == _OFTEN:
                self._restless.append(space)
        if any(self._writes[space] == _OFTEN for space in written):
            self._settle()

    def _update(self, spaces: Iterable[Space]) -> None:
        known = self.contents
        changed = [space for space in spaces if not _is_as_known(space, known[space])]
        if changed:
            codes = Kinds(_CODE)
            self.contents = {**known, **{space: _picture(space, known[space], codes) for space in changed}}

    def is_alike(self, before: Contents, after: Contents) -> bool:
        return before is after

    def changes(self, before: Contents, after: Contents) -> Iterable[Change]:
        for space, now in after.items():
            was = before.get(space)
            if was is not None and was is not now:
                yield from _space_changes(space, was, now)

    def restore(self, change: Change) -> None:
        put_back(change)


class Builtins(State[dict[str, object]]):
    """
    The built-in names. `_` is what the interactive prompt and doctest show last.
    """

    kind = "builtins"
    what = "built-in name"
    remedy = "monkeypatch.setattr(builtins, name, value)"
    calls = ("builtins", "setattr")

    def __init__(self) -> None:
        self._space = builtin_space()
        self._contents = self._space.table.copy()
        self._versions = Versions([self._space.table] if are_kept() else ())
        self._seen = b""

    def read(self) -> dict[str, object]:
        versions = self._versions.read()
        if are_kept() and versions == self._seen:
            return self._contents
        self._seen = versions
        if not _is_identical(self._space.table, self._contents):
            self._contents = self._space.table.copy()
        return self._contents

    def is_alike(self, before: dict[str, object], after: dict[str, object]) -> bool:
        return before is after

    def changes(self, before: dict[str, object], after: dict[str, object]) -> Iterable[Change]:
        for name in {**after, **before}:
            was, became = before.get(name, MISSING), after.get(name, MISSING)
            if was is not became and name != "_":
                yield _change(self._space, name, was, became)

    def restore(self, change: Change) -> None:
        put_back(change)


def _is_identical(table: dict[str, object], copy: dict[str, object]) -> bool:
    return (
        len(table) == len(copy) and all(map(operator.is_, table.values(), copy.values())) and list(table) == list(copy)
    )


def _picture(space: Space, known: dict[str, object], codes: Kinds) -> dict[str, object]:
    """
    What is compared of a space: of a library's, functions and classes, and what took the place of one.
    """
    if space.role == "own":
        return space.table.copy()
    space.size = len(space.table)
    picture = dict(codes.items_in(space.table))
    if known:
        picture = {name: value for name, value in space.table.items() if name in known or name in picture}
    if space.holder is warnings:
        # `catch_warnings`, in which pytest runs each test, puts one there; `WarningFilters` keeps what matters.
        picture.pop("_showwarnmsg_impl", None)
    return picture


def _is_as_known(space: Space, known: dict[str, object]) -> bool:
    table = space.table
    if space.role == "own":
        return _is_identical(table, known)
    if len(table) != space.size or not known:
        return len(table) == space.size
    try:
        values = space.values_of(known)
    except KeyError:  # one was taken out and another one put in
        return False
    # Functions and classes have the hash of their identity, and one of all of them is had in a third of the time.
    mark = _hash_of(values)
    if mark is not None and mark == space.mark and known is space.marked:
        return True
    is_same_as_known = all(map(operator.is_, values, known.values()))
    space.mark, space.marked = (mark, known) if is_same_as_known else (None, None)
    return is_same_as_known


def _hash_of(values: tuple[object, ...]) -> int | None:
    try:
        return hash(values)
    except Exception:  # noqa: BLE001 - what took the place of one may raise anything
        return None


def _change(space: Space, name: str, was: object, became: object, writers: tuple[str, ...] = ()) -> Change:
    return Change(
        key=(id(space.holder), name),
        name=f"{space.shown}.{name}",
        before=was,
        after=became,
        target=space.holder,
        variant=_VARIANT if writers else "",
        hints=writers,
    )


def _space_changes(space: Space, before: dict[str, object], after: dict[str, object]) -> Iterator[Change]:
    for name in {**after, **before}:
        was, became = before.get(name, MISSING), after.get(name, MISSING)
        if is_same(was, became) or not _counts(space, name, was, became):
            continue
        if was is MISSING and "__getattr__" in after and isinstance(space.holder, types.ModuleType):
            continue  # such a module fills in attributes when they are first asked for (PEP 562)
        writers = tuple(_writers(space, name)) if space.role == "own" else ()
        yield _change(space, name, was, became, writers)


def _counts(space: Space, name: str, was: object, became: object) -> bool:
    if space.role == "library":
        # The interpreter keeps the last uncaught exception there, whose type is a class (sys.last_type).
        return isinstance(was, _CODE) and not (space.holder is sys and name.startswith("last_"))
    if isinstance(became, types.ModuleType) and was is MISSING:
        return False  # importing a submodule binds it in its package
    if name.startswith("__") and name.endswith("__"):
        # Python and libraries fill these in by themselves; only a replaced special method is somebody's doing.
        return isinstance(was, types.FunctionType | classmethod | staticmethod)
    return not (name.startswith("_abc_") or (name.startswith("_") and name.endswith("_")))


def _writers(space: Space, name: str) -> Iterator[str]:
    """
    The module's own functions that write this name, as for a singleton that is made when first asked for.
    """
    module = space.holder if isinstance(space.holder, types.ModuleType) else sys.modules.get(space.holder.__module__)
    if module is None:
        return
    wanted = "STORE_GLOBAL" if space.holder is module else "STORE_ATTR"
    for code in codes(module):
        if name in code.co_names and any(
            instruction.opname == wanted and instruction.argval == name for instruction in dis.get_instructions(code)
        ):
            yield code.co_name


def codes(module: types.ModuleType) -> Iterator[types.CodeType]:
    """
    The code of all functions that a module defines: its own, its classes', and those inside them.
    """
    queue: list[types.CodeType] = []
    for value in tuple(vars(module).values()):
        for member in tuple(vars(value).values()) if isinstance(value, type) else (value,):
            function = _function(member)
            if function is not None and function.__module__ == module.__name__:
                queue.append(function.__code__)
    while queue:
        code = queue.pop()
        yield code
        queue += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]


def _function(member: object) -> types.FunctionType | None:
    if isinstance(member, property):
        member = member.fget
    if isinstance(member, staticmethod | classmethod):
        member = cast("Any", member).__func__
    if isinstance(member, types.FunctionType):
        while isinstance(inner := vars(member).get("__wrapped__"), types.FunctionType):
            member = inner
        return member
    return None


def put_back(change: Change) -> None:
    """
    Give a module or class its attribute back. A metaclass that forbids it is not asked.
    """
    name = str(change.name).rpartition(".")[2]
    if isinstance(change.target, type):
        if change.before is MISSING:
            type.__delattr__(change.target, name)
        else:
            type.__setattr__(change.target, name, change.before)
    elif isinstance(change.target, types.ModuleType):
        if change.before is MISSING:
            change.target.__dict__.pop(name, None)
        else:
            change.target.__dict__[name] = change.before
