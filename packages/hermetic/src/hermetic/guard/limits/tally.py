"""
Counts what the census has on its books, and says who holds most.

Whoever counts in another thread than the one that judges holds the census's lock meanwhile: a reference taken here must
not make a dropped resource look held there.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from threading import get_ident
from time import monotonic
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hermetic.guard.census.site import Reader
from hermetic.guard.census.tracker import RUNS_THE_LOOP
from hermetic.guard.limits import process
from hermetic.guard.limits.kinds import COUNTED, NAMES, is_http_client
from hermetic.guard.limits.snapshot import ResourceSnapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hermetic.foundation import Site
    from hermetic.guard.census.census import AnyEntry, Census

_DESCRIPTORS = "/proc/self/fd"
_NOTED = frozenset({"file", "descriptor"})
_NONE: Mapping[int, AnyEntry] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """
    Open resources of one kind that were made at one place: how many, where, and one of them as an example.
    """

    resource: str
    title: str
    count: int
    subject: str
    site: Site

    @property
    def place(self) -> str:
        """
        `file:line in function` of the project's line that made them.
        """
        frame = self.site.innermost
        if frame is None:
            return "an unknown line"
        return f"{frame.file}:{frame.line}" + (f" in {frame.function}" if frame.function else "")


class Tally:
    """
    One census, counted.
    """

    def __init__(self, census: Census) -> None:
        self._census = census
        self._reader = Reader()
        self._http: dict[str, bool] = {}

    def snapshot(self) -> ResourceSnapshot:
        """
        Everything at this moment. Callable from any thread; waits while the census judges.
        """
        with self._census.looking:
            counts = Counter(name for name, _ in self._open(None))
        return ResourceSnapshot(
            at_s=monotonic(),
            memory_bytes=process.resident_bytes(),
            descriptors=process.descriptors(),
            **{name: counts[name] for name in NAMES},
        )

    def count(self, name: str, *, new: AnyEntry | None = None) -> int:
        """
        How many of one name are open, with `new`, which is being opened now.
        """
        with self._census.looking:
            return sum(1 for _ in self._open(name, new))

    def name_of(self, entry: AnyEntry) -> str | None:
        """
        Under which name an entry counts; None if it does not.
        """
        name = COUNTED.get(entry.tracker.kind)
        if name is None or entry.note is RUNS_THE_LOOP or (name == "http_connections" and not self._is_http(entry)):
            return None
        return name

    def holders(
        self, name: str, *, new: AnyEntry | None = None, without: Mapping[int, AnyEntry] = _NONE
    ) -> tuple[Holder, ...]:
        """
        Who has most of it open, the largest first, grouped by the line that made it; but for those in `without`, which
        are there by their identity.
        """
        groups: dict[tuple[str, object], list[AnyEntry]] = {}
        with self._census.looking:
            found = [entry for _, entry in self._open(name, new)]
        for entry in found:
            if without.get(id(entry)) is entry:
                continue
            place = self._reader.innermost(entry.site) or entry.site
            groups.setdefault((entry.tracker.kind, place), []).append(entry)
        ordered = sorted(groups.values(), key=len, reverse=True)
        return tuple(self._holder(name, group) for group in ordered)

    def open_entries(self) -> list[AnyEntry]:
        """
        All entries that count, and are open.
        """
        with self._census.looking:
            return [entry for _, entry in self._open(None)]

    def prune(self, before: dict[int, AnyEntry]) -> dict[int, AnyEntry]:
        """
        Take files and descriptors off the books that were closed at the time of the last call as well; returns those of
        this one. Their entries are notes, which stay until they are judged; all others go with their resources.
        """
        with self._census.looking:
            is_open = {id(entry) for _, entry in self._open(None)}
            closed = {
                id(one): one
                for one in self._census.ledger.all()
                if one.tracker.kind in _NOTED and id(one) not in is_open
            }
            for key, entry in closed.items():
                if before.get(key) is entry:
                    self._census.forget(entry)
        return closed

    def _open(self, only: str | None, new: AnyEntry | None = None) -> Iterator[tuple[str, AnyEntry]]:
        paths: Counter[str] | None = None
        for entry in self._census.ledger.all():
            name = self.name_of(entry)
            if name is None or (only is not None and name != only):
                continue
            resource: Any = entry()
            if resource is None:
                continue
            if entry.tracker.kind == "file":
                if paths is None:
                    paths = _open_paths()
                is_open = _will_open(resource) if entry is new else _takes_one(paths, resource.path)
            else:
                is_open = entry is new or _is_open(entry, resource)
            is_over = not is_open and _is_surely_closed(entry, resource)
            del resource
            if is_open:
                yield name, entry
            elif is_over:
                # The note of a file that is closed: a program that opens one after the other would be counted ever slower.
                self._census.forget(entry)

    def _is_http(self, entry: AnyEntry) -> bool:
        for code, _ in entry.site[0]:
            file = code.co_filename
            known = self._http.get(file)
            if known is None:
                known = self._http[file] = is_http_client(file)
            if known:
                return True
        return False

    def _holder(self, name: str, group: list[AnyEntry]) -> Holder:
        first = group[0]
        subject = ""
        with suppress(Exception):  # the resource may be gone, or a user's class may fail to describe itself
            subject = first.tracker.subject(first(), first.note)
        return Holder(
            resource=name,
            title=first.tracker.title,
            count=len(group),
            subject=subject,
            site=self._reader.read(first.site),
        )


def _is_open(entry: AnyEntry, resource: Any) -> bool:
    if entry.tracker.kind == "asyncio.task":
        return not resource.done()
    try:
        return entry.tracker.is_open(resource)
    except Exception:  # noqa: BLE001 - a user's class that cannot say whether it is open does not count
        return False


def _is_surely_closed(entry: AnyEntry, resource: Any) -> bool:
    # A file is on the books a moment before it is open; whoever counts in the thread that opened it comes later.
    kind = entry.tracker.kind
    return kind == "descriptor" or (kind == "file" and resource.thread == get_ident())


def _takes_one(paths: Counter[str], path: str) -> bool:
    # A path that was opened a hundred times and closed again each time, but once, counts once.
    if paths[path] <= 0:
        return False
    paths[path] -= 1
    return True


def _will_open(opened: Any) -> bool:
    # The event comes before the file is opened: what is sure to fail does not count.
    exists = os.path.lexists(opened.path)
    if "x" in opened.mode:
        return not exists
    return not os.path.isdir(opened.path) and (exists or "r" not in opened.mode)  # noqa: PTH112 - as cheap as possible


def _open_paths() -> Counter[str]:
    paths: Counter[str] = Counter()
    with suppress(OSError):
        for number in os.listdir(_DESCRIPTORS):  # noqa: PTH208 - as cheap as possible
            with suppress(OSError):
                paths[os.readlink(f"{_DESCRIPTORS}/{number}").removesuffix(" (deleted)")] += 1  # noqa: PTH115 - as above
    return paths
