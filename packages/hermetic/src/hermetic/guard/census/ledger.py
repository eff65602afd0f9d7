"""
All open resources that somebody is answerable for, by owner.

An entry is itself the weak reference to its resource, so that one object a resource is kept, and it strikes itself off
when the resource is freed. Kinds without weak references are held until they are judged.
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.census.site import RawSite
    from hermetic.guard.census.tracker import Tracker
    from hermetic.guard.ownership import Tenure


_REMEMBERED = 64


class Entry(weakref.ref[Any]):
    """
    A resource, when it can be referenced weakly, with its kind, site and owner.
    """

    __slots__ = ("key", "note", "site", "tenure", "tracker")

    key: int
    tracker: Tracker
    site: RawSite
    tenure: Tenure
    note: str

    def is_dropped(self) -> bool:
        """
        Whether nothing but the ledger refers to it any more.
        """
        return False

    def release(self) -> None:
        pass


class HeldEntry:
    """
    A resource that has no weak references, held by the ledger.
    """

    __slots__ = ("_resource", "note", "site", "tenure", "tracker")

    def __init__(self, resource: object) -> None:
        self._resource = resource
        self.tracker: Tracker
        self.site: RawSite
        self.tenure: Tenure
        self.note: str

    def __call__(self) -> Any:
        return self._resource

    def is_dropped(self) -> bool:
        extra = sys.getrefcount(self._resource) - _ALONE
        return extra <= 0 or (extra <= _OWN_AT_MOST and extra <= _own_references(self._resource))

    def release(self) -> None:
        self._resource = None


def _references_of_one_held() -> int:
    entry = HeldEntry(object())
    return sys.getrefcount(entry._resource)  # noqa: SLF001 - calibrates the expression in is_dropped


def _own_references(resource: object) -> int:
    """
    How often its own parts refer back to it: a SQLite connection's statement cache does, twice.
    """
    parts = [one for one in gc.get_referents(resource) if not isinstance(one, type)]
    parts += [one for part in parts for one in gc.get_referents(part) if type(one) is dict]
    return sum(one is resource for part in parts for one in gc.get_referents(part))


# As good as `id`, which raises an audit event: with any hook installed that costs ten times as much.
_identity = object.__hash__
_ALONE = _references_of_one_held()
_OWN_AT_MOST = 8


class Ledger:
    """
    Entries by owner. Safe to write from any thread: every change is one dictionary operation.
    """

    def __init__(self) -> None:
        self._book: dict[Tenure, dict[int, Entry | HeldEntry]] = {}
        # Entries whose resources were just freed: the interpreter may yet say something about them.
        self._freed: deque[Entry] = deque(maxlen=_REMEMBERED)
        self._strike: Callable[[Entry], None] = self._struck

    def enter(
        self, tracker: Tracker, resource: object, *, site: RawSite, tenure: Tenure, note: str = ""
    ) -> Entry | HeldEntry:
        entry = HeldEntry(resource) if tracker.holds else Entry(resource, self._strike)
        if isinstance(entry, Entry):
            entry.key = _identity(resource)
        entry.tracker = tracker
        entry.site = site
        entry.tenure = tenure
        entry.note = note
        self._write(entry)
        return entry

    def _write(self, entry: Entry | HeldEntry) -> None:
        page = self._book.get(entry.tenure)
        if page is None:
            page = self._book.setdefault(entry.tenure, {})
        page[_identity(entry)] = entry

    def _struck(self, entry: Entry) -> None:
        self._freed.append(entry)
        page = self._book.get(entry.tenure)
        if page is not None:
            page.pop(_identity(entry), None)

    def strike(self, entry: Entry | HeldEntry) -> None:
        page = self._book.get(entry.tenure)
        if page is not None:
            page.pop(_identity(entry), None)

    def take(self, tenure: Tenure) -> list[Entry | HeldEntry]:
        """
        All entries of one owner, in order of creation, taken off the book.
        """
        page = self._book.pop(tenure, None)
        return list(page.values()) if page else []

    def find(self, resource: object, kind: str) -> Entry | HeldEntry | None:
        """
        The entry of a resource of this kind, also in the moment in which it is freed.
        """
        for entry in self.of_kind(kind):
            if entry() is resource:
                return entry
        key = _identity(resource)
        return next((one for one in reversed(self._freed) if one.key == key and one.tracker.kind == kind), None)

    def freed(self, kind: str) -> list[Entry]:
        """
        The entries of one kind whose resources were freed since the last judgement, closed or not, the first first.
        """
        return [entry for entry in self._freed if entry.tracker.kind == kind]

    def forget_freed(self) -> None:
        """
        What was freed so far has been judged.
        """
        self._freed.clear()

    def page(self, tenure: Tenure) -> list[Entry | HeldEntry]:
        """
        What one owner answers for now.
        """
        return list(self._book.get(tenure, {}).values())

    def all(self) -> list[Entry | HeldEntry]:
        """
        Everything, oldest owner first.
        """
        return [entry for page in list(self._book.values()) for entry in list(page.values())]

    def of_kind(self, kind: str) -> list[Entry | HeldEntry]:
        """
        The entries of one kind, whoever owns them.
        """
        return [
            entry for page in list(self._book.values()) for entry in list(page.values()) if entry.tracker.kind == kind
        ]

    def __len__(self) -> int:
        return sum(len(page) for page in list(self._book.values()))
