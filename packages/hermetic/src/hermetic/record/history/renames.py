"""
Tests that seem to have been renamed: one name was last seen just before another, much like it, came up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

_LAST_RUNS = 20
# The run in which a name came up follows within so many on the one in which the other was seen last.
_NEAR = 3
_MOST_LOOKED_AT = 500
_MOST_OFFERED = 20
# Of two names in one file, by difflib's measure.
_ALIKE = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """
    A name that was seen last just before the other was seen first.
    """

    old: str
    new: str


def offered(db: sqlite3.Connection) -> tuple[Renamed, ...]:
    """
    Pairs of names of which only one is likely to be the other's: the same test in another file or class, or a name much alike
    in the same place. Nothing is renamed by it.

    A run of a part of the suite says little about what is gone, so the run in which the new name came up must have had at
    least four fifths of the tests of the one in which the old one was seen last.
    """
    runs = db.execute("SELECT number FROM runs ORDER BY at DESC LIMIT ?", (_LAST_RUNS,)).fetchall()
    if len(runs) < 2:
        return ()
    oldest = min(number for (number,) in runs)
    came, went = (
        db.execute(
            f"SELECT t.name, t.{column}, r.tests FROM tests t JOIN runs r ON r.number = t.{column} "  # noqa: S608 - ours
            f"WHERE t.{column} >= ? AND t.{column} {beyond} FROM runs) ORDER BY t.name LIMIT ?",
            (oldest, _MOST_LOOKED_AT),
        ).fetchall()
        for column, beyond in (("first", "> (SELECT min(number)"), ("last", "< (SELECT max(number)"))
    )
    pairs = [
        (old, new)
        for old, last, had in went
        for new, first, has in came
        if last < first <= last + _NEAR and has >= 0.8 * had and _is_likely(old, new)
    ]
    olds, news = Counter(old for old, _ in pairs), Counter(new for _, new in pairs)
    only = [Renamed(old=old, new=new) for old, new in pairs if olds[old] == news[new] == 1]
    return tuple(only[:_MOST_OFFERED])


def _is_likely(old: str, new: str) -> bool:
    old_place, _, old_name = old.rpartition("::")
    new_place, _, new_name = new.rpartition("::")
    if old_name == new_name:
        return True
    if old_place != new_place:
        return False
    import difflib  # noqa: PLC0415 - only where names came and went in one file

    return difflib.SequenceMatcher(None, old_name, new_name).ratio() >= _ALIKE
