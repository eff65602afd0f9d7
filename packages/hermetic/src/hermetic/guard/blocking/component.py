"""
Blocking as a part of the guard: a callback that held its loop for too long is a finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.guard import late
from hermetic.guard.blocking.limit import LIMIT_S
from hermetic.guard.blocking.pulse import PulseTaker
from hermetic.guard.blocking.stopwatch import Stopwatch
from hermetic.guard.blocking.watch import Watch
from hermetic.guard.census.site import Reader
from hermetic.guard.component import Quiet, Verdict

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable, Sequence
    from types import CodeType

    from hermetic.guard.blocking.blame import Blame
    from hermetic.guard.blocking.pardons import Pardon
    from hermetic.guard.blocking.post import Post
    from hermetic.guard.blocking.telling import Noted
    from hermetic.guard.census.arrivals import Arrivals
    from hermetic.guard.census.site import RawSite
    from hermetic.guard.ownership import Tenure

# Needed only when something held a loop.
_BLAME = "hermetic.guard.blocking.blame"
_PARDONS = "hermetic.guard.blocking.pardons"
_TELLING = "hermetic.guard.blocking.telling"


class Blocking(Quiet):
    """
    Finds what holds the event loop.

    Args:
        owner: whose code runs now, in the thread that asks.
        limit_s: seconds of processor time and sleep that a callback may take; `limit()` changes it for a while.
        allowed: the project's own pardons; the built-in ones come with them.
    """

    name = "blocking"

    def __init__(
        self,
        *,
        owner: Callable[[], Tenure],
        arrivals: Arrivals,
        limit_s: float = LIMIT_S,
        allowed: Sequence[Pardon] = (),
    ) -> None:
        self._owner = owner
        self._arrivals = arrivals
        self._default_s = self._limit_s = limit_s
        self._allowed = allowed
        self._reader = Reader()
        self._noted: list[Noted] = []
        self._failure: Exception | None = None
        self._watch = Watch(runners=self._runners, limit_s=limit_s)
        self._stopwatch = Stopwatch(post=self._watch.post, over=self._over)
        self._pulses = PulseTaker(post=self._watch.post, over=self._answered)

    def _runners(self) -> frozenset[CodeType]:
        return self._stopwatch.codes | self._pulses.codes

    def start(self) -> None:
        self._watch.start()
        self._stopwatch.start()
        self._pulses.start(self._arrivals)
        self.limit(None)

    def stop(self) -> None:
        self._pulses.stop()
        self._stopwatch.stop()
        self._watch.stop()

    def limit(self, limit_s: float | None) -> None:
        """
        From now on a callback may take `limit_s` seconds; None is the limit given at the start.
        """
        self._limit_s = self._default_s if limit_s is None else limit_s
        self._stopwatch.limit_s = self._limit_s
        self._watch.aim(min(self._limit_s, self._default_s))

    def entering(self, tenure: Tenure) -> None:  # noqa: ARG002 - whoever it is, a fork may have ended the watch
        self._watch.wake()

    def _over(self, post: Post, handle: asyncio.Handle, started: float) -> None:
        self._close(post, started, handle)

    def _answered(self, post: Post, started: float) -> None:
        self._close(post, started, None)

    def _close(self, post: Post, started: float, handle: asyncio.Handle | None) -> None:
        # In the loop, under the user's callback: nothing may come out of here but what a signal handler raises.
        try:
            hold = self._watch.finish(post, started)
            if hold is not None and hold.held_s > self._limit_s:
                tenure = _asked_in(handle, self._owner)
                telling = late.load(_TELLING)
                self._noted.append(telling.Noted(tenure, hold, self._limit_s, *telling.run_as(handle)))
        except Exception as error:  # noqa: BLE001 - reported by `judge`
            self._failure = error

    def judge(self, tenures: Sequence[Tenure]) -> Iterable[Verdict]:
        failure = self._failure or self._watch.failure
        if failure is not None:
            self.stop()
            raise RuntimeError("watching the event loop failed, and has ended") from failure
        if not self._noted:
            return ()
        mine = [noted for noted in self._noted if noted.tenure in tenures]
        self._noted = [noted for noted in self._noted if noted.tenure not in tenures and not noted.tenure.is_over]
        return self._verdicts(mine)

    def _verdicts(self, all_noted: Iterable[Noted]) -> Iterable[Verdict]:
        groups: dict[tuple[object, ...], list[tuple[Noted, Blame | None]]] = {}
        for noted in all_noted:
            stacks = [one for one in noted.hold.stacks if not self._is_pardoned(one[0])]
            seen, counted = (sum(weight for _, weight in some) for some in (noted.hold.stacks, stacks))
            if seen and noted.hold.held_s * counted / seen <= noted.limit_s:
                continue
            blamed: Blame | None = late.load(_BLAME).blame(stacks, self._reader)
            key = (noted.tenure, *(blamed.key if blamed else (noted.task,)))
            groups.setdefault(key, []).append((noted, blamed))
        for group in groups.values():
            yield Verdict(late.load(_TELLING).finding_of(group, self._reader))

    def _is_pardoned(self, stack: RawSite) -> bool:
        codes = [code for code, _ in stack[0]]
        names = [self._watch.stacks.name(code) for code in codes]
        innermost = self._watch.stacks.innermost(codes)
        pardons = late.load(_PARDONS)
        return pardons.find((*self._allowed, *pardons.BUILT_IN), names, innermost=innermost) is not None


def _asked_in(handle: asyncio.Handle | None, owner: Callable[[], Tenure]) -> Tenure:
    # The owner is known in the context that the callback ran in, which has been left by now.
    context = getattr(handle, "_context", None)
    if context is None:
        return owner()
    try:
        tenure: Tenure = context.run(owner)
    except RuntimeError:  # somebody else is in it now
        return owner()
    return tenure
