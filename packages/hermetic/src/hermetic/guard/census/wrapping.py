"""
Watching a class or module of somebody else: its function is replaced by one that calls it and then tells.

What the observer raises is dropped, since it must never reach the caller. Undoing restores the original only where
nobody has put another function on top since.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake, Tracker


def replace(holder: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[[], None]:
    """
    Put `make(original)` in place of `holder.name`; returns what puts the original back.
    """
    own = name in holder.__dict__
    original = getattr(holder, name)
    wrapper = functools.wraps(original)(make(original))
    setattr(holder, name, wrapper)

    def undo() -> None:
        if holder.__dict__.get(name) is not wrapper:
            return
        if own:
            setattr(holder, name, original)
        else:
            delattr(holder, name)

    return undo


def after(holder: Any, name: str, seen: Callable[..., None]) -> Callable[[], None]:
    """
    Call `seen(*arguments)` with the positional arguments of each call of `holder.name` that returned.
    """

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            result = original(*arguments, **named)
            with contextlib.suppress(Exception):
                seen(*arguments)
            return result

        return called

    return replace(holder, name, make)


def before(holder: Any, name: str, seen: Callable[..., None]) -> Callable[[], None]:
    """
    Call `seen(*arguments)` with the positional arguments before each call of `holder.name`.
    """

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            # Five times a test on a loop, and `suppress` costs more than most of what is called.
            try:  # noqa: SIM105 - see above
                seen(*arguments)
            except Exception:  # noqa: BLE001, S110 - what watches a call must not keep it from being made
                pass
            return original(*arguments, **named)

        return called

    return replace(holder, name, make)


def after_result(holder: Any, name: str, seen: Callable[[str, Any], None]) -> Callable[[], None]:
    """
    Call `seen(name, result)` with what each call of `holder.name` returned.
    """

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            __tracebackhide__ = True
            result = original(*arguments, **named)
            with contextlib.suppress(Exception):
                seen(name, result)
            return result

        return called

    return replace(holder, name, make)


def at_creation(cls: type, tracker: Tracker, intake: Intake) -> Callable[[], None]:
    """
    Hand in each instance of `cls` once its `__init__` has returned.
    """

    def seen(instance: object, *_: object) -> None:
        # Above this function: `called`, then the caller.
        intake.opened(tracker, instance, skip=3)

    return after(cls, "__init__", seen)


def all_of(undoes: list[Callable[[], None]]) -> Callable[[], None]:
    """
    One function that undoes all, the last first, with those that join the list later.
    """

    def undo() -> None:
        while undoes:
            undoes.pop()()

    return undo
