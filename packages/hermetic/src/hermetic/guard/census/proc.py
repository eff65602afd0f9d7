"""
Processes as the kernel tells of them below /proc. Elsewhere than on Linux nothing is known of any.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC: Final = Path("/proc")
_PF_EXITING: Final = 0x4


# A named tuple: every run makes this class at its start, at a quarter of what a dataclass costs.
class Process(NamedTuple):
    """
    A process at one moment. `began_s` counts from the machine's start; `layout` is the same in a process and in what it
    forked, until one of them starts another program, because each start draws its addresses anew.

    Source: proc_pid_stat(5), fields 3, 4, 9, 22, 26 and 28.
    """

    pid: int
    state: str
    is_ending: bool
    parent: int
    began_s: float
    layout: tuple[int, int]


def read(pid: int) -> Process | None:
    """
    The process with this number, None when there is none or it may not be looked at.
    """
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name stands in brackets and may hold anything, brackets too.
    fields = text[text.rfind(")") + 2 :].split()
    if len(fields) < 26:
        return None
    return Process(
        pid=pid,
        state=fields[0],
        is_ending=bool(int(fields[6]) & _PF_EXITING),
        parent=int(fields[1]),
        began_s=int(fields[19]) / os.sysconf("SC_CLK_TCK"),
        layout=(int(fields[23]), int(fields[25])),
    )


def is_running(number: int) -> bool:
    """
    Whether a process, or a thread of any, has a processor, waits for one or for a disk, or is ending. On a busy machine what
    has been told to end may not have been let do so yet.

    Source: proc_pid_stat(5), fields 3 and 9; proc(5) on threads, whose directories are there but not listed; the flag
    PF_EXITING in the kernel's include/linux/sched.h.
    """
    found = read(number)
    return found is not None and (found.state in "RD" or found.is_ending)


def newest() -> int:
    """
    The number of the process that was made last, 0 where that is not known.

    Source: proc_loadavg(5), the fifth field.
    """
    try:
        return int((_PROC / "loadavg").read_bytes().split()[4])
    except (OSError, ValueError, IndexError):
        return 0


def others_run() -> bool:
    """
    Whether `is_running` holds of a thread of this process other than the calling one.
    """
    with contextlib.suppress(OSError):
        own = threading.get_native_id()
        numbers = (int(thread.name) for thread in (_PROC / "self" / "task").iterdir())
        return any(is_running(number) for number in numbers if number != own)
    return False


def ancestors(pid: int) -> Iterator[int]:
    """
    The process itself, its parent, and so on up to the first.
    """
    seen: set[int] = set()
    while pid > 0 and pid not in seen:
        seen.add(pid)
        yield pid
        found = read(pid)
        pid = found.parent if found is not None else 0


def children(pid: int) -> list[int]:
    """
    The processes whose parent is one of this one's threads.
    """
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in (_PROC / str(pid) / "task").iterdir():
            with contextlib.suppress(OSError):  # it has ended
                found += map(int, (thread / "children").read_text().split())
    return found


def environment(pid: int, name: str) -> str | None:
    """
    A variable that a program was started with; what it has changed since is not seen.
    """
    try:
        text = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return None
    for line in text.split(b"\0"):
        key, equals, value = line.partition(b"=")
        if equals and key == os.fsencode(name):
            return os.fsdecode(value)
    return None


def command(pid: int) -> str:
    """
    The words that it was started with, as one line.
    """
    try:
        text = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return os.fsdecode(text.rstrip(b"\0").replace(b"\0", b" "))


def descendants(pid: int, *, generations: int = 8) -> list[Process]:
    """
    The children of a process, their children, and so on.
    """
    family: list[Process] = []
    last = [pid]
    for _ in range(generations):
        born = [one for parent in last for child in children(parent) if (one := read(child)) is not None]
        if not born:
            break
        family += born
        last = [one.pid for one in born]
    return family


def kill(process: Process) -> bool:
    """
    End this very process at once; False when it has ended and its number may be another's.
    """
    if not hasattr(os, "pidfd_open"):
        return False
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        # Only now can the number not be given to another.
        found = read(process.pid)
        is_same = found is not None and found.began_s == process.began_s
        if is_same:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return is_same


class Family:
    """
    The processes that one has started, listed before it ends and they become nobody's.
    """

    def __init__(self, pid: int) -> None:
        self._members = descendants(pid)

    def end(self) -> str:
        """
        Kill those that still run; words to add to what was done, empty when there were none.
        """
        number = sum([kill(one) for one in self._members])
        return f", and {number} that it had started" if number else ""
