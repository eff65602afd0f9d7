"""
Which namespaces can be stained: the project's modules and classes, and those of libraries that the project reaches.
"""

from __future__ import annotations

import builtins
import gc
import itertools
import operator
import sys
import types
import weakref
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from hermetic.guard import late

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hermetic.guard.isolation.own import OwnCode

Role: TypeAlias = Literal["own", "library"]

# Where tests most often put a function of their own, also when only a library imports the module.
_OFTEN_PATCHED: Final = (
    *("os", "os.path", "posixpath", "time", "random", "uuid", "secrets", "socket", "ssl", "select", "subprocess"),
    *("shutil", "tempfile", "pathlib", "io", "json", "datetime", "asyncio", "asyncio.events", "asyncio.tasks"),
    *("asyncio.base_events", "asyncio.subprocess", "asyncio.streams", "threading", "logging", "signal", "platform"),
    *("getpass", "sqlite3", "urllib.request", "http.client", "smtplib", "sys", "gc", "inspect", "warnings", "locale"),
)
# As good as `id`, which raises an audit event: with any hook installed that costs ten times as much.
_identity: Final = object.__hash__
# What has attributes that can be replaced.
_HOLDERS: Final = (types.ModuleType, type)
# Modules with many classes that nobody patches.
_LARGE: Final = frozenset({"typing", "types", "ast", "enum", "re", "collections", "dataclasses", "abc", "signal"})
# So many classes of libraries are watched, of those that the project refers to and of the modules above each.
_MOST_LIBRARY_CLASSES: Final = 200


class Kinds(dict[type, bool]):
    """
    Tells values of some types from others. Each type is asked about once, and the rest is done in C: there are some ten
    thousand values to sort.
    """

    def __init__(self, wanted: tuple[type, ...]) -> None:
        super().__init__()
        self._wanted = wanted

    def __missing__(self, kind: type) -> bool:
        self[kind] = is_wanted = issubclass(kind, self._wanted)
        return is_wanted

    def items_in(self, table: dict[str, object]) -> Iterable[tuple[str, object]]:
        return itertools.compress(table.items(), map(self.__getitem__, map(type, table.values())))

    def values_in(self, table: dict[str, object]) -> Iterable[object]:
        return itertools.compress(table.values(), map(self.__getitem__, map(type, table.values())))


class Space:
    """
    One namespace: a module's globals or a class's attributes. `size`, `mark` and `marked` are for whoever compares it.
    """

    __slots__ = ("_asked", "_get", "holder", "mark", "marked", "role", "shown", "size", "table")

    def __init__(self, holder: types.ModuleType | type, shown: str, role: Role, table: dict[str, object]) -> None:
        self.holder = holder
        self.shown = shown
        self.role: Role = role
        self.table = table
        self.size = 0
        self.mark: int | None = None
        self.marked: dict[str, object] | None = None
        self._asked: dict[str, object] = {}
        self._get: Callable[[dict[str, object]], tuple[object, ...]] = tuple

    def values_of(self, names: dict[str, object]) -> tuple[object, ...]:
        """
        What these names stand for now. Asked for the same names again, it costs a fifth of as many look-ups.

        Raises:
            KeyError: one of them is not there.
        """
        if names is not self._asked:
            self._asked = names
            self._get = operator.itemgetter(*names) if len(names) > 1 else _only(*names)
        return self._get(self.table)


def _space(holder: types.ModuleType | type, shown: str, role: Role) -> Space | None:
    table = cast("object", vars(holder))
    if isinstance(table, types.MappingProxyType):
        # The dictionary behind the read-only view, which is all the view refers to.
        table = next(iter(gc.get_referents(cast("object", table))), None)
    if type(table) is not dict:
        return None
    return Space(holder, shown, role, cast("dict[str, object]", table))


def _only(name: str) -> Callable[[dict[str, object]], tuple[object, ...]]:
    return lambda table: (table[name],)


