"""
Resources that were freed unclosed: the interpreter and many libraries say so with a ResourceWarning, which most runs
filter out.

A warning filter may carry any object with a `match` method for the message. The one here is asked about every warning,
says that it does not match, and so changes nothing, but hears the text whatever the filters behind it decide (Source:
CPython, Python/_warnings.c, `get_filter` and `check_matched`).
"""

from __future__ import annotations

import contextlib
import warnings
from collections import deque
from typing import TYPE_CHECKING, Any

from hermetic.foundation.remedy import Remedy
from hermetic.guard import late
from hermetic.guard.census.wording import safe_repr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermetic.guard.census.cases import Case
    from hermetic.guard.census.site import RawSite
    from hermetic.guard.census.tracker import Listed, Tracker

_SPEAKS = ("unclosed ", "Unclosed ", " is still running", "Implicitly cleaning up ", " was deleted before being")
# What the interpreter's words are about. Of what it frees in a circle of references the weak references are gone by then.
_KINDS = (
    ("<socket.socket ", "socket"),
    ("unclosed transport ", "asyncio.transport"),
    ("unclosed event loop ", "asyncio.loop"),
    ("Unclosed client session", "aiohttp.session"),
    ("Unclosed connector", "aiohttp.connector"),
)
_EXPECTED = 64
_CASES = "hermetic.guard.census.cases"


class DroppedWarnings:
    """
    Hears of freed resources; `bring_forward` puts it before the filters of the test that begins.
    """

    def __init__(self, intake: Any) -> None:
        self._intake = intake
        self._item = ("ignore", self, ResourceWarning, None, 0)
        self._hearing = False
        self._expected: deque[str] = deque(maxlen=_EXPECTED)

    def expect(self, resource: object, tracker: Tracker) -> None:
        """
        This one has been told of: what the interpreter may yet say about it is no news.
        """
        name = tracker.dropped_name(resource)
        if name:
            self._expected.append(name)
        told = safe_repr(resource)
        # What else its repr says may change meanwhile.
        _, mark, address = told.rpartition(" 0x")
        self._expected.append(mark + address.rstrip(">") if mark else told)

    def bring_forward(self) -> None:
        self._expected.clear()
        filters: list[Any] = warnings.filters  # type: ignore[assignment]  # a list, whatever the stub calls it
        if not filters or filters[0] is not self._item:
            if self._item in filters:
                filters.remove(self._item)
            # Nothing is decided differently, so the interpreter's cache of what it has shown stays valid.
            filters.insert(0, self._item)

    def take_away(self) -> None:
        filters: list[Any] = warnings.filters  # type: ignore[assignment]  # as above
        with contextlib.suppress(ValueError):
            filters.remove(self._item)

    def match(self, text: str) -> None:
        """
        Called by the interpreter with the text of a warning; None means that this filter does not apply.
        """
        if self._hearing or not any(words in text for words in _SPEAKS):
            return
        self._hearing = True  # what is asked below may warn itself
        try:
            with contextlib.suppress(Exception):
                self._heard(text)
        finally:
            self._hearing = False

    def _heard(self, text: str) -> None:
        if any(one in text for one in self._expected):
            return
        entry, tracker = self._entry(text)
        if entry is None or tracker is None:
            entry, tracker = self._freed(text)
        if entry is None or tracker is None:
            self._intake.happened(_unknown(text, self._intake.attribution.current(), self._intake.here(skip=3)))
            return
        self._intake.forget(entry)
        self._intake.happened(
            late.load(_CASES).Case(
                kind=tracker.kind,
                title=f"{tracker.title} dropped without being closed",
                subject=text,
                remedy=tracker.remedy,
                tenure=entry.tenure,
                site=entry.site,
                evidence=["nothing refers to it any more; the interpreter closed it, at a moment that it chose"],
            )
        )

    def _entry(self, text: str) -> tuple[Listed | None, Tracker | None]:
        for entry in self._candidates():
            tracker: Tracker = entry.tracker
            resource = entry()
            if resource is None:
                continue
            pid = getattr(resource, "pid", None)
            name = tracker.dropped_name(resource)
            if safe_repr(resource) in text or f"subprocess {pid} " in text or (name and name in text):
                return entry, tracker
        return None, None

    def _freed(self, text: str) -> tuple[Listed | None, Tracker | None]:
        """
        The one that it must be, since all of its kind that were freed since the last judgement are of one owner and line.
        """
        kind = next((kind for words, kind in _KINDS if words in text), "")
        found: list[Any] = self._intake.ledger.freed(kind) if kind else []
        places = {(entry.tenure, entry.site[0][:1]) for entry in found}
        return (found[0], found[0].tracker) if len(places) == 1 else (None, None)

    def _candidates(self) -> Iterable[Any]:
        known: list[Any] = self._intake.ledger.all()
        return known[::-1]


def _unknown(text: str, tenure: Any, where: RawSite) -> Case:
    case: Case = late.load(_CASES).Case(
        kind="resource.dropped",
        title="Resource dropped without being closed",
        subject=text.replace("unclosed ", "").replace("Unclosed ", ""),
        remedy=Remedy(text="Close it where it was opened, in a with or a finally."),
        tenure=tenure,
        site=where,
        evidence=["it was freed at the line shown; where it was made is not known"],
    )
    return case
