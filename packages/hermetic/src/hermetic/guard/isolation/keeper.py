"""
Keeps process state as each test and each broader fixture found it.

This is more than a picture before and a picture after. Inside the time of one test other owners have their own
stretches: the module fixture that is set up by the first test that asks for it, and torn down within the last one.
What the fixture changes is right for all the tests between, so it is the fixture's change, judged when the fixture has
been torn down, and no test's. So the time of every owner is cut into *segments* in which its own code runs:

    test             |--------|               |-----------|             |-----|
    module fixture            |---- setup ----|           |- teardown --|
    readings         r0       r1              r2          r3            r4    r5

What an owner did is the sum of the differences over its own segments, folded thing by thing: a variable that a fixture
sets in its setup and removes in its teardown sums up to nothing. What is left, and still holds when the owner is judged,
is a stain. A reading serves both as the end of one segment and as the start of the next; also from one test to the
next, where nothing but the test runner acts between them (`carries`).
"""

from __future__ import annotations

import itertools
import operator
import sys
from typing import TYPE_CHECKING, Any

from hermetic.guard import late
from hermetic.guard.component import Quiet
from hermetic.guard.isolation.change import FAULT, Change, is_same, text
from hermetic.guard.isolation.kinds.fixtures import FixtureValues
from hermetic.guard.isolation.state import UNREAD, State

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from hermetic.guard.component import Verdict
    from hermetic.guard.isolation.own import OwnCode
    from hermetic.guard.isolation.stain import Stain
    from hermetic.guard.isolation.trail import Trail
    from hermetic.guard.ownership.tenure import Mode, Tenure

# Gives the same again and again, from C.
_UNREAD = itertools.repeat(UNREAD).__next__
# Needed only when something was changed.
_STAIN = "hermetic.guard.isolation.stain"


class _Reading:
    """
    All states at one moment, and how many modules were loaded then.
    """

    __slots__ = ("modules", "values")

    def __init__(self, values: list[Any], modules: int) -> None:
        self.values = values
        self.modules = modules


class _Window:
    """
    The time of one owner: its first reading, where the present segment began, and what its segments changed so far.
    """

    __slots__ = ("done", "first", "mode", "start", "tenure")

    def __init__(self, tenure: Tenure, mode: Mode, now: _Reading) -> None:
        self.tenure = tenure
        self.mode = mode
        self.first = self.start = now
        self.done: dict[tuple[int, Hashable], Stain] = {}


class _Compared:
    """
    Which states two readings differ in. Most of the work is done in C, for it is done for every test: what is equal by `==`
    is compared all together, and of the rest only what is not the very same object by each state's own comparison.
    """

    def __init__(self, states: Sequence[State[Any]]) -> None:
        self._usual = [index for index, state in enumerate(states) if type(state).is_alike is State[Any].is_alike]
        # With an empty slice, so that there is always something to get.
        self._together = operator.itemgetter(slice(0), *self._usual)
        own = [index for index in range(len(states)) if index not in self._usual]
        self._apart = operator.itemgetter(slice(0), *own)
        self._own = [(index, states[index].is_alike) for index in own]

    def unlike(self, before: list[Any], after: list[Any]) -> list[int]:
        """
        The indexes of the states that are not alike, in ascending order.
        """
        try:
            others = map(operator.is_not, self._apart(before)[1:], self._apart(after)[1:])
            found = [
                index
                for index, is_alike in itertools.compress(self._own, others)
                if not is_alike(before[index], after[index])
            ]
            if self._together(before) != self._together(after):
                found += [
                    index
                    for index in self._usual
                    if before[index] is not after[index] and not before[index] == after[index]  # noqa: SIM201 - as a tuple does
                ]
        except Exception:  # noqa: BLE001 - values that cannot be compared are looked at one by one
            return [index for index, one in enumerate(before) if one is not after[index]]
        return sorted(found)


