"""
Stacks of threads that run meanwhile, taken so that the interpreter survives it.

CPython 3.11 makes a frame's object when it is asked for, and making one may start the garbage collector. Its callbacks and
finalizers are Python code, during which the other thread may go on; when they are done, the frame may be gone that the object is
then given, and the process dies of a segmentation fault, at once or later (Objects/frame.c, `_PyFrame_MakeAndSetFrameObject`; from
3.12 on the collector waits until no C code is under way). So a stack is taken here in one call into C code, in which no other thread
gets its turn, with the collector at rest.
"""

from __future__ import annotations

import gc
import sys
from functools import partial
from itertools import accumulate, chain, repeat, takewhile
from operator import call, methodcaller, truth
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

T = TypeVar("T")
_COLLECTS_ANYWHERE: Final = sys.version_info < (3, 12)
_CALL: Final[Any] = call
_REST: Final = partial(gc.set_threshold, 0)


def stack_of(ident: int) -> list[FrameType]:
    """
    The frames of a thread, innermost first; empty when it has ended. What they say of their place may be newer than the stack.
    """
    top = map(methodcaller("get", ident), map(call, (sys._current_frames,)))  # noqa: SLF001 - the documented way to a thread's stack
    # `getattr` is given a frame and "f_back" again and again; None after the outermost ends it.
    links: Any = accumulate(chain(top, repeat("f_back", sys.getrecursionlimit())), getattr)
    return _at_rest(partial(list[Any], takewhile(truth, links)))


def stacks() -> dict[int, list[FrameType]]:
    """
    Those of all threads, by ident.
    """
    found = {ident: stack_of(ident) for ident in _at_rest(sys._current_frames)}  # noqa: SLF001 - as above
    return {ident: frames for ident, frames in found.items() if frames}


def locals_of(frame: FrameType) -> dict[str, Any]:
    """
    The variables of a frame that may belong to another thread.
    """
    return _at_rest(partial(getattr, frame, "f_locals"))


def _at_rest(take: Callable[[], T]) -> T:
    if not _COLLECTS_ANYWHERE:
        return take()
    wake = partial(gc.set_threshold, *gc.get_threshold())
    try:
        # One call, so that nobody ever sees the collector at rest.
        steps: tuple[Any, ...] = (_REST, take, wake)
        done: list[Any] = list(map(_CALL, steps))
    except BaseException:
        wake()
        raise
    taken: T = done[1]
    return taken
