"""
What a process says: logging and warnings.
"""

from __future__ import annotations

import logging
import sys
import types
import warnings
from typing import TYPE_CHECKING, Any, Final, cast

from hermetic.guard.isolation.change import MISSING, Change, is_same
from hermetic.guard.isolation.own import belongs_to_runner
from hermetic.guard.isolation.state import State, list_changes, list_restore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermetic.guard.isolation.own import OwnCode

_SETTINGS: Final = ("level", "propagate", "disabled")


class Logging(State["tuple[object, ...]"]):
    """
    `logging.disable`, the logger class, and level, propagate, disabled and handlers of every logger.

    With hundreds of loggers a full reading is too dear for each test. Every change of a level goes through
    `Manager._clear_cache`, so a mark in the root logger's cache tells whether there was one; the loggers whose other
    attributes are not as a new logger has them are few, and only they are compared.
    """

    kind = "logging"
    what = "logging"
    remedy = "caplog.set_level(level, logger=name), or put it back in a finally: logger.removeHandler(handler)"
    calls = (
        *("setLevel", "addHandler", "removeHandler", "disable", "propagate", "disabled", "handlers", "basicConfig"),
        *("dictConfig", "fileConfig", "setLoggerClass", "level"),
    )
    _mark: Final = "hermetic"

    def __init__(self, own: OwnCode) -> None:
        self._own = own
        self._count = -1
        self._loggers: list[logging.Logger] = []
        self._levels: dict[logging.Logger, int] = {}

    def read(self) -> tuple[object, ...]:
        manager = logging.Logger.manager
        cache: dict[object, object] | None = getattr(logging.root, "_cache", None)
        if len(manager.loggerDict) != self._count:
            self._find(manager)
        if cache is None or self._mark not in cache:
            # Made anew, never changed in place: readings share it.
            self._levels = {logger: logger.level for logger in self._loggers if logger.level}
            if cache is not None:
                cache[self._mark] = True
        odd = [
            (one, one.propagate, one.disabled, tuple(one.handlers))
            for one in self._loggers
            if one.handlers or one.disabled or one.propagate is not True
        ]
        return manager.disable, vars(logging)["_loggerClass"], self._levels, odd, self._loggers

    def _find(self, manager: logging.Manager) -> None:
        found = list(manager.loggerDict.values())
        self._count = len(found)
        self._loggers = [logging.root, *(one for one in found if isinstance(one, logging.Logger))]
        self._levels = {logger: logger.level for logger in self._loggers if logger.level}

    def is_alike(self, before: tuple[object, ...], after: tuple[object, ...]) -> bool:
        return before[0] == after[0] and before[1] is after[1] and before[2] == after[2] and before[3] == after[3]

    def changes(self, before: tuple[object, ...], after: tuple[object, ...]) -> Iterable[Change]:
        if before[0] != after[0]:
            yield Change(key="disable", name="logging.disable", before=before[0], after=after[0])
        if before[1] is not after[1]:
            yield Change(key="class", name="logging.getLoggerClass()", before=before[1], after=after[1])
        was, became = _attributes(before), _attributes(after)
        known = set(cast("list[logging.Logger]", before[4]))
        for logger in {**was, **became}:
            if logger not in known and self._is_of_library(logger):
                continue
            yield from self._of_logger(logger, was.get(logger, _USUAL), became.get(logger, _USUAL))

    def _of_logger(self, logger: logging.Logger, was: dict[str, Any], became: dict[str, Any]) -> Iterable[Change]:
        shown = "the root logger" if logger is logging.root else f"logger {logger.name!r}"
        for name in _SETTINGS:
            if not is_same(was[name], became[name]):
                yield Change(
                    key=(id(logger), name),
                    name=f"{name} of {shown}",
                    before=was[name],
                    after=became[name],
                    target=logger,
                )
        for change in list_changes(was["handlers"], became["handlers"], name=f"handlers of {shown}"):
            handler = change.after if change.before is MISSING else change.before
            if not belongs_to_runner(handler):
                yield Change(
                    key=(id(logger), change.key),
                    name=change.name,
                    before=change.before,
                    after=change.after,
                    target=(logger, change),
                )

    def _is_of_library(self, logger: logging.Logger) -> bool:
        # A library that is imported for the first time makes its loggers and sets them up.
        module = sys.modules.get(logger.name.partition(".")[0])
        return isinstance(module, types.ModuleType) and self._own.role(module) == "other"

    def restore(self, change: Change) -> None:
        if change.key == "disable":
            logging.disable(cast("int", change.before))
        elif change.key == "class":
            logging.setLoggerClass(cast("type[logging.Logger]", change.before))
        elif isinstance(change.target, logging.Logger):
            _, name = cast("tuple[int, str]", change.key)
            if name == "level":
                change.target.setLevel(cast("int", change.before))
            else:
                setattr(change.target, name, change.before)
        else:
            logger, inner = cast("tuple[logging.Logger, Change]", change.target)
            list_restore(cast("list[object]", logger.handlers), inner)


