"""
What the process has, looked at now and then by the thread that writes the journal: the curves beneath a timeline.
"""

from __future__ import annotations

import os
from os import getpid, pread, stat
from threading import active_count
from typing import TYPE_CHECKING, Final

from hermetic.record.moments import resources_sampled

if TYPE_CHECKING:
    from hermetic.record.moments import Moment

PERIOD_S: Final = 0.1


class Sampler:
    """
    Called with the monotonic time, it answers a sample, or None when the last one is younger than `PERIOD_S` or the system
    does not tell.

    It opens nothing while tests run: whoever counts descriptors or files at that moment would take what it opens for a
    test's. Its one descriptor is opened with it and closed by `close`.

    Source: proc(5), the second number of /proc/PID/statm is the resident set in pages; the size of the directory
    /proc/PID/fd is the number of descriptors from Linux 6.2 on, and 0 before.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._page = os.sysconf("SC_PAGE_SIZE")
        self._last = float("-inf")
        try:
            self._file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    # A test may replace what it is asked with in `os` and `threading`: the functions are those of the start.
    def __call__(self, now: float) -> Moment | None:
        if now - self._last < PERIOD_S or self._file < 0 or self._pid != getpid():
            return None
        self._last = now
        try:
            resident = int(pread(self._file, 256, 0).split()[1]) * self._page
            descriptors = stat("/proc/self/fd").st_size  # noqa: PTH116 - a third of what a Path costs
        except (OSError, ValueError, IndexError):
            return None
        return resources_sampled, (now, resident, descriptors, active_count())

    def close(self) -> None:
        """
        May be called more than once.
        """
        file, self._file = self._file, -1
        if file >= 0 and self._pid == os.getpid():
            os.close(file)
