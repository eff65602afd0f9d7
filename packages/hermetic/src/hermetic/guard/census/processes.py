"""
Child processes of subprocess.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census import proc
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import at_creation

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake


class Subprocesses(Basic):
    kind = "subprocess"
    noun = "subprocess"
    title = "Subprocess"
    verb = "never waited for"
    rank = 47
    remedy = Remedy(
        text="Use it inside a with, which waits for it, and end it when it should not go on:",
        code="with subprocess.Popen(command) as process:\n    …\n    process.terminate()",
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        return at_creation(subprocess.Popen, self, intake)

    def is_open(self, resource: subprocess.Popen[Any]) -> bool:
        return resource.returncode is None and hasattr(resource, "pid")  # a failed start leaves neither

    def subject(self, resource: subprocess.Popen[Any], note: str) -> str:
        del note
        return f"pid {resource.pid} {safe_repr(resource.args)}"

    def evidence(self, resource: subprocess.Popen[Any]) -> list[str]:
        return [state_of(resource.pid)]

    def mend(self, resource: subprocess.Popen[Any]) -> str:
        was_running = resource.poll() is None
        family = proc.Family(resource.pid)
        if was_running:
            resource.kill()
            resource.wait()
        also = family.end()
        for stream in (resource.stdin, resource.stdout, resource.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        return f"{'killed and ' if was_running else ''}waited for{also}"


def state_of(pid: int) -> str:
    """
    What a child does, without taking its exit status away from whoever waits for it.
    """
    try:
        status = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return "it has ended, and somebody else has taken its exit status"
    return "it is still running" if status is None else f"it has ended with status {status.si_status} and is a zombie"
