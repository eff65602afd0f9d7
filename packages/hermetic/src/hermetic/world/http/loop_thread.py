"""
A thread with an event loop of its own, so that the code under test cannot slow a server down, nor be slowed by it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import traceback
from typing import TYPE_CHECKING, Any, TypeVar

from hermetic.foundation.frames import stack_of
from hermetic.foundation.switching import switching
from hermetic.world.http.precise_loop import new_precise_loop

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable, Coroutine

_T = TypeVar("_T")


class LoopThread:
    """
    Started when made; ends by `stop`. A daemon, so that a handler that blocks for ever cannot keep the process.
    """

    def __init__(self, *, name: str, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> None:
        self.loop = (loop_factory or new_precise_loop)()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        # So that a drawn delay is kept also while the code under test computes.
        switching.hold_short()
        try:
            self.loop.run_forever()
        finally:
            switching.release()
            asyncio.set_event_loop(None)
            executor: Any = getattr(self.loop, "_default_executor", None)
            if executor is not None:
                # close() would leave its threads waiting for work; wait=True would wait for a handler's.
                executor.shutdown(wait=False, cancel_futures=True)
            self.loop.close()

    @property
    def is_current(self) -> bool:
        return threading.current_thread() is self._thread

    def submit(self, work: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def end_soon(self) -> None:
        """
        End the loop, and with it the thread, on the loop's next turn; harmless when it has ended.
        """
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.loop.stop)

    def stop(self, *, timeout: float) -> bool:
        """
        End the loop and the thread; False when it did not end within `timeout` seconds. It ends when it can.
        """
        self.end_soon()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def where(self) -> str:
        """
        The line its thread is at now, with those that led there.
        """
        frames = stack_of(self._thread.ident or 0)[:3]
        if not frames:
            return "nowhere"
        stack = traceback.StackSummary.extract((frame, frame.f_lineno) for frame in reversed(frames))
        return " > ".join(f"{line.filename}:{line.lineno} in {line.name}" for line in stack)
