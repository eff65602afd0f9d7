"""
Who holds a lock. Neither `asyncio.Lock` nor `threading.Lock` knows.

A frame that stands inside `with lock:` or `async with lock:` holds it, and the source says whether it does: the
statement's expression, when it is a plain chain of names ("self._lock"), is looked up in that frame. Nothing is called.
Where a lock was taken by `acquire()` instead, nobody can be named by this; a frame that merely refers to the lock in a
variable is not accused.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import textwrap
from typing import TYPE_CHECKING

from hermetic.foundation.frames import locals_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

_MISSING = object()


def held_by(frame: FrameType) -> Iterator[object]:
    """
    The context managers whose blocks a frame stands in, as far as their expressions can be looked up.
    """
    line = frame.f_lineno or 0
    for statement in _statements(frame):
        if statement.body[0].lineno <= line <= (statement.body[-1].end_lineno or 0):
            yield from _managers(statement.items, frame)


def entering(frame: FrameType) -> object | None:
    """
    The lock that a frame's current line is about to take with a plain `with lock:`; None when the line is no such.
    """
    items = [
        item
        for statement in _statements(frame)
        if isinstance(statement, ast.With)
        for item in statement.items
        if item.context_expr.lineno == frame.f_lineno
    ]
    return next(_managers(items, frame), None)


def _managers(items: Iterable[ast.withitem], frame: FrameType) -> Iterator[object]:
    values = (_looked_up(item.context_expr, frame) for item in items)
    return (value for value in values if value is not _MISSING)


def _statements(frame: FrameType) -> tuple[ast.With | ast.AsyncWith, ...]:
    # Only the function's own lines are parsed: whole modules would make a capture take a second.
    code = frame.f_code
    last = max((line for _, _, line in code.co_lines() if line is not None), default=code.co_firstlineno)
    return _parsed(
        "".join(linecache.getlines(code.co_filename, frame.f_globals)[code.co_firstlineno - 1 : last]),
        code.co_firstlineno,
    )


@functools.lru_cache(maxsize=256)
def _parsed(block: str, first: int) -> tuple[ast.With | ast.AsyncWith, ...]:
    if "with " not in block:
        return ()
    try:
        tree = ast.increment_lineno(ast.parse(textwrap.dedent(block)), first - 1)
    except (SyntaxError, ValueError):
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.With | ast.AsyncWith))


def _looked_up(expression: ast.expr, frame: FrameType) -> object:
    if isinstance(expression, ast.Name):
        missing = frame.f_globals.get(expression.id, _MISSING)
        return locals_of(frame).get(expression.id, missing)
    if isinstance(expression, ast.Attribute):
        owner = _looked_up(expression.value, frame)
        return _MISSING if owner is _MISSING else _attribute(owner, expression.attr)
    return _MISSING


def _attribute(owner: object, name: str) -> object:
    # Static: a property is not run, since that could do anything while the program hangs.
    try:
        value = inspect.getattr_static(owner, name)
        return value.__get__(owner, type(owner)) if inspect.ismemberdescriptor(value) else value
    except AttributeError:
        return _MISSING


def holds(frame: FrameType, lock: object) -> bool:
    """
    Whether a frame stands inside a `with` block of this very lock.
    """
    return any(value is lock for value in held_by(frame))
