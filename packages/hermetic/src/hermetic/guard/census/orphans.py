"""
Grandchildren whose parent has ended: nobody waits for them, and no tracker has seen them start.

A process that starts others would hear of them only if it asked the kernel to be handed all orphans, which changes what
the tests' own `os.wait` sees. So nothing is asked of the kernel. When a test or a fixture that started a process ends,
the children of this process's ancestors, to one of whom orphans are given, are looked at. Two marks tell whose they are:

- The test runner keeps the name of the test that runs in an environment variable, which every program inherits that is
  started meanwhile, however deep, and which can be read from outside. Another variable tells the run, for the same test
  may run twice at the same time.
- What was forked and starts no program of its own lies at the same addresses as this process, which are drawn anew for
  each program.

A program that was started with an environment of its own, without those variables, is not seen.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

from hermetic.foundation.remedy import Remedy
from hermetic.guard import audit, late
from hermetic.guard.census import proc, site
from hermetic.guard.census.wording import MAX_REPR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hermetic.guard.census.census import Census
    from hermetic.guard.census.site import RawSite
    from hermetic.guard.ownership import Tenure

_STARTS: Final = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system")
# Tells this run's processes from those of another run of the same tests, at the same time on the same machine.
_RUN: Final = "HERMETIC_RUN"
_KILLED_WITHIN_S: Final = 1.0
_STEP_S: Final = 0.005
# The start of a process is told in hundredths of a second.
_TICK_S: Final = 0.02
_REMEMBERED: Final = 256


class _Start:
    """
    That a process was started, and while which test ran. `pid` is the newest process of the machine before it.
    """

    __slots__ = ("at_s", "pid", "raw", "tenure", "test")

    def __init__(self, tenure: Tenure, test: str, raw: RawSite) -> None:
        self.tenure = tenure
        self.test = test
        self.raw = raw
        self.at_s = _uptime_s()
        self.pid = proc.newest()


class Orphans:
    """
    Looks for processes after the owners that started some. `variable` names the environment variable with the test.
    """

    kind = "process.orphan"
    title = "Orphaned process left running"
    remedy = Remedy(
        text="Start it in a session of its own and end all of that, or have its parent end it first:",
        code=(
            "process = subprocess.Popen(command, start_new_session=True)\n"
            "…\n"
            "os.killpg(process.pid, signal.SIGTERM)\n"
            "process.wait()"
        ),
    )

    def __init__(self, census: Census, *, variable: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._census = census
        self._variable = variable
        self._sleep = sleep
        self._starts: list[_Start] = []
        self._pid = os.getpid()
        self._run = f"{self._pid}-{time.monotonic_ns()}"
        # Told already, or with others when the test began that made it.
        self._told: set[tuple[int, float]] = set()

    def start(self) -> Callable[[], None]:
        def starting(arguments: object) -> None:
            del arguments
            if os.getpid() == self._pid and len(self._starts) < _REMEMBERED:
                test = os.environ.get(self._variable, "")
                self._starts.append(_Start(self._census.attribution.current(), test, site.take(3)))

        stops = [audit.listen(event, starting) for event in _STARTS]
        outer = os.environ.get(_RUN)
        os.environ[_RUN] = self._run

        def stop() -> None:
            for one in stops:
                one()
            if outer is None:
                os.environ.pop(_RUN, None)
            else:
                os.environ[_RUN] = outer

        return stop

    def look(self, ran: Tenure, *, is_brief: bool) -> None:
        pass

    def judge(self, ended: Sequence[Tenure]) -> None:
        if not self._starts or os.getpid() != self._pid:
            return
        living = {one.test for one in self._starts if one.tenure not in ended and not one.tenure.is_over}
        # While somebody lives who started a process in the same phase, what is left may be that one's.
        due = [one for one in self._starts if one.test not in living]
        self._starts = [one for one in self._starts if one.test in living]
        if due:
            for process in self._lasting(due):
                self._told.add((process.pid, process.began_s))
                self._census.happened(self._case(process, due))

    def _lasting(self, due: list[_Start]) -> list[proc.Process]:
        found: list[proc.Process] = []

        def look() -> bool:
            found[:] = self._orphans(due)
            return bool(found)

        if not look():
            return found
        from hermetic.guard.census import patience  # noqa: PLC0415 - only where there are any

        # On their way out, perhaps.
        patience.outlasts(look, is_worked_on=lambda: any(proc.is_running(one.pid) for one in found), pause=self._sleep)
        return found

    def _orphans(self, due: list[_Start]) -> Iterator[proc.Process]:
        tests = {one.test for one in due}
        earliest = min(one.at_s for one in due) - _TICK_S
        me = proc.read(self._pid)
        for ancestor in proc.ancestors(self._pid):
            if ancestor == self._pid:
                continue
            for pid in proc.children(ancestor):
                process = proc.read(pid) if pid != self._pid else None
                if process is None or process.began_s < earliest or process.state in "ZX":
                    continue
                is_fork = me is not None and process.layout == me.layout and min(me.layout) > 1
                if (process.pid, process.began_s) not in self._told and (
                    is_fork
                    or (proc.environment(pid, _RUN) == self._run and proc.environment(pid, self._variable) in tests)
                ):
                    yield process

    def _case(self, process: proc.Process, due: list[_Start]) -> Any:
        # Where several started one, the last before it began.
        before = [one for one in due if one.at_s <= process.began_s + _TICK_S]
        named = [one for one in before if one.test == proc.environment(process.pid, self._variable)] or before
        # The clock of processes is too coarse to tell two fixtures of one test apart; their numbers go up, but for the day
        # when they begin anew.
        start = ([one for one in named if one.pid < process.pid] or named or due)[-1]
        return late.load("hermetic.guard.census.cases").Case(
            kind=self.kind,
            title=self.title,
            subject=f"pid {process.pid} {proc.command(process.pid)}"[:MAX_REPR],
            remedy=self.remedy,
            tenure=start.tenure,
            site=start.raw,
            evidence=[
                f"its parent has ended; it belongs to process {process.parent} now",
                "the line started the process that it comes from",
            ],
            mend=lambda: self._end(process),
        )

    def _end(self, process: proc.Process) -> str:
        family = proc.Family(process.pid)
        proc.kill(process)
        also = family.end()
        deadline = time.monotonic() + _KILLED_WITHIN_S
        while (left := proc.read(process.pid)) is not None and left.began_s == process.began_s and left.state != "Z":
            if time.monotonic() > deadline:
                raise TimeoutError("it was killed and has not ended")
            self._sleep(_STEP_S)
        return f"killed{also}"


def _uptime_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else 0.0
