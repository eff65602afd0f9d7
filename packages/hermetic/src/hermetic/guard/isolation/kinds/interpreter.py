"""
The interpreter's own switches: limits, hooks, tracing, garbage collection, standard streams.
"""

from __future__ import annotations

import faulthandler
import functools
import gc
import operator
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, cast

from hermetic.foundation.switching import switching
from hermetic.guard.isolation.change import MISSING, Change, is_same
from hermetic.guard.isolation.own import belongs_to_runner
from hermetic.guard.isolation.state import Setting, State, list_changes, list_restore

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from hermetic.guard.isolation.own import OwnCode

# Their users step through a test, which starts and stops tracing at any line.
_DEBUGGERS: Final = ("bdb", "pdb", "pydevd", "_pydevd", "debugpy", "IPython", "ipdb", "pudb")


def settings() -> list[State[Any]]:
    """
    Those kinds that are one value each.
    """
    return [
        Setting(
            "recursion-limit",
            what="recursion limit",
            name="sys.getrecursionlimit()",
            get=sys.getrecursionlimit,
            put=cast("Callable[[object], object]", sys.setrecursionlimit),
            remedy="old = sys.getrecursionlimit(), and sys.setrecursionlimit(old) in a finally",
            calls=("setrecursionlimit",),
        ),
        Setting(
            "switch-interval",
            what="switch interval",
            name="sys.getswitchinterval()",
            get=switching.usual_s,
            put=cast("Callable[[object], object]", sys.setswitchinterval),
            remedy="old = sys.getswitchinterval(), and sys.setswitchinterval(old) in a finally",
            calls=("setswitchinterval",),
        ),
        Setting(
            "int-digits",
            what="limit of integer digits",
            name="sys.get_int_max_str_digits()",
            get=sys.get_int_max_str_digits,
            put=cast("Callable[[object], object]", sys.set_int_max_str_digits),
            remedy="old = sys.get_int_max_str_digits(), and sys.set_int_max_str_digits(old) in a finally",
            calls=("set_int_max_str_digits",),
        ),
        Setting(
            "asyncio-origin-tracking",
            what="coroutine origin tracking",
            name="sys.get_coroutine_origin_tracking_depth()",
            get=sys.get_coroutine_origin_tracking_depth,
            put=cast("Callable[[object], object]", sys.set_coroutine_origin_tracking_depth),
            remedy="set it back in a finally; a loop in debug mode that is never closed leaves it set",
            calls=("set_coroutine_origin_tracking_depth", "set_debug"),
        ),
        Setting(
            "faulthandler",
            what="fault handler",
            name="faulthandler.is_enabled()",
            get=faulthandler.is_enabled,
            put=lambda is_on: faulthandler.enable(file=sys.__stderr__ or 2) if is_on else faulthandler.disable(),
            remedy="faulthandler.enable() in a finally, or leave it alone: pytest shows crashes through it",
            calls=("disable", "enable"),
        ),
    ]


class GarbageCollection(State[tuple[object, ...]]):
    """
    Whether the collector is on, its thresholds and debug flags, and the callbacks that the project's code added.
    """

    kind = "gc"
    what = "garbage collector setting"
    remedy = "put it back in a finally: gc.enable(), gc.set_threshold(*old), gc.set_debug(old), gc.callbacks.remove(f)"
    calls = ("disable", "enable", "set_threshold", "set_debug", "callbacks")

    def __init__(self, own: OwnCode) -> None:
        self._own = own

    def read(self) -> tuple[object, ...]:
        return gc.isenabled(), gc.get_threshold(), gc.get_debug(), tuple(gc.callbacks)

    def changes(self, before: tuple[object, ...], after: tuple[object, ...]) -> Iterable[Change]:
        names = ("gc.isenabled()", "gc.get_threshold()", "gc.get_debug()")
        for name, was, became in zip(names, before, after, strict=False):
            if was != became:
                yield Change(key=name, name=name, before=was, after=became)
        was, became = cast("tuple[object, ...]", before[3]), cast("tuple[object, ...]", after[3])
        for change in list_changes(was, became, name="gc.callbacks"):
            # Libraries add theirs when they are first used.
            if change.before is not MISSING or self._own.added(change.after):
                yield change

    def restore(self, change: Change) -> None:
        if change.key == "gc.isenabled()":
            (gc.enable if change.before else gc.disable)()
        elif change.key == "gc.get_threshold()":
            gc.set_threshold(*cast("tuple[int, int, int]", change.before))
        elif change.key == "gc.get_debug()":
            gc.set_debug(cast("int", change.before))
        else:
            list_restore(cast("list[object]", gc.callbacks), change)