_USUAL: Final[dict[str, Any]] = {"level": 0, "propagate": True, "disabled": False, "handlers": ()}


def _attributes(reading: tuple[object, ...]) -> dict[logging.Logger, dict[str, Any]]:
    found: dict[logging.Logger, dict[str, Any]] = {}
    for logger, level in cast("dict[logging.Logger, int]", reading[2]).items():
        found[logger] = {**_USUAL, "level": level}
    for logger, propagate, disabled, handlers in cast("list[tuple[logging.Logger, Any, Any, Any]]", reading[3]):
        known = found.get(logger, _USUAL)
        found[logger] = {**known, "propagate": propagate, "disabled": disabled, "handlers": handlers}
    return found


class WarningFilters(State[tuple[object, tuple[object, ...], object]]):
    """
    The list of warnings filters and the function that shows a warning.

    pytest puts its own list in place for each test, so what is left behind in a test is gone with it where that is on.
    """

    kind = "warnings"
    what = "warnings filters"
    moves_between_tests = True
    remedy = "with warnings.catch_warnings(): …, or @pytest.mark.filterwarnings on the test"
    calls = ("simplefilter", "filterwarnings", "resetwarnings", "showwarning", "filters", "catch_warnings")

    def read(self) -> tuple[object, tuple[object, ...], object]:
        return warnings.filters, tuple(warnings.filters), warnings.showwarning

    def is_alike(
        self, before: tuple[object, tuple[object, ...], object], after: tuple[object, tuple[object, ...], object]
    ) -> bool:
        return before[1] == after[1] and before[2] is after[2]

    def changes(
        self, before: tuple[object, tuple[object, ...], object], after: tuple[object, tuple[object, ...], object]
    ) -> Iterable[Change]:
        if not _are_same_filters(before[1], after[1]):
            yield Change(
                key="filters",
                name="warnings.filters",
                before=list(before[1]),
                after=list(after[1]),
                target=before[0],
                note=_filter_note(before[1], after[1]),
            )
        if before[2] is not after[2] and not belongs_to_runner(after[2]):
            key = (id(warnings), "showwarning")
            yield Change(key=key, name="warnings.showwarning", before=before[2], after=after[2])

    def restore(self, change: Change) -> None:
        if change.key != "filters":
            warnings.showwarning = cast("Any", change.before)
            return
        current = cast("list[Any]", change.target)
        current[:] = cast("list[Any]", change.before)
        cast("Any", warnings).filters = current
        mutated = getattr(warnings, "_filters_mutated", None) or getattr(warnings, "_filters_mutated_lock_held", None)
        if mutated is not None:
            with getattr(warnings, "_lock", _NO_LOCK):
                mutated()


class _NoLock:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


_NO_LOCK: Final = _NoLock()


def _are_same_filters(before: tuple[object, ...], after: tuple[object, ...]) -> bool:
    # Patterns and classes inside a filter are told apart by identity; `re` returns the same pattern for the same text.
    return is_same(before, after)


def _filter_note(before: tuple[object, ...], after: tuple[object, ...]) -> str:
    new = [one for one in after if not any(is_same(one, other) for other in before)]
    lost = [one for one in before if not any(is_same(one, other) for other in after)]
    words = [f"added {len(new)}: {_shown(new)}"] if new else []
    words += [f"removed {len(lost)}: {_shown(lost)}"] if lost else []
    return "; ".join(words) or "the order changed"


def _shown(filters: list[object]) -> str:
    names = [
        " ".join(str(getattr(part, "__name__", part)) for part in cast("tuple[object, ...]", one)[:3] if part)
        for one in filters[:3]
        if isinstance(one, tuple)
    ]
    return ", ".join(names) + (", …" if len(filters) > 3 else "")
