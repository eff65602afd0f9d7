"""
Objects that the project declared resettable: put back after each test without a word, since that was asked for.
"""

from __future__ import annotations

import collections
import itertools
import sys
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from hermetic.guard.isolation.change import MISSING, Change, is_same, text
from hermetic.guard.isolation.kinds.containers import fill
from hermetic.guard.isolation.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hermetic.guard.resettable import Register

Picture: TypeAlias = dict[int, tuple[Any, Any]]
"""
By identity of each object that belongs to a singleton: the object, and its attributes or elements.
"""
Pictures: TypeAlias = "dict[int, tuple[object, Callable[[Any], object] | None, Picture]]"

_CONTAINERS: Final = (list, dict, set, collections.deque, bytearray)
_DEEPEST: Final = 3
_MOST: Final = 1_000
_NOTHING: Final[Pictures] = {}


class Singletons(State[Pictures]):
    """
    What `hermetic.resettable` registered, and the objects that an option names.

    Args:
        register: the register to read.
        named: objects to add once their modules are loaded, each as "module:attribute.attribute".
    """

    kind = "singleton"
    what = "resettable object"
    remedy = "nothing: it was declared resettable, and comes back by itself in restore mode"
    is_expected = True

    def __init__(self, register: Register, *, named: Iterable[str] = ()) -> None:
        self._register = register
        self._named = list(named)
        self._modules = 0
        self._unseen = itertools.count()

    def read(self) -> Pictures:
        if self._named and len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            self._named = [name for name in self._named if not self._resolve(name)]
        if self._register.is_empty:
            return _NOTHING
        return {id(target): (target, reset, self._picture(target)) for target, reset in self._register.living()}

    def _resolve(self, name: str) -> bool:
        module, _, path = name.partition(":")
        target: Any = sys.modules.get(module)
        for attribute in path.split("."):
            target = getattr(target, attribute, None)
        if target is not None:
            self._register.add(target, None)
        return target is not None

    def _picture(self, target: object) -> Picture:
        info = getattr(target, "cache_info", None)
        if callable(info):
            return {id(target): (target, info())}
        picture: Picture = {}
        _draw(target, type(target).__module__.partition(".")[0], picture, 0)
        # What cannot be seen may have changed at any time.
        return picture or {id(target): (target, next(self._unseen))}

    def is_alike(self, before: Pictures, after: Pictures) -> bool:
        return before.keys() == after.keys() and all(
            _is_same_picture(before[identity][2], after[identity][2]) for identity in before
        )

    def changes(self, before: Pictures, after: Pictures) -> Iterable[Change]:
        for identity, (target, reset, picture) in before.items():
            now = after.get(identity)
            if now is not None and now[0] is target and not _is_same_picture(picture, now[2]):
                name = f"{type(target).__module__}.{type(target).__qualname__}"
                yield Change(
                    key=identity,
                    name=name,
                    before=picture,
                    after=now[2],
                    target=(target, reset),
                    note=_difference(picture, now[2]),
                )

    def restore(self, change: Change) -> None:
        target, reset = cast("tuple[Any, Callable[[Any], object] | None]", change.target)
        if reset is not None:
            reset(target)
        elif callable(clear := getattr(target, "cache_clear", None)):
            clear()
        else:
            for holder, content in cast("Picture", change.before).values():
                _put_back(holder, content)


def _draw(target: Any, package: str, picture: Picture, depth: int) -> None:
    if id(target) in picture or len(picture) >= _MOST or depth > _DEEPEST:
        return
    content: Any
    if type(target) in _CONTAINERS:
        is_queue = isinstance(target, collections.deque)
        content = list(cast("Iterable[object]", target)) if is_queue else target.copy()
    else:
        content = dict(_attributes(target))
        if not content and not hasattr(target, "__dict__"):
            return
    picture[id(target)] = (target, content)
    inner: Iterable[Any] = cast("dict[object, object]", content).values() if isinstance(content, dict) else content
    for value in inner:
        # asyncio's locks and queues are parts of whoever holds them; they also remember the loop of one test.
        home = type(value).__module__.partition(".")[0]
        if type(value) in _CONTAINERS or (home in {package, "asyncio"} and not isinstance(value, type)):
            _draw(value, package, picture, depth + 1)


def _attributes(target: object) -> Iterator[tuple[str, object]]:
    yield from cast("dict[str, object]", getattr(target, "__dict__", {})).items()
    for cls in type(target).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(cast("Iterable[str]", slots)):
            if name not in {"__dict__", "__weakref__"}:
                mangled = f"_{cls.__name__.lstrip('_')}{name}" if name.startswith("__") and name[-2:] != "__" else name
                yield mangled, getattr(target, mangled, MISSING)


def _is_same_picture(before: Picture, after: Picture) -> bool:
    # Attributes and elements by identity, plain ones by value; of sets, which have no order, whether they are equal.
    return before.keys() == after.keys() and all(
        _is_same_content(content, after[identity][1]) for identity, (_, content) in before.items()
    )


def _is_same_content(before: Any, after: Any) -> bool:
    if isinstance(before, dict):
        one, other = cast("dict[object, object]", before), cast("dict[object, object]", after)
        return list(one) == list(other) and _are_same(list(one.values()), list(other.values()))
    if isinstance(before, list):
        return _are_same(cast("list[object]", before), cast("list[object]", after))
    return bool(before == after)


def _are_same(before: list[object], after: list[object]) -> bool:
    return len(before) == len(after) and all(is_same(one, other) for one, other in zip(before, after, strict=True))


def _difference(before: Picture, after: Picture) -> str:
    changed = [
        f"{type(holder).__qualname__}: {text(content)} before, {text(after[identity][1])} after"
        for identity, (holder, content) in before.items()
        if identity in after and not _is_same_content(content, after[identity][1])
    ]
    return "; ".join(changed[:2]) or "other objects than before"


def _put_back(holder: Any, content: Any) -> None:
    if type(holder) in _CONTAINERS:
        fill(holder, content)
        return
    wanted = cast("dict[str, object]", content)
    present = dict(_attributes(holder))
    for name in present.keys() - wanted.keys():
        object.__delattr__(holder, name)
    for name, value in wanted.items():
        if value is MISSING:
            if present.get(name, MISSING) is not MISSING:
                object.__delattr__(holder, name)
        elif present.get(name, MISSING) is not value:
            object.__setattr__(holder, name, value)
