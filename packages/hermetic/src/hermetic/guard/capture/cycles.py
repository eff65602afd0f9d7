"""
Deadlocks: cycles among those that wait for one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def cycles(waits: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """
    The elementary cycles found by one walk: each name waits for the next, the last for the first.

    `waits` maps each waiter to those it waits for. Every node that lies on a cycle is in at least one of the results;
    each result begins with its least name, so that the same deadlock reads the same every time.
    """
    found: dict[tuple[str, ...], None] = {}
    done: set[str] = set()
    for start in waits:
        _walk(start, waits, done, found)
    return tuple(found)


def _walk(
    node: str,
    waits: Mapping[str, Sequence[str]],
    done: set[str],
    found: dict[tuple[str, ...], None],
) -> None:
    # Depth-first without recursion: chains of thousands of tasks must not end the capture.
    path: dict[str, None] = {}
    stack: list[tuple[str, int]] = [(node, 0)]
    while stack:
        name, index = stack.pop()
        if index == 0:
            if name in done:
                continue
            path[name] = None
        following = waits.get(name, ())
        if index < len(following):
            stack.append((name, index + 1))
            target = following[index]
            if target in path:
                names = list(path)
                cycle = names[names.index(target) :]
                least = cycle.index(min(cycle))
                found[(*cycle[least:], *cycle[:least])] = None
            elif target not in done:
                stack.append((target, 0))
        else:
            done.add(name)
            path.pop(name, None)
