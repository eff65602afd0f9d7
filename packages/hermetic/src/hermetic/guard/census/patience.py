"""
How long what is still there is waited for before it is called left over.

What has been told to end needs a moment to do so, and on a busy machine as much more as the machine takes from it: of which the
kernel tells. Loaded only where something is still there.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE_S: Final = 0.05
"""
For what nobody works on.
"""
_BUSY_GRACE_S: Final = 1.0
_STEP_S: Final = 0.005


def outlasts(
    is_there: Callable[[], bool], *, is_worked_on: Callable[[], bool], pause: Callable[[float], object] = time.sleep
) -> bool:
    """
    Whether something is still there when nobody has worked on it for 0.05 s, or after a second of work.

    Args:
        is_there: asked again and again.
        is_worked_on: whether what would end it has a processor or waits for one, as far as one look tells. One that finds nobody
            says little: a thread waits now and then, for the interpreter's lock or a disk.
        pause: waits for so many seconds between the looks, or less when it notices the end.
    """
    began = idle_since = time.monotonic()
    while is_there():
        now = time.monotonic()
        if now - began < _BUSY_GRACE_S and is_worked_on():
            idle_since = now
        if now - idle_since >= GRACE_S:
            return True
        pause(_STEP_S)
    return False