class Isolation(Quiet):
    """
    The component of the guard that finds stains and wipes them.

    Args:
        states: the kinds of state, in the order in which they are put back.
        own: whose code is whose.
        trail: where audit events left the lines of changes.
        mode: asked for each owner when it begins; `restore` and `observe` find stains, only `restore` wipes them.
    """

    name = "isolation"

    def __init__(
        self, states: Sequence[State[Any]], *, own: OwnCode, trail: Trail, mode: Callable[[Tenure], Mode]
    ) -> None:
        self._states = (*states, FixtureValues(lambda: self._parked))
        self._own = own
        self._trail = trail
        self._mode = mode
        self._running: list[_Window] = []
        self._parked: dict[Tenure, _Window] = {}
        self._ended: dict[Tenure, _Window] = {}
        self._last: _Reading | None = None
        self.carries = False
        """
        Whether nobody changes process state between two tests: then the reading at the end of one is the next one's start.
        """
        # Whether the last reading is such an end, and still holds.
        self._is_settled = False
        self._moving = [index for index, state in enumerate(self._states) if state.moves_between_tests]
        self._compared = _Compared(self._states)
        self._readers: list[Callable[[], Any]] = []
        self._modules = -1

    def kinds(self) -> list[str]:
        """
        The kinds of process state that are looked at now.
        """
        return sorted({state.kind for state in self._states if state.is_active()})

    def start(self) -> None:
        self._trail.start()

    def stop(self) -> None:
        self._trail.stop()

    def entering(self, tenure: Tenure) -> None:
        # A function-scoped fixture is part of its test.
        running = self._running
        if running and tenure.breadth == 0 and any(window.tenure.breadth == 0 for window in running):
            return
        mode = self._mode(tenure)
        if mode == "off":
            return
        if not running:
            self._trail.clear()
        running.append(_Window(tenure, mode, self._cut()))

    def ready(self, tenure: Tenure) -> None:
        if tenure.breadth and self._running and self._running[-1].tenure is tenure:
            self._parked[tenure] = self._pop()

    def leaving(self, tenure: Tenure) -> None:
        window = self._parked.pop(tenure, None)
        if window is not None:
            window.start = self._cut()
            self._running.append(window)

    def left(self, tenure: Tenure) -> None:
        window = self._parked.pop(tenure, None)
        if window is None and self._running and self._running[-1].tenure is tenure:
            window = self._pop()  # as of nearly every test
        elif window is None and any(one.tenure is tenure for one in self._running):
            # Whoever was begun later and never told to end, ends with it.
            while self._running[-1].tenure is not tenure:
                self._pop()
            window = self._pop()
        if window is not None:
            self._ended[tenure] = window
        # Also where there was no window: whatever a test changed that nobody looked at stays.
        self._is_settled = self.carries and tenure.value is None and window is not None and not self._running

    def distrust(self) -> None:
        """
        Something acted after the last reading: the guard itself, when it mended what a test left.
        """
        self._is_settled = False

    def judge(self, tenures: Sequence[Tenure]) -> Iterable[Verdict]:
        for tenure in tenures:
            window = self._ended.pop(tenure, None)
            if window is None or not window.done:
                continue
            self._is_settled = False  # what is put back now was read before
            stains = self._remaining(window)
            if window.mode == "restore":
                stains = [stain for stain in stains if not _was_expected(stain)]
            yield from late.load(_STAIN).verdicts(stains, owner=tenure.owner, is_mended=window.mode == "restore")

    def _cut(self) -> _Reading:
        """
        A reading that ends the segment under way, if there is one.
        """
        now = self._carried() or self._read()
        if self._running:
            self._close(self._running[-1], now)
        return now

    def _carried(self) -> _Reading | None:
        """
        The reading at the end of the test before, where it holds, with what the test runner itself sets up for each test.
        """
        last = self._last
        if last is None or not self._is_settled or len(sys.modules) != last.modules:
            return None
        self._is_settled = False
        values = [*last.values]
        for index in self._moving:
            values[index] = _or_unread(self._readers[index])
        return _Reading(values, last.modules)

    def _pop(self) -> _Window:
        now = self._read()
        window = self._running.pop()
        self._close(window, now)
        if self._running:
            self._running[-1].start = now
        return window

    def _read(self) -> _Reading:
        modules = len(sys.modules)
        if modules != self._modules:
            self._modules = modules
            self._readers = [state.read if state.is_active() else _UNREAD for state in self._states]
        try:
            values = [read() for read in self._readers]
        except Exception:  # noqa: BLE001 - a state that a test broke cannot be read, and the others can
            values = [_or_unread(read) for read in self._readers]
        self._last = _Reading(values, modules)
        return self._last

    def _close(self, window: _Window, now: _Reading) -> None:
        """
        End a segment: add what changed in it to what the window's owner did.
        """
        start = window.start
        unlike = self._compared.unlike(start.values, now.values)
        if not unlike:
            return
        self._own.regard_as_fresh(itertools.islice(tuple(sys.modules), start.modules, None))
        for index in unlike:
            state, before, after = self._states[index], start.values[index], now.values[index]
            for change in _changes(state, before, after):
                self._fold(window, index, state, change)

    def _fold(self, window: _Window, index: int, state: State[Any], change: Change) -> None:
        key = (index, change.key)
        stain: Stain = late.load(_STAIN).Stain(state=state, change=change, site=self._trail.site(state.event(change)))
        known = window.done.get(key)
        if known is not None:
            stain = known.followed_by(stain)
        if is_same(stain.change.before, stain.change.after):
            window.done.pop(key, None)
        else:
            window.done[key] = stain

    def _remaining(self, window: _Window) -> list[Stain]:
        """
        What the owner changed and still holds, each thing once.
        """
        now = self._last
        assert now is not None  # noqa: S101 - a window was closed by a reading
        stains: list[Stain] = []
        holds: dict[int, set[Hashable]] = {}
        for (index, key), stain in sorted(window.done.items(), key=lambda item: item[0][0]):
            if index not in holds:
                before, after = window.first.values[index], now.values[index]
                holds[index] = {change.key for change in _changes(self._states[index], before, after)}
            if key in holds[index]:
                stains.append(stain)
        return _told_once(stains)


def _was_expected(stain: Stain) -> bool:
    """
    Put a change back that was foreseen. If that fails, it is told like any other.
    """
    if not stain.state.is_expected:
        return False
    try:
        stain.state.restore(stain.change)
    except Exception:  # noqa: BLE001 - the project's own reset function may raise anything
        return False
    return True


def _changes(state: State[Any], before: Any, after: Any) -> Iterable[Change]:
    before = state.unloaded if before is UNREAD else before
    if before is UNREAD or after is UNREAD:
        return ()
    try:
        return list(state.changes(before, after))
    except Exception as error:  # noqa: BLE001 - one kind that cannot be compared must not cost the others
        problem = f"could not be compared: {type(error).__name__}: {text(error)}"
        return [Change(key="fault", name=state.what, before="", after=problem, note=problem, variant=FAULT)]


def _or_unread(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except Exception:  # noqa: BLE001 - see the caller
        return UNREAD


def _told_once(stains: list[Stain]) -> list[Stain]:
    covers: set[Hashable] = set()
    kept: list[Stain] = []
    for stain in stains:
        change = stain.change
        ways: set[Hashable] = {change.key, (id(change.target), None), (id(change.target), change.key)}
        if not ways & covers:
            kept.append(stain)
            covers |= change.covers
            covers.add((id(change.target), change.key))
            covers.add(change.key)
    return kept
