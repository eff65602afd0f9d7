"""
Child processes of multiprocessing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census import proc
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wrapping import all_of, before

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.tracker import Intake


class MultiprocessingChildren(Basic):
    kind = "multiprocessing.process"
    noun = "multiprocessing child"
    title = "multiprocessing child"
    verb = "never joined"
    rank = 48
    remedy = Remedy(text="Join it, and end it when it should not go on:", code="process.terminate()\nprocess.join()")

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def install(self, intake: Intake) -> Callable[[], None]:
        undoes: list[Callable[[], None]] = []

        def starting(process: object) -> None:
            intake.opened(self, process, skip=3)

        def arrived(module: Any) -> None:
            undoes.append(before(module.BaseProcess, "start", starting))

        self._arrivals.when("multiprocessing.process", arrived)
        return all_of(undoes)

    def is_open(self, resource: Any) -> bool:
        popen = resource._popen  # noqa: SLF001 - exitcode would reap it
        return popen is not None and popen.returncode is None

    def subject(self, resource: Any, note: str) -> str:
        del note
        return f"{resource.name}, pid {resource.pid}"

    def evidence(self, resource: Any) -> list[str]:
        return ["it is still running" if _runs(resource.pid) else "it has ended and is a zombie"]

    def mend(self, resource: Any) -> str:
        was_running = resource.is_alive()
        family = proc.Family(resource.pid)
        if was_running:
            resource.kill()
        resource.join(1.0)
        return f"{'killed and ' if was_running else ''}joined{family.end()}"


def _runs(pid: int) -> bool:
    # Without taking the exit status away from whoever joins it.
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
