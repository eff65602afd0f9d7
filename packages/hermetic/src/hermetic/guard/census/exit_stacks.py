"""
contextlib's exit stacks that still have something to do.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import at_creation

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake


class ExitStacks(Basic):
    kind = "exit_stack"
    noun = "exit stack"
    title = "Exit stack"
    verb = "never closed"
    rank = 85
    remedy = Remedy(
        text="Use it inside a with, or close it in a finally:", code="with contextlib.ExitStack() as stack:\n    …"
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        return at_creation(contextlib._BaseExitStack, self, intake)  # noqa: SLF001 - the one base of both

    def is_open(self, resource: Any) -> bool:
        return bool(resource._exit_callbacks)  # noqa: SLF001 - nothing public tells

    def subject(self, resource: Any, note: str) -> str:
        del note
        kind = type(resource).__qualname__
        return f"{kind} with {len(resource._exit_callbacks)} callbacks: {safe_repr(resource._exit_callbacks[-1][1])}"  # noqa: SLF001 - as above

    def mend(self, resource: Any) -> str:
        if not hasattr(resource, "close"):
            resource.pop_all()
            raise RuntimeError("its callbacks are asynchronous and were not called; what they would have closed is")
        resource.close()
        return "closed"
