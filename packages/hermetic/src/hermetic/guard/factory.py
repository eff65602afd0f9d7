"""
Isolated resources for one test or fixture, and their clean-up in order.

    with FixtureFactory(tmp_path) as make:
        database = make.database("CREATE TABLE prices (name TEXT, price INTEGER)")
        make.environment(SHOP_DATABASE=str(database), SHOP_DEBUG=None)
        shop = make.resource(Shop, close="close")

    async with FixtureFactory(tmp_path) as make:
        session = await make.aresource(connect, close="aclose")

What was made last is cleaned up first, each thing exactly once, whatever the others' clean-up raises.
"""

from __future__ import annotations

import inspect
import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from hermetic.errors import HermeticError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from types import TracebackType

T = TypeVar("T")
P = ParamSpec("P")

_ABSENT = object()


class CleanupError(HermeticError):
    """
    Clean-ups that raised; all others ran all the same. Its cause is the group of what they raised.

    `names` and `errors` belong together, in the order of the clean-up.
    """

    def __init__(self, names: tuple[str, ...], errors: tuple[Exception, ...]) -> None:
        super().__init__(names, errors)
        self.names = names
        self.errors = errors

    def __str__(self) -> str:
        told = "; ".join(
            f"{name}: {type(error).__name__}: {error}" for name, error in zip(self.names, self.errors, strict=True)
        )
        return f"{len(self.errors)} of a FixtureFactory's clean-ups failed, the others ran: {told}"


