"""
Asynchronous generators that were begun and never finished.
"""

from __future__ import annotations

import contextlib
from asyncio import base_events
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census import loops
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wrapping import after, all_of, before

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake


class AsyncGenerators(Basic):
    kind = "async_generator"
    noun = "asynchronous generator"
    title = "Asynchronous generator"
    verb = "begun and never finished"
    rank = 40
    remedy = Remedy(
        text="Close it where you stop reading it:",
        code="async with contextlib.aclosing(rows()) as reader:\n    async for row in reader:\n        break",
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        def begun(_: object, generator: object) -> None:
            intake.opened(self, generator, skip=3)

        def shutting_down(loop: Any) -> None:
            left = set(loop._asyncgens)  # noqa: SLF001 - the loop keeps its generators nowhere else
            if left and loops.is_closed_by_test_runner():
                for entry in intake.entries(self.kind):
                    if entry() in left and self.is_open(entry()):
                        intake.over(entry, evidence="its loop was shut down by the test runner, which closed it")

        return all_of(
            [
                after(base_events.BaseEventLoop, "_asyncgen_firstiter_hook", begun),
                before(base_events.BaseEventLoop, "shutdown_asyncgens", shutting_down),
            ]
        )

    def is_open(self, resource: Any) -> bool:
        return resource.ag_frame is not None

    def subject(self, resource: Any, note: str) -> str:
        del note
        return f"{resource.__qualname__}()"

    def evidence(self, resource: Any) -> list[str]:
        frame = resource.ag_frame
        return [f"it stands at {frame.f_code.co_filename}:{frame.f_lineno}"]

    def mend(self, resource: Any) -> str:
        # A generator does not say which loop it belongs to; one that can run closes it.
        closing = resource.aclose()
        with contextlib.suppress(StopIteration, StopAsyncIteration):
            closing.send(None)
        return "closed"
