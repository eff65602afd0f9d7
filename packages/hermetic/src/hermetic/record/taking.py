"""
From a live exception to its values, while its frames and its objects can still be asked.
"""

from __future__ import annotations

import linecache
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hermetic.record.failure import Failure, FailureFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from hermetic.guard.capture import Project
    from hermetic.record.failure import FactValue

    FactsOf = Callable[[BaseException, Mapping[str, object]], dict[str, FactValue]]

_MOST_FRAMES: Final = 60
_LONGEST_CHAIN: Final = 10
_LONGEST_MESSAGE: Final = 8192


def failure_of(
    error: BaseException,
    *,
    project: Project,
    facts: FactsOf | None = None,
    given: Mapping[str, object] | None = None,
    root: str = "",
) -> Failure:
    """
    The exception and what caused it, as values. Files below the directory `root` are named relative to it, so that the same
    failure is the same on every machine.

    `facts` is asked for what the objects of each exception know; `given` are the values of the test's fixtures by name. It
    never raises: an exception whose text cannot be had is told as such.
    """
    from hermetic.record.history.nature import nature_of  # noqa: PLC0415 - only failures pay for it

    return replace(_failure(error, project, facts, given or {}, root=root, depth=0), nature=nature_of(error))


def _failure(
    error: BaseException, project: Project, facts: FactsOf | None, given: Mapping[str, object], *, root: str, depth: int
) -> Failure:
    following = _following(error)
    known: dict[str, FactValue] = {}
    if facts is not None:
        try:
            known = facts(error, given)
        except Exception as problem:  # noqa: BLE001 - a fact that cannot be had is no reason to lose the failure
            known = {"facts.failed": type(problem).__name__}
    return Failure(
        type=type_name(type(error)),
        message=_message(error),
        bases=tuple(type_name(base) for base in type(error).__mro__[1:-1]),
        frames=frames_of(error.__traceback__, project, root=root),
        facts=known,
        cause=None
        if following is None or depth >= _LONGEST_CHAIN
        else _failure(following, project, facts, given, root=root, depth=depth + 1),
    )


def _following(error: BaseException) -> BaseException | None:
    # What a group holds made it fail: its first part that is no cancellation, since that one cancelled the others.
    if isinstance(error, BaseExceptionGroup):
        parts: tuple[BaseException, ...] = error.exceptions  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # of any exceptions
        return next(
            (one for one in parts if "CancelledError" not in {base.__name__ for base in type(one).__mro__}), parts[0]
        )
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def type_name(cls: type) -> str:
    """
    The class with its module, without one for what is built in.
    """
    module = cls.__module__
    return cls.__qualname__ if module == "builtins" else f"{module}.{cls.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as problem:  # noqa: BLE001 - a user's broken __str__
        return f"<its text could not be had: {type(problem).__name__}>"
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


def frames_of(trace: TracebackType | None, project: Project, *, root: str = "") -> tuple[FailureFrame, ...]:
    """
    The frames of a traceback, outermost first; of a very deep one the innermost.
    """
    above = root.rstrip(os.sep) + os.sep if root else ""
    found: list[FailureFrame] = []
    while trace is not None:
        frame: Any = trace.tb_frame
        code = frame.f_code
        found.append(
            FailureFrame(
                file=code.co_filename.removeprefix(above),
                line=trace.tb_lineno or 0,
                function=getattr(code, "co_qualname", code.co_name),
                module=str(frame.f_globals.get("__name__", "")),
                source=linecache.getline(code.co_filename, trace.tb_lineno or 0, frame.f_globals).strip()[:200],
                is_own=project.owns(code.co_filename),
            )
        )
        trace = trace.tb_next
    return tuple(found[-_MOST_FRAMES:])