class FixtureFactory:
    """
    Makes isolated resources and cleans them up in the reverse order, as a context manager of either sort.

    Not safe for use from several threads at once. A closed factory makes nothing more.

    Args:
        directory: where files and directories are made; a temporary one, removed at the end, if not given.
    """

    def __init__(self, directory: str | os.PathLike[str] | None = None) -> None:
        self._given = None if directory is None else Path(directory)
        self._made: Path | None = None
        self._cleanups: list[tuple[str, Callable[[], object], bool]] = []
        self._names = 0
        self._is_closed = False

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else f"{len(self._cleanups)} to clean up"
        return f"<FixtureFactory [{state}]>"

    # Resources of any kind.

    def resource(
        self,
        make: Callable[P, T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """
        Call `make`, and remember to close what it returns by its `close`, or by leaving it as a context manager.

        A context manager is entered, and what that gives is returned. Raises what `make` raises; then there is nothing
        to clean up.

        Raises:
            TypeError: what was made has neither; use `defer` to say what cleans it up.
        """
        self._check_open()
        made = make(*args, **kwargs)
        if hasattr(type(made), "__enter__") and hasattr(type(made), "__exit__"):
            return cast("T", self.enter(cast("AbstractContextManager[Any]", made)))
        close = getattr(made, "close", None)
        if not callable(close):
            raise TypeError(
                f"FixtureFactory cannot tell how to clean up a {type(made).__qualname__}: it has no close() and is no "
                "context manager. Make it yourself and call defer(function)."
            )
        self._later(type(made).__qualname__, close, is_async=inspect.iscoroutinefunction(close))
        return made

    async def aresource(self, make: Callable[P, Awaitable[T] | T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """
        As `resource`, for what is made or closed by coroutines: `aclose`, an asynchronous context manager, or `close`.
        """
        self._check_open()
        made: Any = make(*args, **kwargs)
        if inspect.isawaitable(made):
            made = await made
        if hasattr(cast("object", type(made)), "__aenter__"):
            return cast("T", await self.aenter(made))
        close = getattr(made, "aclose", None)
        if callable(close):
            self._later(type(made).__qualname__, close, is_async=True)
            return cast("T", made)
        return cast("T", self.resource(lambda: made))

    def enter(self, manager: AbstractContextManager[T]) -> T:
        """
        Enter a context manager, and leave it at the end.
        """
        self._check_open()
        value = manager.__enter__()
        self._later(type(manager).__qualname__, lambda: manager.__exit__(None, None, None))
        return value

    async def aenter(self, manager: AbstractAsyncContextManager[T]) -> T:
        """
        Enter an asynchronous context manager, and leave it at the end.
        """
        self._check_open()
        value = await manager.__aenter__()
        self._later(type(manager).__qualname__, lambda: manager.__aexit__(None, None, None), is_async=True)
        return value

    def defer(self, cleanup: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """
        Call this at the end. If it is a coroutine function, or returns something to await, the end must be `aclose`.
        """
        name = getattr(cleanup, "__qualname__", type(cleanup).__qualname__)
        self._later(name, lambda: cleanup(*args, **kwargs), is_async=inspect.iscoroutinefunction(cleanup))

    # Resources of this machine.

    def directory(self, name: str = "") -> Path:
        """
        A fresh, empty directory.
        """
        path = self._path(name or "directory", unique=not name)
        path.mkdir(parents=True)
        self._later(f"directory {path.name}", lambda: shutil.rmtree(path, ignore_errors=not path.exists()))
        return path

    def file(self, name: str, content: str | bytes = "") -> Path:
        """
        A fresh file with this content; text is written as UTF-8.

        Raises:
            FileExistsError: this factory's directory has one of that name.
        """
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        self._later(f"file {name}", lambda: path.unlink(missing_ok=True))
        return path

    def database(self, script: str = "", *, name: str = "database.sqlite3") -> Path:
        """
        A fresh SQLite database in a file of its own, after running this SQL. Its journal files are removed with it.

        A file, and not `:memory:`, since every connection to that one sees a database of its own.

        Raises:
            sqlite3.Error: the script cannot be run.
        """
        import sqlite3  # noqa: PLC0415 - most factories make none

        path = self.file(name)
        for suffix in ("-wal", "-shm", "-journal"):
            self.defer(path.with_name(path.name + suffix).unlink, missing_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)
        return path

    def environment(self, **variables: str | None) -> None:
        """
        Set environment variables, or remove those given as None; each comes back as it was.
        """
        for name, value in variables.items():
            self._put(cast("MutableMapping[str, Any]", os.environ), name, value, what=f"environment variable {name}")

    def settings(self, target: object, **values: object) -> None:
        """
        Set attributes of an object, a class or a module, or items of a dictionary; each comes back as it was.

        Raises:
            AttributeError: the object has no such attribute, which is most often a spelling mistake.
        """
        if isinstance(target, dict):
            for name, value in values.items():
                self._put(cast("dict[str, Any]", target), name, value, what=f"item {name}", none_removes=False)
            return
        for name, value in values.items():
            before = getattr(target, name)
            if hasattr(target, "__dict__"):
                # What an object has from its class is put back by taking the object's own away.
                before = cast("dict[str, object]", vars(target)).get(name, _ABSENT)
            setattr(target, name, value)
            if before is _ABSENT:
                self.defer(delattr, target, name)
            else:
                self.defer(setattr, target, name, before)

    def _put(
        self, mapping: MutableMapping[str, Any], name: str, value: Any, *, what: str, none_removes: bool = True
    ) -> None:
        before = mapping.get(name, _ABSENT)
        if value is None and none_removes:
            mapping.pop(name, None)
        else:
            mapping[name] = value

        def undo() -> None:
            if before is _ABSENT:
                mapping.pop(name, None)
            else:
                mapping[name] = before

        self._later(what, undo)

    def _path(self, name: str, *, unique: bool = False) -> Path:
        self._check_open()
        if self._given is None and self._made is None:
            made = self._made = Path(tempfile.mkdtemp(prefix="fixture-"))
            # The first to be made is the last to be removed.
            self._cleanups.insert(0, ("temporary directory", lambda: shutil.rmtree(made), False))
        root = cast("Path", self._given or self._made)
        if unique:
            self._names += 1
            name = f"{name}-{self._names}"
        path = root / name
        if not path.resolve().is_relative_to(root.resolve()):
            raise ValueError(f"FixtureFactory: {name!r} lies outside {root}. Give a name below it.")
        return path

    def _later(self, name: str, cleanup: Callable[[], object], *, is_async: bool = False) -> None:
        self._check_open()
        self._cleanups.append((name, cleanup, is_async))

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError("this FixtureFactory is closed and makes nothing more. Make a new one.")

    # The end.

    def close(self) -> None:
        """
        Clean everything up, the newest first. Does nothing when called again.

        Raises:
            RuntimeError: something needs to be awaited; nothing has been cleaned up yet, call `aclose`.
            CleanupError: clean-ups raised; all have been run.
        """
        waiting = [name for name, _, is_async in self._cleanups if is_async]
        if waiting:
            raise RuntimeError(
                f"FixtureFactory.close() cannot await the clean-up of {', '.join(waiting)}. "
                "Use 'async with FixtureFactory() as make', or 'await make.aclose()'."
            )
        self._is_closed = True
        failed: list[tuple[str, Exception]] = []
        while self._cleanups:
            name, cleanup, _ = self._cleanups.pop()
            try:
                if inspect.isawaitable(cleanup()):
                    raise RuntimeError("it returned something to await; use 'async with', or declare it as async")
            except Exception as error:  # noqa: BLE001 - every clean-up runs, whatever the others raise
                failed.append((name, error))
        _raise(failed)

    async def aclose(self) -> None:
        """
        As `close`, awaiting what needs to be awaited.

        When it is cancelled, the clean-up that was running is left, the others still run, and CancelledError is raised.

        Raises:
            CleanupError: clean-ups raised; all have been run.
        """
        self._is_closed = True
        failed: list[tuple[str, Exception]] = []
        interrupted: BaseException | None = None
        while self._cleanups:
            name, cleanup, _ = self._cleanups.pop()
            try:
                result = cleanup()
                if inspect.isawaitable(result):
                    await result
            except Exception as error:  # noqa: BLE001 - every clean-up runs, whatever the others raise
                failed.append((name, error))
            except BaseException as error:  # noqa: BLE001 - raised again when the others have run
                interrupted = interrupted or error
        if interrupted is not None:
            raise interrupted
        _raise(failed)

    def __enter__(self) -> FixtureFactory:  # noqa: PYI034 - it is not made to be inherited from
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> FixtureFactory:  # noqa: PYI034 - it is not made to be inherited from
        self._check_open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def _raise(failed: list[tuple[str, Exception]]) -> None:
    if failed:
        errors = tuple(error for _, error in failed)
        raise CleanupError(tuple(name for name, _ in failed), errors) from ExceptionGroup("clean-ups", errors)
