"""
Whose code a module, a function or an object is: the project's, the test suite's, the test runner's or a library's.
"""

from __future__ import annotations

import functools
import os
import sys
import types
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterable

_INSTALLED: Final = frozenset({"site-packages", "dist-packages", ".venv", "venv", ".tox", ".nox", "node_modules"})
_STANDARD: Final = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120 - a prefix of file names, as text
_TEST_DIRECTORIES: Final = frozenset({"tests", "test"})
_RUNNERS: Final = frozenset(
    {"_pytest", "pytest", "hermetic", "xdist", "pytest_timeout", "pytest_asyncio", "pytest_cov", "coverage", "execnet"}
)


def belongs_to_runner(value: object) -> bool:
    """
    Whether an object was made by pytest or one of the plugins that replace process state around each test.
    """
    owner = value.__self__ if isinstance(value, types.MethodType) else value
    return _module_of(owner).partition(".")[0] in _RUNNERS


class OwnCode:
    """
    Tells the project's modules from its tests and from everybody else's.

    Args:
        root: directory of the project; modules below it that are neither installed nor tests are the project's.
        packages: further top-level names that are the project's wherever they were imported from, for a project
            that is tested as installed.
    """

    def __init__(self, root: str, *, packages: Iterable[str] = ()) -> None:
        self._root = os.path.realpath(root).rstrip(os.sep) + os.sep
        self._packages = frozenset(packages)
        self._roles: dict[str, str] = {}
        self._real: dict[str, str] = {}
        self._fresh: frozenset[str] = frozenset()

    def role(self, module: types.ModuleType) -> str:
        """
        "own" for the project's, "test" for test modules and their helpers, "other" for everything else.
        """
        if self._packages:
            name: object = getattr(module, "__name__", "")
            if isinstance(name, str) and name.partition(".")[0] in self._packages:
                return "own"
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or self._is_elsewhere(file):
            return "other"
        role = self._roles.get(file)
        if role is None:
            role = self._roles[file] = self._role_of_file(file)
        return role

    def _is_elsewhere(self, file: str) -> bool:
        # Of nearly all modules nothing else has to be known.
        return (file.startswith(_STANDARD) or "/site-packages/" in file) and not file.startswith(self._root)

    def _role_of_file(self, file: str) -> str:
        # Text, not Path: this runs for every module that is loaded.
        directory, _, name = file.rpartition(os.sep)
        if self._is_elsewhere(file):
            return "other"
        real = self._real.get(directory)
        if real is None:
            # A look at the disk for each part of a path: once a directory, since some hundreds of modules are loaded.
            real = self._real[directory] = os.path.realpath(directory)
        path = os.path.realpath(file) if os.path.islink(file) else f"{real}{os.sep}{name}"  # noqa: PTH114 - see above
        if not path.startswith(self._root):
            return "other"
        *directories, base = path.removeprefix(self._root).split(os.sep)  # noqa: PTH206 - see above
        if _INSTALLED.intersection(directories):
            return "other"
        stem = base.rpartition(".")[0]
        is_test = stem.startswith("test_") or stem.endswith("_test") or stem == "conftest"
        return "test" if is_test or _TEST_DIRECTORIES.intersection(directories) else "own"

    def regard_as_fresh(self, modules: Iterable[str]) -> None:
        """
        Name the modules that were imported within the stretch of time that is judged next: what their import
        registers is no stain.
        """
        self._fresh = frozenset(modules)

    def is_fresh(self, value: object) -> bool:
        """
        Whether a function, class or object came with a module that was imported within that stretch.
        """
        return _module_of(_inner(value)) in self._fresh

    def added(self, value: object) -> bool:
        """
        Whether the project or its tests registered this on purpose, other than by being imported.
        """
        return self.wrote(value) and not self.is_fresh(value)

    def wrote(self, value: object) -> bool:
        """
        Whether a function, class or object is defined in the project or in its tests.
        """
        owner = _inner(value)
        name = _module_of(owner)
        module = sys.modules.get(name)
        if isinstance(module, types.ModuleType):
            return self.role(module) != "other"
        # A module that was replaced or never registered: its code still knows the file.
        return isinstance(owner, types.FunctionType) and self._role_of_file(owner.__code__.co_filename) != "other"


def _inner(value: object) -> Any:
    # What a partial or a bound method calls. Nothing else is asked for attributes: a mock has every one.
    if isinstance(value, functools.partial):
        return cast("functools.partial[object]", value).func
    return value.__func__ if isinstance(value, types.MethodType) else value


def _module_of(owner: Any) -> str:
    defined = isinstance(owner, types.FunctionType | types.BuiltinFunctionType | type)
    name: object = owner.__module__ if defined else type(owner).__module__
    return name if isinstance(name, str) else ""  # pyright: ignore[reportUnnecessaryIsInstance]  # anybody can set __module__ to anything
