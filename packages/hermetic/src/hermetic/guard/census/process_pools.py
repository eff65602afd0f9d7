"""
Process pools, which answer for their processes, threads and queues.
"""

from __future__ import annotations

from concurrent.futures import process as process_pools
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wrapping import at_creation

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake


class ProcessPools(Basic):
    kind = "executor.process"
    noun = "process pool"
    title = "Process pool"
    verb = "never shut down"
    rank = 59
    remedy = Remedy(
        text="Use it inside a with, which shuts it down:", code="with ProcessPoolExecutor() as pool:\n    …"
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        return at_creation(process_pools.ProcessPoolExecutor, self, intake)

    def is_open(self, resource: Any) -> bool:
        return not resource._shutdown_thread and bool(resource._processes)  # noqa: SLF001 - nothing public tells

    def subject(self, resource: Any, note: str) -> str:
        del note
        return f"{len(resource._processes)} of {resource._max_workers} processes"  # noqa: SLF001 - as above

    def mend(self, resource: Any) -> str:
        processes = list(resource._processes.values())  # noqa: SLF001 - as above
        resource.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join()
        return "shut down"
