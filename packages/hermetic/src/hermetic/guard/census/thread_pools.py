"""
Thread pools. A pool answers for its workers, a loop for its default executor.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from concurrent.futures import thread as thread_pools
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census.attribution import Errand
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wrapping import all_of, at_creation, before, replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake


class ThreadPools(Basic):
    kind = "executor.thread"
    noun = "thread pool"
    title = "Thread pool"
    verb = "never shut down"
    rank = 58
    remedy = Remedy(text="Use it inside a with, which shuts it down:", code="with ThreadPoolExecutor() as pool:\n    …")

    def install(self, intake: Intake) -> Callable[[], None]:
        return all_of(
            [at_creation(thread_pools.ThreadPoolExecutor, self, intake), *_work_belongs_to_its_submitter(intake)]
        )

    def is_open(self, resource: Any) -> bool:
        return not resource._shutdown and any(thread.is_alive() for thread in resource._threads)  # noqa: SLF001 - nothing public tells

    def subject(self, resource: Any, note: str) -> str:
        del note
        return (
            f"{resource._thread_name_prefix or 'pool'} with {len(resource._threads)} of {resource._max_workers} threads"  # noqa: SLF001 - as above
        )

    def mend(self, resource: Any) -> str:
        resource.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + 1.0
        for thread in tuple(resource._threads):  # noqa: SLF001 - as above
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                raise TimeoutError(f"{thread.name} is still working after 1 s")
        return "shut down"


class AnyioWorkers(ThreadPools):
    """
    anyio's own worker threads, of which each does one job after the other. They end with the task that runs their loop; only
    who sends a job, and from where, is of interest.
    """

    def install(self, intake: Intake) -> Callable[[], None]:
        attribution = intake.attribution

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            async def run_sync_in_worker_thread(*arguments: Any, **named: Any) -> Any:
                __tracebackhide__ = True
                # The worker runs the job in a copy of this context.
                token = attribution.carry(None, Errand(attribution.current(), intake.here()))
                try:
                    return await original(*arguments, **named)
                finally:
                    attribution.put_down(token)

            return run_sync_in_worker_thread

        backend = sys.modules["anyio._backends._asyncio"]
        return replace(vars(backend)["AsyncIOBackend"], "run_sync_in_worker_thread", make)


def _work_belongs_to_its_submitter(intake: Intake) -> list[Callable[[], None]]:
    """
    A pool of a broad fixture works for the test that submits: what that work opens is the test's, at the line that submits.
    """
    attribution = intake.attribution

    def submitted(item: Any, *_: object) -> None:
        # Above this function: `called`, then the pool's `submit`.
        item.hermetic_errand = Errand(attribution.current(), intake.here(skip=3))

    def starting(item: Any) -> None:
        thread = threading.current_thread()
        with contextlib.suppress(AttributeError):
            attribution.thread_does(thread, item.hermetic_errand)

    item = thread_pools._WorkItem  # noqa: SLF001 - the only place that has both the call and its thread
    return [before(item, "__init__", submitted), before(item, "run", starting)]
