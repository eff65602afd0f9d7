"""
From holds of one cause to a finding.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from hermetic.foundation.finding import Finding, Frame, Site
from hermetic.guard.blocking.remedies import remedy_for
from hermetic.guard.census.site import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType

    from hermetic.guard.blocking.blame import Blame
    from hermetic.guard.blocking.watch import Hold
    from hermetic.guard.census.site import Reader
    from hermetic.guard.ownership import Tenure


@dataclass(frozen=True, slots=True)
class Noted:
    """
    A hold with what is known of its callback: `task` in words, the `code` of its coroutine or function, and how many
    other callbacks were `waiting` for their turn when it ended.
    """

    tenure: Tenure
    hold: Hold
    limit_s: float
    task: str
    code: CodeType | None
    waiting: int


def run_as(handle: asyncio.Handle | None) -> tuple[str, CodeType | None, int]:
    """
    `task`, `code` and `waiting` of a handle that has run.
    """
    callback: Any = getattr(handle, "_callback", None)
    ready: Any = getattr(getattr(handle, "_loop", None), "_ready", ())
    try:
        waiting = len(ready)
    except TypeError:  # some other loop's idea of it
        waiting = 0
    task: Any = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        coroutine = cast("Any", task).get_coro()
        name = getattr(coroutine, "__qualname__", type(coroutine).__qualname__)
        return f"task {task.get_name()} of {name}()", getattr(coroutine, "cr_code", None), waiting
    name = getattr(callback, "__qualname__", "")
    return f"the callback {name}" if name else "", getattr(callback, "__code__", None), waiting


def finding_of(group: Sequence[tuple[Noted, Blame | None]], reader: Reader) -> Finding:
    """
    One finding for holds of one owner and one cause; it tells of the longest.
    """
    noted, blamed = max(group, key=lambda one: one[0].hold.held_s)
    hold = noted.hold
    what = f"{blamed.code.co_name}()" if blamed and blamed.is_spread else blamed.expression if blamed else ""
    return Finding(
        category="block",
        kind="loop.blocked",
        title="Event loop blocked",
        subject=f"{what or noted.task or 'a callback'} for {hold.held_s:.2f} s",
        owner=noted.tenure.owner,
        site=_site(noted, blamed, reader),
        evidence=tuple(_evidence(noted, blamed, [one.hold.held_s for one, _ in group])),
        remedy=remedy_for(
            blamed.expression if blamed and not blamed.is_spread else "",
            files=[code.co_filename for code, _ in blamed.inner] if blamed else [],
            is_computing=hold.busy_s > hold.asleep_s,
        ),
        count=len(group),
    )


def _site(noted: Noted, blamed: Blame | None, reader: Reader) -> Site | None:
    if blamed is not None and reader.is_users(blamed.code.co_filename):
        return reader.read(blamed.site)
    # The watcher came too late to see the line. Which coroutine it was is known all the same.
    code = noted.code
    if code is not None and reader.is_users(code.co_filename):
        return Site(frames=(Frame(file=code.co_filename, line=code.co_firstlineno, function=code.co_qualname),))
    return reader.read(blamed.site) if blamed is not None else None


def _evidence(noted: Noted, blamed: Blame | None, held_s: Sequence[float]) -> Iterator[str]:
    hold = noted.hold
    yield (
        f"it held the loop for {hold.held_s:.2f} s, {hold.busy_s:.2f} s of it on the processor and "
        f"{hold.asleep_s:.2f} s asleep; the limit is {noted.limit_s:g} s"
    )
    if len(held_s) > 1:
        yield f"{len(held_s)} times from there, {sum(held_s):.2f} s in all; this was the longest"
    if blamed is not None and blamed.inner:
        code, offset = blamed.inner[0]
        yield f"it was in {code.co_filename}:{line_of(code, offset)}, {code.co_qualname}"
    if noted.task:
        yield f"it ran as {noted.task}"
    if noted.waiting:
        yield f"{noted.waiting} other callback{'s' if noted.waiting > 1 else ''} waited for it"
