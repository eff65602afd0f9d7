"""
What module-level and class-level containers of the project hold: caches, registries, queues, tables.
"""

from __future__ import annotations

import collections
import sys
import types
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from hermetic.guard.isolation.change import Change, text
from hermetic.guard.isolation.kinds.namespaces import codes
from hermetic.guard.isolation.state import State
from hermetic.guard.isolation.versions import Versions, are_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hermetic.guard.isolation.kinds.namespaces import Contents, Namespaces
    from hermetic.guard.isolation.landscape import Space

Copies: TypeAlias = dict[int, tuple[Any, Any]]
"""
By identity of a container: itself, and a copy of it.
"""

_COPY: Final[dict[type, Callable[[Any], Any]]] = {
    list: list,
    dict: dict,
    set: set,
    bytearray: bytes,
    collections.deque: lambda queue: collections.deque(queue, queue.maxlen),
    collections.OrderedDict: dict,
    collections.defaultdict: dict,
    collections.Counter: dict,
}
_DEEPEST: Final = 3
_LARGEST: Final = 5_000
_MOST: Final = 2_000


class Containers(State[Copies]):
    """
    Containers held by attributes of the project's modules and classes, and by one another, three levels deep.

    Dictionaries tell by their version whether they were written to; the others are compared with their copies, element
    by element and by identity first. Those with more than 5,000 elements are left out, and what is found after the
    first 2,000.

    Read after the namespaces, whose last reading tells where to look.
    """

    kind = "module-content"
    what = "module-level container"
    remedy = "clear it in a fixture's teardown; hermetic.resettable(container) says that it is to come back fresh"
    calls = ()

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._contents: Contents | None = None
        self._names: dict[int, tuple[str, Space, str]] = {}
        self._copies: Copies = {}
        self._live: list[Any] = []
        self._kept: list[Any] = []
        self._versions = Versions(())
        self._seen = b""

    def read(self) -> Copies:
        contents = self._namespaces.contents
        if contents is not self._contents:
            self._contents = contents
            self._find(contents)
        try:
            is_alike = self._versions.read() == self._seen and self._live == self._kept
        except Exception:  # noqa: BLE001 - an element's __eq__ may raise anything
            is_alike = False
        if not is_alike:
            self._find(contents)
        return self._copies

    def _find(self, contents: Contents) -> None:
        self._names = {}
        found: Copies = {}
        for space, names in contents.items():
            if space.role != "own":
                continue
            for name, value in names.items():
                if not (name.startswith("_") and name.endswith("_")) and not name.startswith("_abc_"):
                    self._add(value, (f"{space.shown}.{name}", space, name), found, 0)
        if any(
            identity not in self._copies or self._copies[identity] is not pair for identity, pair in found.items()
        ) or len(found) != len(self._copies):
            self._copies = found
        self._arm()

    def _add(self, value: Any, name: tuple[str, Space, str], found: Copies, depth: int) -> None:
        copy = _COPY.get(cast("Any", type(value)))
        if copy is None or id(value) in found or len(found) >= _MOST or len(value) > _LARGEST:
            return
        known = self._copies.get(id(value))
        is_known = known is not None and known[0] is value and is_equal(value, known[1])
        found[id(value)] = known if known is not None and is_known else (value, copy(value))
        self._names[id(value)] = name
        if depth < _DEEPEST and not isinstance(value, bytearray):
            for key, inner in _items(value):
                if type(inner) in _COPY:
                    self._add(inner, (f"{name[0]}[{text(key)}]", *name[1:]), found, depth + 1)

    def _arm(self) -> None:
        pairs = self._copies.values()
        has_version = dict if are_kept() else ()
        self._live = [value for value, _ in pairs if not isinstance(value, has_version)]
        self._kept = [copy for value, copy in pairs if not isinstance(value, has_version)]
        tables = [cast("dict[str, object]", value) for value, _ in pairs if isinstance(value, has_version)]
        self._versions = Versions(tables)
        self._seen = self._versions.read()

    def is_alike(self, before: Copies, after: Copies) -> bool:
        return before is after

    def changes(self, before: Copies, after: Copies) -> Iterable[Change]:
        for identity, (value, now) in after.items():
            was = before.get(identity)
            if was is None or was[0] is not value or was[1] is now or is_equal(was[1], now):
                continue
            shown, space, attribute = self._names[identity]
            yield Change(
                key=identity,
                name=shown,
                before=was[1],
                after=now,
                target=value,
                note=difference(was[1], now),
                hints=(attribute, *_users(space, attribute)),
            )

    def restore(self, change: Change) -> None:
        fill(change.target, change.before)


