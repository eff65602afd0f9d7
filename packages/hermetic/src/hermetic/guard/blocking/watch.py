"""
Looks at every thread that runs a loop, at regular times, and makes the account of what holds it.
"""

from __future__ import annotations

import _thread
import contextlib
import weakref
from time import monotonic
from typing import TYPE_CHECKING

from hermetic.guard.blocking.account import Account
from hermetic.guard.blocking.garbage import Garbage
from hermetic.guard.blocking.meter import look_at
from hermetic.guard.blocking.post import Post
from hermetic.guard.blocking.stack import Stacks
from hermetic.guard.sentry import Sentry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import CodeType

    from hermetic.guard.blocking.meter import Look
    from hermetic.guard.census.site import RawSite

# Looks per threshold. More would tell the line of a CPU loop better and cost more; a hold that just passes the
# threshold still gets four.
_LOOKS = 5


class Hold:
    """
    A callback that held its loop, by what counts of its time: `busy_s` and `asleep_s`.

    `stacks` gives the seconds spent at each stack; it is empty when the watcher never got to look.
    """

    # Written out: a dataclass costs every run with asyncio most of a millisecond at its start.
    __slots__ = ("asleep_s", "busy_s", "stacks")

    def __init__(self, *, busy_s: float, asleep_s: float, stacks: tuple[tuple[RawSite, float], ...]) -> None:
        self.busy_s = busy_s
        self.asleep_s = asleep_s
        self.stacks = stacks

    @property
    def held_s(self) -> float:
        return self.busy_s + self.asleep_s


class Watch:
    """
    Threads that run loops ask for a post; `finish` closes the account of a hold, in either thread.

    Args:
        runners: gives the code that calls callbacks.
        limit_s: the shortest hold of interest; it sets how often the watcher looks.
    """

    def __init__(self, *, runners: Callable[[], frozenset[CodeType]], limit_s: float) -> None:
        self.stacks = Stacks()
        self.garbage = Garbage()
        self._posts: weakref.WeakSet[Post] = weakref.WeakSet()
        self._runners = runners
        self._period_s = limit_s / _LOOKS
        self._sentry = Sentry(self._beat, period_s=self._period_s)
        self._lock = _thread.allocate_lock()

    @property
    def failure(self) -> BaseException | None:
        return self._sentry.failure

    @property
    def is_awake(self) -> bool:
        return self._sentry.is_awake

    def start(self) -> None:
        self.garbage.start()
        self._sentry.wake()

    def stop(self) -> None:
        self._sentry.rest()
        self.garbage.stop()

    def post(self) -> Post:
        """
        A post for the thread that calls; from now on it is looked at.
        """
        post = Post(garbage=self.garbage.total_s)
        self._posts.add(post)
        self._sentry.wake()
        return post

    def wake(self) -> None:
        """
        Look again after a fork, which ends the watching thread.
        """
        self._sentry.wake()

    def aim(self, limit_s: float) -> None:
        """
        From now on holds of this length are of interest.
        """
        self._period_s = self._sentry.period_s = limit_s / _LOOKS

    def finish(self, post: Post, started: float) -> Hold | None:
        """
        What the callback that began at `started`, and has ended, has held; called in the post's own thread.

        None when the watcher cannot be waited for.
        """
        with self._locked() as is_mine:
            if not is_mine:
                return None
            ended = post.ended.pop(started, None)
            if ended is not None:
                return self._hold(ended)
            before = post.look
            account = post.account
            if account is None or account.started != started:
                account = Account(started, before.garbage)
            post.account = None
            after = look_at(post.native_id, garbage=self.garbage.total_s, watcher=self._sentry.native_id)
            post.look = after
            account.add(before, after, period=self._period_s, stack=None)
            return self._hold(account)

    def _hold(self, account: Account) -> Hold:
        held = account.held(garbage=self.garbage.total_s)
        counted = account.busy + account.asleep
        share = held / counted if counted else 0.0
        stacks = tuple(account.stacks.items())
        return Hold(busy_s=account.busy * share, asleep_s=account.asleep * share, stacks=stacks)

    def _beat(self) -> None:
        for post in list(self._posts):
            with self._locked() as is_mine:
                if is_mine and not self._look(post):
                    self._posts.discard(post)

    def _look(self, post: Post) -> bool:
        """
        False when the post's thread has ended.
        """
        started, pulse = post.started, post.pulse
        is_held = monotonic() - started >= self._period_s / 2 if started else post.account is not None
        # First of all the stack: reading a file lets go of the interpreter, and C code that keeps it would have moved on.
        found = self.stacks.of_callback(post.ident, self._runners()) if is_held or pulse is not None else None
        try:
            # The queues cost a file read each, and a descriptor for a moment, so only a hold is worth them.
            watcher = self._sentry.native_id if is_held else None
            look = look_at(post.native_id, garbage=self.garbage.total_s, watcher=watcher)
        except OSError:
            return False
        # Each call above is a chance for the other thread to get in and to keep the interpreter lock for long. What was
        # seen is worth nothing when another callback is at work by now. Between here and the assignments is no call.
        if post.started != started or post.pulse is not pulse:
            return True
        before, post.look = post.look, look
        if started:
            self._account(post, before, found[0] if found else None)
        elif pulse is not None:
            pulse.look(before, look, found, period=self._period_s)
        else:
            post.account = None
        return True

    def _account(self, post: Post, before: Look, stack: RawSite | None) -> None:
        account = post.account
        if account is None or account.started != post.started:
            account = Account(post.started, before.garbage)
        account.add(before, post.look, period=self._period_s, stack=stack)
        post.account = account

    @contextlib.contextmanager
    def _locked(self) -> Generator[bool]:
        # A process forked while another thread had the lock must not wait for ever.
        is_mine = self._lock.acquire(timeout=1.0)
        try:
            yield is_mine
        finally:
            if is_mine:
                self._lock.release()
