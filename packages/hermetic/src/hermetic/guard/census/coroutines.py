"""
Coroutines that were made and never awaited.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard import late
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wrapping import replace

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
                lines = late.load("traceback")
                frames = [lines.FrameSummary(file, line, name) for file, line, name in coroutine.cr_origin or ()]
                created = "".join(lines.format_list(frames[::-1])).rstrip()
                text = f"{text}\nCoroutine created at (most recent call last)\n{created}"
            warnings.warn(text, category=RuntimeWarning, stacklevel=2, source=coroutine)

        return warn

    def _freed(self, intake: Intake, coroutine: Any) -> None:
        code = coroutine.cr_code
        intake.happened(
            late.load("hermetic.guard.census.cases").Case(
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
