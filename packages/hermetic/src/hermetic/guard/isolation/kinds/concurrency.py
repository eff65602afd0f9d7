"""
What asynchronous code shares: context variables, the event loop policy, a living loop's switches, socket timeouts.
"""

from __future__ import annotations

import contextvars
import socket
import sys
from typing import TYPE_CHECKING, Any, Final, cast

from hermetic.guard.isolation.change import MISSING, Change, is_same
from hermetic.guard.isolation.own import belongs_to_runner
from hermetic.guard.isolation.state import Setting, State

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Iterable

# They hold what has a kind of its own: the decimal context, NumPy's error states and print options.
_OF_LIBRARIES: Final = frozenset({"decimal_context", "numpy.ufunc.extobj", "format_options"})


def settings() -> list[State[Any]]:
    """
    Those kinds that are one value each.
    """
    return [
        Setting(
            "socket-timeout",
            what="default socket timeout",
            name="socket.getdefaulttimeout()",
            get=socket.getdefaulttimeout,
            put=cast("Callable[[object], object]", socket.setdefaulttimeout),
            remedy="give the timeout to the one socket: sock.settimeout(seconds)",
            calls=("setdefaulttimeout",),
        ),
    ]


class ContextVariables(State[contextvars.Context]):
    """
    Variables of the context in which tests run. Copying a context takes constant time.
    """

    kind = "context-variable"
    what = "context variable"
    remedy = "token = variable.set(value), and variable.reset(token) in a finally; or contextvars.copy_context().run(…)"
    calls = ("set",)

    def read(self) -> contextvars.Context:
        return contextvars.copy_context()

    def changes(self, before: contextvars.Context, after: contextvars.Context) -> Iterable[Change]:
        for variable in {**dict.fromkeys(after), **dict.fromkeys(before)}:
            if variable.name in _OF_LIBRARIES:
                continue
            was, became = before.get(variable, MISSING), after.get(variable, MISSING)
            if not is_same(was, became) and not belongs_to_runner(became):
                yield Change(
                    key=id(variable), name=f"ContextVar {variable.name!r}", before=was, after=became, target=variable
                )

    def restore(self, change: Change) -> None:
        variable = cast("contextvars.ContextVar[object]", change.target)
        if change.before is not MISSING:
            variable.set(change.before)
            return
        try:
            usual = contextvars.Context().run(variable.get)
        except LookupError:
            # Only the token that its own `set` returned takes a variable out of a context again.
            raise RuntimeError("it had no value and has no default: only its own token can reset it") from None
        variable.set(usual)


class EventLoopPolicy(State[object]):
    """
    The event loop policy. The first use makes the default one, which is no stain.
    """

    kind = "event-loop-policy"
    what = "event loop policy"
    needs = "asyncio.events"
    remedy = "give the loop to the runner: asyncio.Runner(loop_factory=…); or set the old policy again in a finally"
    calls = ("set_event_loop_policy", "install")
    unloaded = None

    def read(self) -> object:
        # The global itself: the function makes a policy, and warns from Python 3.14 on.
        return getattr(sys.modules["asyncio.events"], "_event_loop_policy", None)

    def is_alike(self, before: object, after: object) -> bool:
        return before is after

    def changes(self, before: object, after: object) -> Iterable[Change]:
        if before is None and cast("object", type(after)) is _usual_policy():
            return
        if before is not after and not belongs_to_runner(after):
            yield Change(key="policy", name="asyncio's event loop policy", before=before, after=after)

    def restore(self, change: Change) -> None:
        events = cast("Any", sys.modules["asyncio.events"])
        events._event_loop_policy = change.before


def _usual_policy() -> object:
    asyncio = sys.modules.get("asyncio")
    names = ("DefaultEventLoopPolicy", "_DefaultEventLoopPolicy")
    return next((vars(asyncio)[name] for name in names if name in vars(asyncio)), None) if asyncio else None


class LoopSwitches(State[tuple[object, ...] | None]):
    """
    Debug mode and handlers of the loop that is current, when it lives through a test: a broader scope's loop.
    """

    kind = "asyncio-loop"
    what = "event loop setting"
    needs = "asyncio.events"
    remedy = "put it back in a finally: loop.set_debug(old), loop.set_exception_handler(old)"
    calls = ("set_debug", "slow_callback_duration", "set_exception_handler", "set_task_factory")
    _names = ("get_debug", "get_exception_handler", "get_task_factory")

    def read(self) -> tuple[object, ...] | None:
        policy = getattr(sys.modules["asyncio.events"], "_event_loop_policy", None)
        loop = cast("AbstractEventLoop | None", getattr(getattr(policy, "_local", None), "_loop", None))
        if loop is None or loop.is_closed():
            return None
        slow = getattr(loop, "slow_callback_duration", None)
        return loop, loop.get_debug(), loop.get_exception_handler(), loop.get_task_factory(), slow

    def is_alike(self, before: tuple[object, ...] | None, after: tuple[object, ...] | None) -> bool:
        return before is None or after is None or before[0] is not after[0] or is_same(before, after)

    def changes(self, before: tuple[object, ...] | None, after: tuple[object, ...] | None) -> Iterable[Change]:
        if before is None or after is None or before[0] is not after[0]:
            return
        names = ("debug mode", "exception handler", "task factory", "slow_callback_duration")
        for name, was, became in zip(names, before[1:], after[1:], strict=True):
            if not is_same(was, became) and not belongs_to_runner(became):
                yield Change(
                    key=(id(before[0]), name),
                    name=f"the {name} of the current event loop",
                    before=was,
                    after=became,
                    target=before[0],
                )

    def restore(self, change: Change) -> None:
        loop = cast("Any", change.target)
        name = cast("tuple[int, str]", change.key)[1]
        put = {
            "debug mode": loop.set_debug,
            "exception handler": loop.set_exception_handler,
            "task factory": loop.set_task_factory,
        }.get(name)
        if put is None:
            loop.slow_callback_duration = change.before
        else:
            put(change.before)


class StartMethod(State[object]):
    """
    How multiprocessing starts processes. The first use settles on the default, which is no stain.
    """

    kind = "start-method"
    what = "multiprocessing start method"
    needs = "multiprocessing.context"
    remedy = "context = multiprocessing.get_context('spawn'), and use that"
    calls = ("set_start_method",)
    unloaded = None

    def read(self) -> object:
        context = cast("Any", sys.modules["multiprocessing.context"])
        return context._default_context._actual_context

    def changes(self, before: object, after: object) -> Iterable[Change]:
        default = cast("Any", sys.modules["multiprocessing.context"])._default_context._default_context
        if before is not after and not (before is None and after is default):
            yield Change(key="method", name="multiprocessing's start method", before=before, after=after)

    def restore(self, change: Change) -> None:
        cast("Any", sys.modules["multiprocessing.context"])._default_context._actual_context = change.before