def _users(space: Space, name: str) -> Iterable[str]:
    module = space.holder if isinstance(space.holder, types.ModuleType) else sys.modules.get(space.holder.__module__)
    if module is not None:
        yield from (code.co_name for code in codes(module) if name in code.co_names)


def _items(container: Any) -> Iterable[tuple[object, object]]:
    if isinstance(container, dict):
        return cast("dict[object, object]", container).items()
    return enumerate(cast("Iterable[object]", container))


def added(value: Any, known: Copies) -> Copies:
    """
    A container and those in it, each with a copy; the copies in `known` are taken where nothing has changed.
    """
    found: Copies = {}
    _gather(value, known, found, 0)
    return found


def _gather(value: Any, known: Copies, found: Copies, depth: int) -> None:
    copy = _COPY.get(cast("Any", type(value)))
    if copy is None or id(value) in found or len(found) >= _MOST or len(value) > _LARGEST:
        return
    pair = known.get(id(value))
    is_known = pair is not None and pair[0] is value and is_equal(value, pair[1])
    found[id(value)] = pair if pair is not None and is_known else (value, copy(value))
    if depth < _DEEPEST and not isinstance(value, bytearray):
        for _, inner in _items(value):
            _gather(inner, known, found, depth + 1)


def is_equal(one: Any, other: Any) -> bool:
    """
    Whether a container holds what a copy of it holds: elements by identity, plain ones by value.
    """
    try:
        if isinstance(one, dict) and isinstance(other, dict):
            # By identity of values: a value that says it equals everything must not hide a change.
            first, second = cast("dict[object, object]", one), cast("dict[object, object]", other)
            return (
                len(first) == len(second)
                and list(first) == list(second)
                and all(
                    a is b or (type(a) is type(b) and type(a) in _PLAIN and a == b)
                    for a, b in zip(first.values(), second.values(), strict=True)
                )
            )
        return bool(one == other)
    except Exception:  # noqa: BLE001 - an element's __eq__ may raise anything
        return False


_PLAIN: Final = (str, bytes, int, float, bool)


def difference(before: Any, after: Any) -> str:
    """
    In words, what one has that the other has not.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        was, became = cast("dict[object, object]", before), cast("dict[object, object]", after)
        new = [key for key in became if key not in was]
        lost = [key for key in was if key not in became]
        other = [key for key in became if key in was and became[key] is not was[key]]
        parts = [("added", new), ("removed", lost), ("changed", other)]
    else:
        sizes = len(cast("list[object]", before)), len(cast("list[object]", after))
        same_size = "other elements, or another order"
        return same_size if sizes[0] == sizes[1] else f"{sizes[0]} elements before, {sizes[1]} after"
    return "; ".join(
        f"{word} {', '.join(text(key) for key in keys[:3])}" + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
        for word, keys in parts
        if keys
    )


def fill(container: Any, content: Any) -> None:
    """
    Make a container hold this, keeping the container itself, since others refer to it.
    """
    if isinstance(container, list | bytearray):
        container[:] = content
    elif isinstance(container, collections.deque):
        container.clear()
        cast("collections.deque[object]", container).extend(content)
    elif isinstance(container, set):
        container.clear()
        cast("set[object]", container).update(content)
    elif isinstance(container, dict):
        table = cast("dict[object, object]", container)
        table.clear()
        table.update(content)
