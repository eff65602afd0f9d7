"""
Children that were started through `os` alone: fork, forkpty, posix_spawn. Those of subprocess and multiprocessing have
objects and trackers of their own.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census import proc
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import MAX_REPR
from hermetic.guard.census.wrapping import after_result, all_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake

_SOURCES: Final = ("fork", "forkpty", "posix_spawn", "posix_spawnp")


class Child:
    """
    The number that `os` returned to the parent.
    """

    __slots__ = ("pid", "source")

    def __init__(self, pid: int, source: str) -> None:
        self.pid = pid
        self.source = source


class Forks(Basic):
    kind = "process"
    noun = "child process"
    title = "Child process"
    verb = "never waited for"
    rank = 44
    holds = True
    is_note = True
    remedy = Remedy(
        text="Wait for it, and end it when it should not go on:",
        code="os.kill(pid, signal.SIGTERM)\nos.waitpid(pid, 0)",
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        def made(name: str, result: Any) -> None:
            pid: int = result[0] if name == "forkpty" else result
            # 0 is the child itself. Above: the wrapper's `called`, then whoever asked os.
            if pid and intake.is_users(sys._getframe(2).f_code.co_filename):  # noqa: SLF001 - one look at the caller
                intake.opened(self, Child(pid, name), skip=3)

        return all_of([after_result(os, name, made) for name in _SOURCES if hasattr(os, name)])

    def is_open(self, resource: Child) -> bool:
        try:
            os.waitid(os.P_PID, resource.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:  # somebody has waited for it
            return False
        return True

    def subject(self, resource: Child, note: str) -> str:
        del note
        return f"pid {resource.pid} from os.{resource.source} {proc.command(resource.pid)}".rstrip()[:MAX_REPR]

    def evidence(self, resource: Child) -> list[str]:
        return [
            "it has ended and is a zombie" if _has_ended(resource.pid) else "it is still running",
        ]

    def mend(self, resource: Child) -> str:
        was_running = not _has_ended(resource.pid)
        family = proc.Family(resource.pid)
        if was_running:
            os.kill(resource.pid, signal.SIGKILL)
        os.waitpid(resource.pid, 0)
        return f"{'killed and ' if was_running else ''}waited for{family.end()}"


def _has_ended(pid: int) -> bool:
    # Without taking the exit status away from whoever waits for it.
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
