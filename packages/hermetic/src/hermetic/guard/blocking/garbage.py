"""
What full garbage collections have cost, since they strike a callback that has nothing to do with them.
"""

from __future__ import annotations

import gc
from time import thread_time
from typing import Any

_FULL = 2


class Garbage:
    """
    `total_s` is the processor time of all full collections of the process.
    """

    def __init__(self) -> None:
        self.total_s = 0.0
        self._began = 0.0
        self._now = thread_time

    def start(self) -> None:
        gc.callbacks.append(self._note)

    def stop(self) -> None:
        if self._note in gc.callbacks:
            gc.callbacks.remove(self._note)

    def _note(self, phase: str, info: dict[str, Any]) -> None:
        if info["generation"] != _FULL:
            return
        if phase == "start":
            self._began = self._now()
        elif self._began:
            self.total_s += self._now() - self._began
            self._began = 0.0
