"""
The markers of many tests at once. `Item.iter_markers` climbs to the session for each test anew, and several parts of the
plugin ask; tests that are looked at together share what stands above them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from _pytest.nodes import Node

# The tests that were looked at, and what was found.
_BY_NAME = pytest.StashKey["tuple[list[pytest.Item], dict[str, list[pytest.Item]]]"]()


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
    then anybody may take tests out or mark them.
    """
    items = session.items
    known = session.stash.get(_BY_NAME, None)
    if known is not None and known[0] == items:
        return known[1]
    index: dict[str, list[pytest.Item]] = {}
    for item, marks in marked(items):
        for name in {mark.name for mark in marks}:
            index.setdefault(name, []).append(item)
    session.stash[_BY_NAME] = ([*items], index)
    return index


def named(items: Iterable[pytest.Item], name: str) -> list[pytest.Item]:
    """
    Those that have a marker of this name.
    """
    return [item for item, marks in marked(items) if any(mark.name == name for mark in marks)]
