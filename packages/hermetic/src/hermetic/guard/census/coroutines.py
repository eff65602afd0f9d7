"""
Coroutines that were made and never awaited, and asynchronous generators that were begun and never finished.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
import warnings
from asyncio import base_events
from functools import partial
from typing import TYPE_CHECKING, Any

from hermetic.foundation.finding import Remedy
from hermetic.guard.census import loops
from hermetic.guard.census.cases import Case
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wrapping import after, all_of, before, replace

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake

# How many frames of its creation the interpreter keeps with each coroutine; 2 cost 0.6 µs a coroutine.
_ORIGIN_DEPTH = 2


class Coroutines(Basic):
    """
    The interpreter itself tells when it frees a coroutine that nobody awaited, by calling a function of `warnings` with
    it (Source: CPython, Python/_warnings.c, `_PyErr_WarnUnawaitedCoroutine`); also where the warning is filtered out.
    """

    kind = "coroutine.never_awaited"
    noun = "coroutine"
    title = "Coroutine"
    verb = "never awaited"
    rank = 5
    remedy = Remedy(text="Await it, or do not call the function:", code="await save(order)")

    def install(self, intake: Intake) -> Callable[[], None]:
        depth = sys.get_coroutine_origin_tracking_depth()
        sys.set_coroutine_origin_tracking_depth(max(depth, _ORIGIN_DEPTH))
        stop = replace(warnings, "_warn_unawaited_coroutine", partial(self._warning, intake, depth > 0))

        def undo() -> None:
            sys.set_coroutine_origin_tracking_depth(depth)
            stop()

        return undo

    def _warning(self, intake: Intake, shows_origin: bool, original: object) -> Callable[[Any], None]:  # noqa: FBT001 - bound once above
        del original  # it would blame a frame of this file: the level counts from the function that warns

        def warn(coroutine: Any) -> None:
            with contextlib.suppress(Exception):
                self._freed(intake, coroutine)
            text = f"coroutine '{coroutine.__qualname__}' was never awaited"
            if shows_origin:
                frames = [traceback.FrameSummary(file, line, name) for file, line, name in coroutine.cr_origin or ()]
                created = "".join(traceback.format_list(frames[::-1])).rstrip()
                text = f"{text}\nCoroutine created at (most recent call last)\n{created}"
            warnings.warn(text, category=RuntimeWarning, stacklevel=2, source=coroutine)

        return warn

    def _freed(self, intake: Intake, coroutine: Any) -> None:
        code = coroutine.cr_code
        intake.happened(
            Case(
                kind=self.kind,
                title=f"{self.title} {self.verb}",
                subject=f"{coroutine.__qualname__}()",
                remedy=self.remedy,
                tenure=intake.attribution.current(),
                site=None,
                origin=tuple((file, line, name) for file, line, name in coroutine.cr_origin or ()),
                evidence=[f"it is defined at {code.co_filename}:{code.co_firstlineno}"],
            )
        )

    def is_open(self, resource: Any) -> bool:
        return resource.cr_frame is not None

    def subject(self, resource: Any, note: str) -> str:
        del note
        return f"{resource.__qualname__}()"

    def mend(self, resource: Any) -> str:
        resource.close()
        return "closed"


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
            if loops.is_closed_by_test_runner():
                left = set(loop._asyncgens)  # noqa: SLF001 - the loop keeps its generators nowhere else
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
