"""
An explicit schedule: what happens to which request, named one by one, with no chance left.

A schedule is made from a ledger and takes the place of chance in a later run; it can be kept in a file, edited,
and shrunk to the entries that matter. What it does not name does not happen: no fault, no delay.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from hermetic.world.http.decisions import Decided, Outcome
from hermetic.world.http.errors import ScheduleError
from hermetic.world.http.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from hermetic.foundation.events import Event

_T = TypeVar("_T", bool, int, float, str)
_HEADER = {"hermetic": "schedule", "version": 1}
_FIELDS = {"server": str, "route": str, "who": str, "nth": int, "purpose": str}


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """
    One thing that happens: the request, the purpose of the decision, and its outcome.
    """

    identity: Identity
    purpose: str
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.identity}: {self.purpose} = {self.outcome!r}"


class Schedule:
    """
    Entries, one a request and purpose, in a fixed order. Immutable.
    """

    def __init__(self, entries: Iterable[Entry], *, source: str = "a schedule made in code") -> None:
        self.source = source
        self._outcomes: dict[tuple[Identity, str], Outcome] = {}
        for entry in entries:
            key = (entry.identity, entry.purpose)
            if self._outcomes.setdefault(key, entry.outcome) != entry.outcome:
                raise ScheduleError(
                    problem=f"{entry} contradicts an earlier entry, which says {self._outcomes[key]!r}",
                    source=source,
                    remedy="Keep one of them; a ledger of several runs must be cut into its runs.",
                )

    @classmethod
    def from_events(cls, events: Iterable[Event], *, source: str = "a ledger") -> Schedule:
        """
        What happened in a run, from its ledger. Decisions that came to nothing need no entry.
        """
        decided = [event for event in events if isinstance(event, Decided) and event.outcome]
        return cls(
            (Entry(Identity(e.server, e.route, e.who, e.nth), e.purpose, e.outcome) for e in decided), source=source
        )

    @classmethod
    def load(cls, path: Path) -> Schedule:
        """
        Read what `save` wrote.

        Raises:
            ScheduleError: the file is no schedule, or a line of it is none; says which.
            OSError: it cannot be read.
        """
        lines = path.read_text("utf-8").splitlines()
        if not lines or _parsed(lines[0], f"{path}:1") != _HEADER:
            raise ScheduleError(
                problem="this is not a schedule of version 1",
                source=f"{path}:1",
                remedy=f"Its first line must be {json.dumps(_HEADER)}.",
            )
        entries = [_entry(line, f"{path}:{row}") for row, line in enumerate(lines[1:], 2) if line.strip()]
        return cls(entries, source=str(path))

    def save(self, path: Path) -> None:
        """
        Write JSON Lines, one entry a line, in a fixed order so that two schedules can be compared by `diff`.
        """
        rows = [
            {
                "server": entry.identity.server,
                "route": entry.identity.route,
                "who": entry.identity.who,
                "nth": entry.identity.nth,
                "purpose": entry.purpose,
                "outcome": entry.outcome,
            }
            for entry in sorted(self, key=lambda entry: (entry.identity, entry.purpose))
        ]
        text = "".join(f"{json.dumps(row)}\n" for row in (_HEADER, *rows))
        path.write_text(text, "utf-8")

    def outcome(self, identity: Identity, purpose: str, nothing: _T) -> _T:
        """
        What happens to that request for that purpose; `nothing` when the schedule does not name it.

        Raises:
            ScheduleError: the entry is of another type than the decision.
        """
        found: object = self._outcomes.get((identity, purpose), nothing)
        if type(nothing) is float and type(found) is int:
            found = float(found)
        if isinstance(found, type(nothing)):
            return found  # pyright: ignore[reportReturnType]  # it does not narrow by type(nothing), mypy does
        raise ScheduleError(
            problem=f"{identity}: {purpose} = {found!r} is of the wrong type",
            source=self.source,
            remedy=f"This decision comes to a {type(nothing).__name__}; correct or remove the entry.",
        )

    def only(self, entries: Iterable[Entry]) -> Schedule:
        """
        The same schedule with these entries alone.
        """
        return Schedule(entries, source=self.source)

    def __iter__(self) -> Iterator[Entry]:
        return (Entry(identity, purpose, outcome) for (identity, purpose), outcome in self._outcomes.items())

    def __len__(self) -> int:
        return len(self._outcomes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self._outcomes == other._outcomes

    __hash__ = None  # type: ignore[assignment]  # equality is by content, and hashing it has no use

    def __repr__(self) -> str:
        return f"<Schedule of {len(self)} entries from {self.source}>"


def _parsed(line: str, source: str) -> dict[str, object]:
    try:
        row: object = json.loads(line)
    except ValueError as error:
        raise ScheduleError(
            problem=f"not JSON: {error}", source=source, remedy="Each line is one JSON object."
        ) from error
    if not isinstance(row, dict):
        raise ScheduleError(
            problem=f"not an object: {line[:60]!r}", source=source, remedy="Each line is one JSON object."
        )
    return cast("dict[str, object]", row)


def _entry(line: str, source: str) -> Entry:
    row = _parsed(line, source)
    if set(row) != {*_FIELDS, "outcome"}:
        odd = ", ".join(sorted(set(row) ^ {*_FIELDS, "outcome"}))
        raise ScheduleError(
            problem=f"missing or unknown keys: {odd}",
            source=source,
            remedy=f"An entry has {', '.join(_FIELDS)}, outcome.",
        )
    for name, wanted in _FIELDS.items():
        if type(row[name]) is not wanted:
            raise ScheduleError(
                problem=f"{name} is {row[name]!r}", source=source, remedy=f"It must be a {wanted.__name__}."
            )
    outcome = row["outcome"]
    if not isinstance(outcome, (bool, int, float, str)):
        raise ScheduleError(
            problem=f"outcome is {outcome!r}", source=source, remedy="It must be true or false, a number, or a text."
        )
    server, route, who, nth = row["server"], row["route"], row["who"], row["nth"]
    return Entry(Identity(str(server), str(route), str(who), int(str(nth))), str(row["purpose"]), outcome)
