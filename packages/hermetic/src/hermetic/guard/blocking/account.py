"""
How much of a hold counts: processor time, and sleep of the thread's own will. No clock is read here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hermetic.guard.blocking.meter import Look
    from hermetic.guard.census.site import RawSite

# A thread that wants the interpreter lock gets a slice of it now and then; one that really sleeps uses nothing.
_ASLEEP_SHARE = 0.02
# One that waits for it wakes this often to ask, whoever has it. Source: CPython, take_gil in Python/ceval_gil.c, and the default of
# sys.setswitchinterval.
_ASKS_EVERY_S = 0.005
# A hold of minutes passes through few places; one that passes through more than these is told by these.
_STACKS_AT_MOST = 200


class Account:
    """
    One hold, from `started` (monotonic seconds) on.

    `busy` and `asleep` are the seconds that count so far; `stacks` tells at which stack the seconds before each look were
    spent; `garbage_before` is the collector's total when the hold began, as far as known.
    """

    # Written out: a dataclass costs every run with asyncio most of a millisecond at its start.
    __slots__ = ("asleep", "busy", "garbage_before", "last", "stacks", "started")

    def __init__(self, started: float, garbage_before: float) -> None:
        self.started = started
        self.garbage_before = garbage_before
        self.busy = 0.0
        self.asleep = 0.0
        self.stacks: dict[RawSite, float] = {}
        self.last: RawSite | None = None

    def add(self, before: Look, after: Look, *, period: float, stack: RawSite | None) -> None:
        """
        Count the time between two looks, of which the watcher meant the second to come `period` seconds after the first.

        Args:
            before: the earlier look.
            after: the later one.
            period: seconds that the watcher meant to let pass.
            stack: where the thread stood at the second look, None when it is not known (the hold has just ended).
        """
        span = after.at - max(before.at, self.started)
        if span <= 0:
            return
        busy = min(span, max(0.0, after.busy - before.busy))
        # Who has just ended the hold is awake; what it did before is known from the look before.
        was_asleep = after.is_asleep if stack is not None else before.is_asleep
        is_same_place = stack is None or stack == self.last
        self.busy += busy
        if was_asleep:
            self.asleep += _asleep(before, after, span=span, busy=busy, period=period, is_same_place=is_same_place)
        self.last = stack
        if stack is not None and (stack in self.stacks or len(self.stacks) < _STACKS_AT_MOST):
            self.stacks[stack] = self.stacks.get(stack, 0.0) + span

    def held(self, *, garbage: float) -> float:
        """
        The seconds that count, when the collector's total is `garbage` now.
        """
        return max(0.0, self.busy + self.asleep - max(0.0, garbage - self.garbage_before))


def _asleep(before: Look, after: Look, *, span: float, busy: float, period: float, is_same_place: bool) -> float:
    """
    The part of `span` in which the thread slept of its own will.

    It did not: while it was queued for a processor; while the whole process stood still, which is what the watcher's
    lateness means as far as the watcher was not queued itself, or was queued with the interpreter lock that the thread
    asked for all the time; while other threads had that lock. The first look into a hold knows nothing of queues yet, so
    nothing before it counts as sleep.
    """
    if before.queued is None or after.queued is None:
        return 0.0
    queued = max(0.0, after.queued - before.queued)
    late = max(0.0, after.at - before.at - period)
    is_asking = (after.turns - before.turns) * _ASKS_EVERY_S >= span / 2
    if before.watcher_queued is not None and after.watcher_queued is not None and not is_asking:
        late = max(0.0, late - max(0.0, after.watcher_queued - before.watcher_queued))
    asleep = max(0.0, span - busy - queued - late)
    if busy >= span * _ASLEEP_SHARE or not is_same_place:
        asleep = max(0.0, asleep - max(0.0, after.others - before.others))
    return asleep
