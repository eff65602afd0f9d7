"""
The markers of many tests at once. `Item.iter_markers` climbs to the session for each test anew, and several parts of the
plugin ask; tests that are looked at together share what stands above them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest
    from _pytest.nodes import Node


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


def named(items: Iterable[pytest.Item], name: str) -> list[pytest.Item]:
    """
    Those that have a marker of this name.
    """
    return [item for item, marks in marked(items) if any(mark.name == name for mark in marks)]