class Attributes(State[tuple[object, ...]]):
    """
    Attributes of modules, compared by identity, that test runners replace as well: their own objects are no stain.

    Args:
        kind: see `State.kind`.
        what: see `State.what`.
        holders: the modules and the names of their attributes.
        get: returns all their values, faster than by name; may raise AttributeError.
        remedy: see `State.remedy`.
        calls: see `State.calls`.
    """

    def __init__(
        self,
        kind: str,
        *,
        what: str,
        holders: tuple[tuple[Any, str], ...],
        get: Callable[[], tuple[object, ...]],
        remedy: str,
        calls: tuple[str, ...],
    ) -> None:
        self.kind = kind
        self.what = what
        self.remedy = remedy
        self.calls = calls
        self._holders = holders
        self._get = get

    def read(self) -> tuple[object, ...]:
        try:
            return self._get()
        except AttributeError:  # one was deleted
            return tuple([getattr(module, name, MISSING) for module, name in self._holders])

    def is_alike(self, before: tuple[object, ...], after: tuple[object, ...]) -> bool:
        return all(map(operator.is_, before, after))

    def changes(self, before: tuple[object, ...], after: tuple[object, ...]) -> Iterable[Change]:
        for (module, name), was, became in zip(self._holders, before, after, strict=True):
            if is_same(was, became) or belongs_to_runner(became):
                continue
            shown = f"{module.__name__}.{name}"
            yield Change(key=(id(module), name), name=shown, before=was, after=became, target=module)

    def restore(self, change: Change) -> None:
        name = change.name.rpartition(".")[2]
        if change.before is MISSING:
            delattr(change.target, name)
        else:
            setattr(change.target, name, change.before)


def attributes() -> list[State[Any]]:
    """
    The standard streams, and the hooks that show what nobody caught.
    """
    return [
        Attributes(
            "stdio",
            what="standard stream",
            holders=((sys, "stdin"), (sys, "stdout"), (sys, "stderr")),
            get=functools.partial(operator.attrgetter("stdin", "stdout", "stderr"), sys),
            remedy="with contextlib.redirect_stdout(stream): …, or monkeypatch.setattr(sys, 'stdout', stream)",
            calls=("stdin", "stdout", "stderr"),
        ),
        Attributes(
            "hooks",
            what="interpreter hook",
            holders=(
                (sys, "excepthook"),
                (sys, "unraisablehook"),
                (sys, "displayhook"),
                (sys, "breakpointhook"),
                (threading, "excepthook"),
            ),
            get=lambda: (
                sys.excepthook,
                sys.unraisablehook,
                sys.displayhook,
                sys.breakpointhook,
                threading.excepthook,
            ),
            remedy="monkeypatch.setattr(sys, 'excepthook', hook), which puts the old one back",
            calls=("excepthook", "unraisablehook", "displayhook", "breakpointhook"),
        ),
    ]


class Tracing(State[tuple[object, ...]]):
    """
    The trace and profile functions of the main thread and of threads to come. Debuggers may do what they like.
    """

    kind = "trace"
    what = "trace function"
    remedy = "old = sys.gettrace(), and sys.settrace(old) in a finally; without it coverage and debuggers are off"
    calls = ("settrace", "setprofile")

    def read(self) -> tuple[object, ...]:
        # The hooks of `threading` without a call each, as its own functions return them.
        names = vars(threading)
        return sys.gettrace(), sys.getprofile(), names["_trace_hook"], names["_profile_hook"]

    def changes(self, before: tuple[object, ...], after: tuple[object, ...]) -> Iterable[Change]:
        names = ("sys.gettrace()", "sys.getprofile()", "threading.gettrace()", "threading.getprofile()")
        for name, was, became in zip(names, before, after, strict=True):
            if not is_same(was, became) and not _of_debugger(was) and not _of_debugger(became):
                yield Change(key=name, name=name, before=was, after=became)

    def restore(self, change: Change) -> None:
        module = sys if str(change.key).startswith("sys") else threading
        put = module.settrace if "trace" in str(change.key) else module.setprofile
        put(cast("Any", change.before))

    def event(self, change: Change) -> tuple[str, Hashable]:
        return "trace", "trace" if "trace" in str(change.key) else "profile"


def _of_debugger(function: object) -> bool:
    owner = getattr(function, "__self__", function)
    module = getattr(function, "__module__", None) or type(owner).__module__
    return str(module).partition(".")[0] in _DEBUGGERS or type(owner).__module__.partition(".")[0] in _DEBUGGERS


class Arguments(State[tuple[object, tuple[object, ...]]]):
    """
    `sys.argv`: the list and what it holds.
    """

    kind = "argv"
    what = "sys.argv"
    remedy = "monkeypatch.setattr(sys, 'argv', ['program', 'argument'])"
    calls = ("argv",)

    def read(self) -> tuple[object, tuple[object, ...]]:
        return sys.argv, tuple(sys.argv)

    def changes(
        self, before: tuple[object, tuple[object, ...]], after: tuple[object, tuple[object, ...]]
    ) -> Iterable[Change]:
        if not is_same(before[1], after[1]):
            yield Change(key="argv", name="sys.argv", before=list(before[1]), after=list(after[1]), target=before[0])

    def restore(self, change: Change) -> None:
        was = cast("list[str]", change.before)
        if type(change.target) is list:
            sys.argv = cast("list[str]", change.target)
            sys.argv[:] = was
        else:
            sys.argv = list(was)
