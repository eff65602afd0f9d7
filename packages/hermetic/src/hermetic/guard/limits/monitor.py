"""
Counts what is open while something runs: the peak, what is more than before, a time series; and holds it to limits.

Peaks of what the census sees are taken when something is opened, in the thread that opens it, so that none is missed
between two samples. That would cost a count of everything for every opening; so an estimate is kept that is never too
low, one higher with each opening, and only when it passes the known peak by a sixteenth is counted anew (by one, up to 32). Memory and
descriptors are sampled.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import threading
import tracemalloc
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, Self, TypeVar

from hermetic.guard.census.site import Reader
from hermetic.guard.limits.allocations import held_now
from hermetic.guard.limits.error import ResourceExhaustionError
from hermetic.guard.limits.flame import size
from hermetic.guard.limits.kinds import LIMITED, MEMORY, NAMES
from hermetic.guard.limits.series import Series
from hermetic.guard.limits.station import STATION, Station
from hermetic.guard.limits.tally import Holder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from hermetic.guard.census.census import AnyEntry
    from hermetic.guard.limits.snapshot import ResourceSnapshot
    from hermetic.guard.limits.tally import Tally

P = ParamSpec("P")
T = TypeVar("T")
_COARSE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class NearLimit:
    """
    A limit that was nearly reached: `used` of `limit`, in the limit's unit.
    """

    resource: str
    used: float
    limit: float
    holders: tuple[Holder, ...] = ()

    def __str__(self) -> str:
        first = f"; most from {self.holders[0].place}" if self.holders else ""
        return f"{self.resource}: {self.used:.4g} of {self.limit:g} in use{first}"


class Bounds(Protocol):
    """
    What a monitor holds to; see `ResourceLimits`.
    """

    source: str
    allowed: Mapping[str, float]
    warn_at: float


class ResourceMonitor:
    """
    Counts from `start()` to `stop()`, or as a block or decorator. One instance watches one stretch at a time.

    Args:
        limits: what may be in use at once beyond what there is at the start; None only counts.
        history: how many samples the time series keeps (at least 2); when it is full, every second one is dropped and
            from then on only every second one is kept, so that it always covers the whole time.
        cleanup: whether what was opened since the start, and is open still, is closed after a limit was passed.
    """

    def __init__(
        self,
        limits: Bounds | None = None,
        *,
        history: int = 512,
        cleanup: bool = True,
        station: Station = STATION,
    ) -> None:
        self.limits = limits
        self._series = Series(history)
        self._cleanup = cleanup
        self._station = station
        self._lock = threading.RLock()
        self._tally: Tally | None = None
        self._baseline: ResourceSnapshot | None = None
        self._peak: ResourceSnapshot | None = None
        self._last: ResourceSnapshot | None = None
        self._before: dict[int, AnyEntry] = {}
        self._closed: dict[int, AnyEntry] = {}
        self._estimates: Counter[str] = Counter()
        self._errors: dict[str, ResourceExhaustionError] = {}
        self._near: dict[str, NearLimit] = {}
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self._is_cancelled = False

    def __repr__(self) -> str:
        state = "counting" if self._tally is not None else "stopped"
        return f"<ResourceMonitor {state}, peak {self._peak or 'unknown'}>"

    # ------------------------------------------------------------ start, stop

    def start(self) -> Self:
        """
        Begin to count; what is open now is the baseline.

        Raises:
            RuntimeError: it counts already.
        """
        if self._tally is not None:
            raise RuntimeError(f"{self!r} has been started already: stop it first, or make another one")
        tally = self._station.enter(self)
        now = tally.snapshot()
        with self._lock:
            self._before = {id(entry): entry for entry in tally.open_entries()}
            self._estimates = Counter({name: getattr(now, name) for name in NAMES})
            self._baseline = self._peak = self._last = now
            self._errors, self._near = {}, {}
            self._series.restart(now)
            self._tally = tally
        return self

    def stop(self) -> ResourceSnapshot:
        """
        End counting; returns the last snapshot. Called again, it returns the same one.
        """
        if self._tally is not None:
            self.sampled(self._tally.snapshot(), is_kept=True)
            self._station.leave(self)
            self._tally = None
        return self._known(self._last)

    @property
    def baseline(self) -> ResourceSnapshot:
        """
        What there was at the start.
        """
        return self._known(self._baseline)

    @property
    def peak(self) -> ResourceSnapshot:
        """
        The most of each at one time since the start; not all at the same time.
        """
        return self._known(self._peak)

    @property
    def growth(self) -> ResourceSnapshot:
        """
        The peak less the baseline: what limits are compared with.
        """
        return self.peak - self.baseline

    @property
    def difference(self) -> ResourceSnapshot:
        """
        What there is now (or was at `stop()`) less the baseline.
        """
        return self.snapshot() - self.baseline

    @property
    def series(self) -> Sequence[ResourceSnapshot]:
        """
        Samples since the start, oldest first.
        """
        return self._series.kept()

    @property
    def warnings(self) -> tuple[NearLimit, ...]:
        """
        Limits of which more than `warn_at` was in use, each with its highest use.
        """
        return tuple(one for one in self._near.values() if one.resource not in self._errors)

    def snapshot(self) -> ResourceSnapshot:
        """
        How much there is now; after `stop()`, how much there was then.
        """
        if self._tally is None:
            return self._known(self._last)
        now = self._tally.snapshot()
        self.sampled(now)
        return now

    def holders(self, name: str) -> tuple[Holder, ...]:
        """
        Who has most of `name` open now, the largest first.

        Raises:
            KeyError: nothing is counted under that name.
        """
        if name not in NAMES:
            raise KeyError(f"{name!r} is not counted by holder; there are {', '.join(NAMES)}")
        return self._tally.holders(name) if self._tally is not None else ()

    def forget_closed(self) -> None:
        """
        Let the census forget what was closed by now and at the last call: in a long stretch its notes would add up.
        """
        if self._tally is not None:
            self._closed = self._tally.prune(self._closed)

    def check(self) -> None:
        """
        Look now, and tell of the first limit that was passed since the start.

        Raises:
            ResourceExhaustionError: one was; the others are its notes.
        """
        if self._tally is not None:
            self.snapshot()
        error = self._error()
        if error is not None:
            raise error

    @staticmethod
    def _known(value: ResourceSnapshot | None) -> ResourceSnapshot:
        if value is None:
            raise RuntimeError("the monitor has not been started: call start(), or use it in a with")
        return value

    # ------------------------------------------------------------ what the station tells

    def sampled(self, snapshot: ResourceSnapshot, *, is_kept: bool = False) -> None:
        """
        Take in a snapshot. From any thread.
        """
        with self._lock:
            if self._peak is None:
                return
            self._last = snapshot
            self._peak = self._peak.largest(snapshot)
            self._series.add(snapshot, is_kept=is_kept)
        for name in LIMITED:
            self._compare(name, snapshot.value(name), None)

    def opened(self, name: str, entry: AnyEntry) -> None:
        """
        Something was opened. In the thread that opens it.
        """
        tally = self._tally
        if tally is None:
            return
        with self._lock:
            self._estimates[name] += 1
            estimate = self._estimates[name]
            known = 0 if self._peak is None else int(self._peak.value(name))
            is_due = estimate > known + known // _COARSE or self._is_over(name, estimate)
        if not is_due:
            return
        exact = tally.count(name, new=entry)
        with self._lock:
            # What others opened while this was counted may be in the count or not: never too low.
            self._estimates[name] += exact - estimate
            if self._peak is not None and exact > self._peak.value(name):
                self._peak = replace(self._peak, **{name: exact})
        self._compare(name, exact, entry)

    # ------------------------------------------------------------ limits

    def _is_over(self, name: str, value: float) -> bool:
        limit = None if self.limits is None else self.limits.allowed.get(name)
        return limit is not None and self._baseline is not None and value - self._baseline.value(name) > limit

    def _compare(self, name: str, value: float, new: AnyEntry | None) -> None:
        limits, baseline, tally = self.limits, self._baseline, self._tally
        if limits is None or baseline is None or tally is None or name not in limits.allowed:
            return
        limit, used = limits.allowed[name], value - baseline.value(name)
        if used > limit:
            self._pass(name, used, limit, tally, new)
        elif used > limit * limits.warn_at:
            known = self._near.get(name)
            if known is None or known.used < used:
                holders = () if name == MEMORY else tally.holders(name, new=new, without=self._before)
                self._near[name] = NearLimit(resource=name, used=used, limit=limit, holders=holders)

    def _pass(self, name: str, used: float, limit: float, tally: Tally, new: AnyEntry | None) -> None:
        known = self._errors.get(name)
        if known is not None and used <= known.used:
            return
        limits = self.limits
        assert limits is not None  # noqa: S101 - asked by the caller
        if known is not None and name == MEMORY:
            # Who holds it is costly to ask, and was asked when it was passed; the answer takes memory itself.
            known.used = known.used if known.holders else used
            return
        holders = _of_memory() if name == MEMORY else tally.holders(name, new=new, without=self._before)
        if known is not None:
            known.used, known.holders = used, holders
            return
        with self._lock:
            self._errors[name] = ResourceExhaustionError(
                name, used=used, limit=limit, source=limits.source, holders=holders
            )
        task = self._task
        if task is not None and not self._is_cancelled:
            task.get_loop().call_soon_threadsafe(self._cancel, task)

    def _cancel(self, task: asyncio.Task[Any]) -> None:
        if self._task is task and not self._is_cancelled:
            self._is_cancelled = True
            task.cancel("a resource limit was passed")

    def _error(self) -> ResourceExhaustionError | None:
        errors = list(self._errors.values())
        if not errors:
            return None
        for other in errors[1:]:
            note = f"Also: {other}"
            if note not in getattr(errors[0], "__notes__", ()):
                errors[0].add_note(note)
        return errors[0]

    # ------------------------------------------------------------ clean-up

    def clean_up(self) -> tuple[str, ...]:
        """
        Close what was opened since the start and is open still, and collect garbage; returns what was done, as phrases.

        What cannot be closed from outside (a thread) is said to go on. The task that calls this is left alone.
        """
        tally = self._tally
        if tally is None:
            return ()
        gc.collect()  # what only cycles hold is freed by this, and needs no closing
        done: Counter[str] = Counter()
        here = _current_task()
        for entry in tally.open_entries():
            resource = entry()
            if self._before.get(id(entry)) is entry or resource is None or resource is here:
                continue
            try:
                said = entry.tracker.mend(resource)
            except Exception as error:  # noqa: BLE001 - the next one must still be closed
                said = f"not closed ({type(error).__name__}: {error})"
            done[f"{entry.tracker.noun} {said}"] += 1
        return tuple(f"{count} x {said}" for said, count in done.items())

    def _end(self) -> ResourceExhaustionError | None:
        # Before stop(): what is closed must be counted once more first.
        if self._tally is not None:
            self.snapshot()
        error = self._error()
        if error is not None and self._cleanup:
            error.cleaned = self.clean_up()
        self.stop()
        return error

    # ------------------------------------------------------------ as a block, as a decorator

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        found = self._end()
        if found is not None:
            _raise(found, error)

    async def __aenter__(self) -> Self:
        self._is_cancelled = False
        task = _current_task()
        if task is not None:
            self._cancelling = task.cancelling()
        self.start()
        self._task = task
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        is_ours = False
        if task is not None and self._is_cancelled:
            is_ours = task.uncancel() <= self._cancelling
        found = self._end()
        if found is None:
            return
        if found.cleaned:
            await asyncio.sleep(0)  # tasks that were cancelled get their turn
        if isinstance(error, asyncio.CancelledError) and not is_ours:
            return  # somebody else's cancellation passes through
        _raise(found, error)

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """
        The function with this monitor around each call: afterwards it tells about the last one.

        Raises:
            TypeError: it is a generator; a monitor around its making would watch nothing.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} is a generator: put `with ResourceMonitor(…)` inside it instead")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def watched_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                async with self:
                    return await function(*args, **kwargs)

            return watched_async  # type: ignore[return-value]  # T is the coroutine that `function` returns

        @functools.wraps(function)
        def watched(*args: P.args, **kwargs: P.kwargs) -> T:
            with self:
                return function(*args, **kwargs)

        return watched


def _of_memory() -> tuple[Holder, ...]:
    # Who holds memory is known only while allocations are traced, which nobody pays for without having asked.
    if not tracemalloc.is_tracing():
        return ()
    return tuple(
        Holder(
            resource=MEMORY,
            title="blocks of memory",
            count=one.blocks,
            subject=f"{size(one.size_bytes)} in all",
            site=one.site,
        )
        for one in held_now(Reader())
    )


def _raise(found: ResourceExhaustionError, error: BaseException | None) -> None:
    if error is None or isinstance(error, (ResourceExhaustionError, asyncio.CancelledError)):
        raise found from error
    # The block's own error is kept: it may be what running out led to, or something else altogether.
    error.add_note(f"A resource limit was passed: {found}")


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