class Landscape:
    """
    Finds the namespaces to watch, and finds more when modules were imported.
    """

    def __init__(self, own: OwnCode) -> None:
        self._own = own
        self._modules = 0
        self._known: set[int] = set()
        # The modules of others, by name: most of what is loaded, and not to be asked about at each look.
        self._foreign: dict[str, weakref.ref[types.ModuleType]] = {}
        # Room of their own, or the standard library's classes would leave none for what the project itself uses.
        self._room = {"project": _MOST_LIBRARY_CLASSES, "process": _MOST_LIBRARY_CLASSES}
        # Made anew for each look, since they keep the types that they know.
        self._holders = self._classes = Kinds(())
        self.spaces: list[Space] = []
        self.is_unfinished = False
        """
        Whether the last refresh met a module that another thread was importing, so that it is to be repeated.
        """

    def refresh(self) -> bool:
        """
        Look at the modules imported since the last call. Returns whether there are new spaces.
        """
        modules = list(sys.modules.items())
        if len(modules) == self._modules and not self.is_unfinished:
            return False
        self._modules = len(modules)
        self.is_unfinished = False
        before = len(self.spaces)
        self._holders, self._classes = Kinds(_HOLDERS), Kinds((type,))
        reached: list[object] = []
        for name, module in modules:
            role = self._role(name, module)
            if role == "own":
                self._add(module, name, "own")
            if role != "other":
                values = self._holders_in(module)
                reached += values
                for cls in values if role == "own" else ():
                    if isinstance(cls, type) and cls.__module__ == module.__name__:
                        self._add(cls, f"{name}.{cls.__qualname__}", "own")
        for value in reached:
            self._reach(value, "project")
        for name in _OFTEN_PATCHED:
            if name in sys.modules:
                self._reach(sys.modules[name], "process")
        self._holders = self._classes = Kinds(())
        return len(self.spaces) > before

    def _role(self, name: str, module: types.ModuleType) -> str:
        foreign = self._foreign.get(name)
        if foreign is not None and foreign() is module:
            return "other"
        if not isinstance(cast("object", module), types.ModuleType) or module is builtins:
            return "other"  # anything can be put into sys.modules
        role = self._own.role(module)
        if role == "other":
            # There are objects that only say that they are modules, as cffi's libraries; not all have weak references.
            if issubclass(type(cast("object", module)), types.ModuleType):
                self._foreign[name] = weakref.ref(module)
        elif late.is_being_imported(module):
            # In another thread: its names come one after the other, and are nobody's stain.
            self.is_unfinished = True
            return "other"
        return role

    def _holders_in(self, module: types.ModuleType) -> list[types.ModuleType | type]:
        """
        The modules that it refers to, and the classes that are not known yet. The project's modules are looked through
        again each time, for a function may import into them when it is called; nearly all that they hold is neither.
        """
        return [
            one
            for one in cast("Iterable[types.ModuleType | type]", tuple(self._holders.values_in(vars(module))))
            if _identity(one) not in self._known or isinstance(one, types.ModuleType)
        ]

    def _reach(self, value: object, by: str) -> None:
        if isinstance(value, types.ModuleType):
            if late.is_being_imported(value):
                self.is_unfinished = True
            elif self._own.role(value) == "other" and not _is_runner(value.__name__):
                is_new = self._add(value, value.__name__, "library")
                # Of a module that the project imports as a whole, the classes that it offers at its top.
                if is_new and value.__name__ not in _LARGE:
                    for member in cast("Iterable[type]", tuple(self._classes.values_in(vars(value)))):
                        if member.__module__.startswith(value.__name__):
                            self._add_library_class(member, by)
        elif isinstance(value, type) and not _is_runner(value.__module__):
            module = sys.modules.get(value.__module__)
            if isinstance(module, types.ModuleType) and self._own.role(module) == "other":
                self._add_library_class(value, by)

    def _add_library_class(self, cls: type, by: str) -> None:
        if self._room[by] and not cls.__flags__ & _IMMUTABLE:
            self._room[by] -= self._add(cls, f"{cls.__module__}.{cls.__qualname__}", "library")

    def _add(self, holder: types.ModuleType | type, shown: str, role: Role) -> bool:
        if _identity(holder) in self._known:
            return False
        space = _space(holder, shown, role)
        if space is None:
            return False
        self._known.add(_identity(holder))
        self.spaces.append(space)
        return True


# Py_TPFLAGS_IMMUTABLETYPE: no attribute of such a class can be set.
# Source: CPython, Include/object.h.
_IMMUTABLE: Final = 1 << 8


def _is_runner(name: Any) -> bool:
    top = str(name).partition(".")[0]
    return top in {"_pytest", "pytest", "hermetic", "unittest", "pluggy", "xdist"}


def builtin_space() -> Space:
    """
    The names that are everywhere.
    """
    space = _space(builtins, "builtins", "own")
    assert space is not None  # noqa: S101 - a module's globals are a dictionary
    return space
