"""
An event loop whose timers are exact to about 0.1 ms, where asyncio's own are late by up to 1 ms and more.

epoll_wait takes whole milliseconds, so asyncio rounds every timeout up (selectors.EpollSelector.select, CPython 3.11 to
3.14). A server that keeps drawn delays cannot afford that: half of its delays of 10 ms would be off by 5 % and more.
But an epoll descriptor can be waited for itself, and select(2) takes microseconds: so wait for it there, then collect
what is ready without waiting.
"""

from __future__ import annotations

import asyncio
import select
import selectors
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # typeshed has the class only where the platform has it.
    from selectors import EpollSelector as _Epoll

    Ready = list[tuple[selectors.SelectorKey, int]]
else:
    _Epoll = getattr(selectors, "EpollSelector", object)

# select(2) cannot watch descriptors from here on (FD_SETSIZE).
_SELECTABLE = 1024


class PreciseSelector(_Epoll):
    """
    epoll, with the timeouts of select.

    Each system call gives the interpreter's lock away, and a thread that computes gives it back late. So a wait that
    ended by its timeout is not followed by a look at what is ready, nor is the turn that the timer makes ready.
    """

    _has_waited = False

    def select(self, timeout: float | None = None) -> Ready:
        """
        As in the base class; `timeout` in seconds is kept to the microsecond.
        """
        descriptor = self.fileno()
        if timeout is not None and timeout > 0 and descriptor < _SELECTABLE:
            ready, _, _ = select.select((descriptor,), (), (), timeout)
            self._has_waited = not ready
            return super().select(0) if ready else []
        has_waited, self._has_waited = self._has_waited, False
        return [] if has_waited and timeout is not None else super().select(timeout)


def new_precise_loop() -> asyncio.AbstractEventLoop:
    """
    A loop with exact timers where there is epoll, the platform's usual one elsewhere.
    """
    if not hasattr(selectors, "EpollSelector"):
        return asyncio.new_event_loop()
    return asyncio.SelectorEventLoop(PreciseSelector())
