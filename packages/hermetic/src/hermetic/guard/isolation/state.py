"""
What every kind of process state can do: be read cheaply, tell what changed between two readings, put one thing back.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from hermetic.guard.isolation.change import MISSING, Change, is_same

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

S = TypeVar("S")


class Unread:
    """
    The type of `UNREAD`, which stands for the reading of a state that could not be read, or has nothing to read.
    """


UNREAD: Final = Unread()


class State(ABC, Generic[S]):
    """
    One kind of process state.

    A reading is opaque to everybody but its own class, and is never changed once made. `read` runs twice a test
    and must cost a microsecond or two; everything else runs only when two readings are not alike.
    """

    kind: str
    """
    The stable name in reports, policies and the baseline.
    """
    what: str
    """
    What a reader calls it, in the singular.
    """
    remedy: str
    """
    How a test does the same without leaving a stain.
    """
    calls: tuple[str, ...] = ()
    """
    Names that the source of whoever changes this mentions, for finding the line where no event tells it.
    """
    needs: ClassVar[str | None] = None
    """
    The module without which there is nothing to read, so that it is never imported for this.
    """

    is_expected: ClassVar[bool] = False
    """
    Whether changes are what the project foresaw: put back without being told of.
    """
    is_restored: ClassVar[bool] = True
    """
    Whether restore mode puts changes back.
    """
    moves_between_tests: ClassVar[bool] = False
    """
    Whether the test runner itself changes it from test to test, so that each test's start is read anew.
    """
    unloaded: Any = UNREAD
    """
    What `read` would have returned before the module in `needs` was loaded, where that is known.
    """

    def is_active(self) -> bool:
        """
        Whether there is anything to read in this process; asked again when modules were imported.
        """
        return self.needs is None or self.needs in sys.modules

    @abstractmethod
    def read(self) -> S:
        """
        What the state is now.
        """

    def is_alike(self, before: S, after: S) -> bool:
        """
        The cheap comparison. May raise when a value's own `__eq__` does, which counts as different.
        """
        return before is after or bool(before == after)

    @abstractmethod
    def changes(self, before: S, after: S) -> Iterable[Change]:
        """
        What differs, thing by thing. Runs only when the readings are not alike; may still find nothing.
        """

    @abstractmethod
    def restore(self, change: Change) -> None:
        """
        Put back the `before` of one change.

        Raises:
            Exception: whatever keeps it from being put back; the caller reports that.
        """

    def event(self, change: Change) -> tuple[str, Hashable] | None:  # noqa: ARG002 - the default knows no event
        """
        The audit event, and its key, that tells which line made such a change.
        """
        return None


class Setting(State[object]):
    """
    A single value with a function that gets it and one that sets it.

    Args:
        kind: see `State.kind`.
        what: see `State.what`.
        name: how a report calls the value.
        get: returns the value; a plain value, or an object that is compared by identity.
        put: sets it.
        remedy: see `State.remedy`.
        calls: see `State.calls`.
    """

    def __init__(
        self,
        kind: str,
        *,
        what: str,
        name: str,
        get: Callable[[], object],
        put: Callable[[object], object],
        remedy: str,
        calls: tuple[str, ...] = (),
    ) -> None:
        self.kind = kind
        self.what = what
        self.name = name
        self.remedy = remedy
        self.calls = calls
        # The getter itself is the method, so that a reading costs no call but its own.
        self.read = get  # type: ignore[method-assign]  # the same signature, one frame less
        self._put = put

    def read(self) -> object:
        raise AssertionError

    def changes(self, before: object, after: object) -> Iterable[Change]:
        if not is_same(before, after):
            yield Change(key=self.name, name=self.name, before=before, after=after)

    def restore(self, change: Change) -> None:
        self._put(change.before)


def mapping_changes(
    before: Mapping[str, object], after: Mapping[str, object], *, named: Callable[[str], str], target: object = None
) -> Iterable[Change]:
    """
    The changes between two flat mappings, by key, in the order of the newer one.
    """
    for key in {**after, **before}:
        was, became = before.get(key, MISSING), after.get(key, MISSING)
        if not is_same(was, became):
            yield Change(key=key, name=named(key), before=was, after=became, target=target)


def list_changes(before: Sequence[object], after: Sequence[object], *, name: str) -> Iterable[Change]:
    """
    The changes between two lists of distinct things: what was added, what was taken out, and else the new order.

    Elements are told apart by identity, plain ones by value.
    """
    lost = [(index, item) for index, item in enumerate(before) if not _holds(after, item)]
    new = [item for item in after if not _holds(before, item)]
    for index, item in lost:
        yield Change(key=("item", _key(item)), name=name, before=item, after=MISSING, target=index)
    for item in new:
        yield Change(key=("item", _key(item)), name=name, before=MISSING, after=item)
    if not lost and not new and not is_same(list(before), list(after)):
        yield Change(key="order", name=f"the order of {name}", before=list(before), after=list(after))


def list_restore(current: list[object], change: Change) -> None:
    """
    Undo one change of `list_changes` in the list itself.
    """
    if change.key == "order":
        current[:] = change.before  # type: ignore[call-overload]  # list_changes put a list there
    elif change.before is MISSING:
        current[:] = [item for item in current if not is_same(item, change.after)]
    elif not _holds(current, change.before):
        current.insert(change.target if isinstance(change.target, int) else len(current), change.before)


def _key(item: object) -> Hashable:
    return item if isinstance(item, str | bytes | int) else id(item)


def _holds(items: Sequence[object], item: object) -> bool:
    return any(is_same(one, item) for one in items)
