"""
What one thread has used of the processor, and how long it waited for one.
"""

from __future__ import annotations

import os
import time

# Bound before the census watches them: what the watching thread opens for a moment belongs to no test.
_open, _read, _close = os.open, os.read, os.close


class Look:
    """
    One look at a thread, all in seconds since arbitrary starts: only differences between two looks mean anything.

    `at` is the monotonic clock, `busy` the thread's processor time, `others` that of the process's other threads,
    `garbage` what full collections have taken. `queued` is how long the thread was ready to run without a processor,
    `watcher_queued` the same of the thread that looks; both are None where nobody asked, since they cost a file read.
    `is_asleep` says whether it waited in the kernel at that very moment, `turns` how often it had got a processor by then.
    """

    # Written out: a dataclass costs every run with asyncio most of a millisecond at its start.
    __slots__ = ("at", "busy", "garbage", "is_asleep", "others", "queued", "turns", "watcher_queued")

    def __init__(
        self,
        *,
        at: float,
        busy: float,
        others: float,
        garbage: float,
        queued: float | None = None,
        watcher_queued: float | None = None,
        is_asleep: bool = False,
        turns: int = 0,
    ) -> None:
        self.at = at
        self.busy = busy
        self.others = others
        self.garbage = garbage
        self.queued = queued
        self.watcher_queued = watcher_queued
        self.is_asleep = is_asleep
        self.turns = turns


def thread_clock(native_id: int) -> int:
    """
    The id by which `time.clock_gettime` tells the processor time of any thread of this process.

    Unlike `pthread_getcpuclockid` it is safe for a thread that has ended: the kernel refuses it with an OSError.

    Source: CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED in Linux, include/linux/posix-timers_types.h.
    """
    return (~native_id << 3) | 6


def busy_s(native_id: int) -> float:
    """
    Processor time of a thread.

    Raises:
        OSError: it has ended.
    """
    return time.clock_gettime(thread_clock(native_id))


def queue_of(native_id: int) -> tuple[float, int]:
    """
    How long a thread was ready to run and got no processor, and how often it got one; zeros where the kernel does not tell.

    Source: Linux, Documentation/scheduler/sched-stats.rst, /proc/<pid>/schedstat: the second number, in nanoseconds, and the third.
    """
    try:
        _, queued, turns, *_ = _told(native_id, "schedstat").split()
        return int(queued) / 1e9, int(turns)
    except (OSError, ValueError):
        return 0.0, 0


def is_asleep(native_id: int) -> bool:
    """
    Whether a thread waits in the kernel now; True where the kernel does not tell.

    A thread that runs is not asleep even while its processor is lent to another virtual machine, a time that is in
    neither its processor time nor its queue's.

    Source: Linux, proc_pid_stat(5): the state is the field after the name, which may itself hold parentheses.
    """
    try:
        return _told(native_id, "stat").rpartition(b")")[2].split()[0] in {b"S", b"D"}
    except (OSError, IndexError):
        return True


def _told(native_id: int, name: str) -> bytes:
    number = _open(f"/proc/self/task/{native_id}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _read(number, 4096)
    finally:
        _close(number)


def look_at(native_id: int, *, garbage: float, watcher: int | None = None) -> Look:
    """
    Look at a thread now; with `watcher`, the native id of the thread that looks regularly, at the queues too.

    Raises:
        OSError: it has ended.
    """
    busy = busy_s(native_id)
    queued, turns = (None, 0) if watcher is None else queue_of(native_id)
    return Look(
        at=time.clock_gettime(time.CLOCK_MONOTONIC),
        busy=busy,
        others=time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID) - busy,
        garbage=garbage,
        queued=queued,
        watcher_queued=None if watcher is None else queue_of(watcher)[0],
        is_asleep=watcher is not None and is_asleep(native_id),
        turns=turns,
    )
