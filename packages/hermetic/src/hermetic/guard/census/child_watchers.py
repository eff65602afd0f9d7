"""
asyncio's child watchers, before 3.14, that are attached to a loop and were never closed.

Those that wait for each child in a thread or by a descriptor keep nothing themselves.
"""

from __future__ import annotations

from asyncio import unix_events
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wording import safe_repr
from hermetic.guard.census.wrapping import all_of, at_creation

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.tracker import Intake

_CLASSES = ("BaseChildWatcher", "MultiLoopChildWatcher")


class ChildWatchers(Basic):
    kind = "asyncio.child_watcher"
    noun = "child watcher"
    title = "asyncio child watcher"
    verb = "never closed"
    rank = 14
    remedy = Remedy(
        text="Let asyncio choose one, or close it where it was made:",
        code="with asyncio.SafeChildWatcher() as watcher:\n    watcher.attach_loop(loop)\n    …",
    )

    def install(self, intake: Intake) -> Callable[[], None]:
        # Python 3.14 has none any more. What the first of them makes by itself, `PidfdChildWatcher` and
        # `ThreadedChildWatcher`, has another base.
        return all_of(
            [at_creation(getattr(unix_events, name), self, intake) for name in _CLASSES if hasattr(unix_events, name)]
        )

    def is_open(self, resource: Any) -> bool:
        return getattr(resource, "_loop", None) is not None or getattr(resource, "_saved_sighandler", None) is not None

    def subject(self, resource: Any, note: str) -> str:
        del note
        return f"{type(resource).__qualname__} for {safe_repr(getattr(resource, '_loop', None))}"

    def mend(self, resource: Any) -> str:
        resource.close()
        return "closed"
