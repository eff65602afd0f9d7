"""
The markers of many tests at once. `Item.iter_markers` climbs to the session for each test anew, and several parts of the
plugin ask; tests that are looked at together share what stands above them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from _pytest.nodes import Node

# The tests that were looked at, and what was found.
_BY_NAME = pytest.StashKey["tuple[list[pytest.Item], dict[str, list[pytest.Item]]]"]()
_OF_PYTEST = frozenset({"parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings"})
# What a hook made last, and the names of its markers: several hooks ask in turn.
_MADE = pytest.StashKey["tuple[object, frozenset[str]]"]()


def names_of(collector: pytest.Collector, made: object) -> frozenset[str]:
    """
    The names of all markers on what `pytest_pycollect_makeitem` made, and on what stands above it. Most of a suite has none
    that anybody reads, which is known by this before it is looked at test by test.
    """
    stash = collector.session.stash
    known = stash.get(_MADE, None)
    if known is not None and known[0] is made:
        return known[1]
    several = cast("list[Node]", made if isinstance(made, list) else [] if made is None else [made])
    names = {mark.name for one in several for mark in getattr(one, "own_markers", ())}
    if several:
        names.update(mark.name for mark in collector.iter_markers())
    found = frozenset(names)
    stash[_MADE] = (made, found)
    return found


def marked(items: Iterable[pytest.Item]) -> Iterator[tuple[pytest.Item, list[pytest.Mark]]]:
    """
    Each item that has any marker, with its markers, the closest first, as `iter_markers` has them now.
    """
    above: dict[Node | None, list[pytest.Mark]] = {}
    for item in items:
        parent = item.parent
        shared = above.get(parent)
        if shared is None:
            shared = above[parent] = [] if parent is None else list(parent.iter_markers())
        if item.own_markers or shared:
            yield item, [*item.own_markers, *shared]


def by_name(session: pytest.Session) -> Mapping[str, Sequence[pytest.Item]]:
    """
    The tests of a session by the names of their markers, put together once: for `pytest_collection_finish`, since until
    then anybody may take tests out or mark them. Nothing where all markers are pytest's own.
    """
    items = session.items
    known = session.stash.get(_BY_NAME, None)
    if known is not None and known[0] == items:
        return known[1]
    index: dict[str, list[pytest.Item]] = {}
    if _names_among(items) - _OF_PYTEST:
        for item, marks in marked(items):
            for name in {mark.name for mark in marks}:
                index.setdefault(name, []).append(item)
    session.stash[_BY_NAME] = ([*items], index)
    return index


def named(items: Iterable[pytest.Item], name: str) -> list[pytest.Item]:
    """
    Those that have a marker of this name.
    """
    several = [*items]
    if name not in _names_among(several):
        return []
    return [item for item, marks in marked(several) if any(mark.name == name for mark in marks)]


def _names_among(items: Sequence[pytest.Item]) -> set[str]:
    names = {mark.name for item in items for mark in item.own_markers}
    for parent in {item.parent for item in items}:
        if parent is not None:
            names.update(mark.name for mark in parent.iter_markers())
    return names
