"""
Objects that are to come back fresh after each test: singletons, caches, breakers, limiters.

This module imports nothing, so that a product may name its own singletons without paying for the guard; whoever
watches reads the register.
"""

from __future__ import annotations

import functools
import weakref
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from hermetic.errors import HermeticError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")


class ResettableError(HermeticError, TypeError):
    """
    Something that cannot be put back, since there is no way to see what it was.
    """

    def __init__(self, target: object) -> None:
        super().__init__(target)
        self.target = target

    def __str__(self) -> str:
        kind = type(self.target).__qualname__
        return (
            f"hermetic.resettable got a {kind}, which has no attributes or elements to remember. "
            "Say how it is made fresh: hermetic.resettable(target, reset=function)."
        )


class Register:
    """
    Everything that was registered and still lives. Objects are held weakly where that is possible.
    """

    def __init__(self) -> None:
        # A reference to each object, and the function that makes it fresh if its state is not to be put back.
        self._entries: dict[int, tuple[Callable[[], object], Callable[[Any], object] | None]] = {}
        self.changes = 0
        """
        How often something was added, by which a reader sees that there is more.
        """

    def add(self, target: object, reset: Callable[[Any], object] | None) -> None:
        identity = id(target)
        try:
            reference: Callable[[], object] = weakref.ref(target, lambda _: self._entries.pop(identity, None))
        except TypeError:
            reference = functools.partial(_itself, target)
        self._entries[identity] = (reference, reset)
        self.changes += 1

    @property
    def is_empty(self) -> bool:
        """
        Whether nothing was registered that may still live.
        """
        return not self._entries

    def living(self) -> Iterator[tuple[object, Callable[[Any], object] | None]]:
        for reference, reset in tuple(self._entries.values()):
            target = reference()
            if target is not None:
                yield target, reset


def _itself(target: object) -> object:
    return target


REGISTER = Register()
"""
The one register of the process: a decorator has no other place to put what it decorates.
"""


@overload
def resettable(target: T, /, *, reset: Callable[[T], object] | None = None) -> T: ...


@overload
def resettable(*, reset: Callable[[Any], object] | None = None) -> Callable[[T], T]: ...


def resettable(target: object = None, /, *, reset: Callable[[Any], object] | None = None) -> Any:
    """
    Say that an object is to come back, after each test, as the test found it. Returns the object.

    Of an instance, all attributes are put back, and the elements of the lists, dictionaries, sets and deques in them,
    three levels deep; so are the attributes of those objects in them whose class is of the same top-level package. Of
    a container, its elements. A function with `cache_clear`, as from `functools.lru_cache`, is cleared. As a decorator
    on a class it stands for every instance made from then on. What a broader fixture changes is right for all its
    tests, and is put back when the fixture ends.

    Args:
        target: the object, or the class.
        reset: called with the object instead, after a test in which it changed, or after each test if it has no state
            that can be seen.

    Raises:
        ResettableError: the object has neither attributes nor elements, and there is no `reset`.
    """
    if target is None:
        return functools.partial(resettable, reset=reset)
    if isinstance(target, type):
        return _every_instance(cast("type[object]", target), reset)
    if reset is None and not _is_seen(target):
        raise ResettableError(target)
    REGISTER.add(target, reset)
    return target


def _is_seen(target: object) -> bool:
    return (
        isinstance(target, list | dict | set | bytearray)
        or hasattr(target, "__dict__")
        or hasattr(target, "cache_clear")
        or hasattr(type(target), "__slots__")
    )


def _every_instance(cls: type[T], reset: Callable[[Any], object] | None) -> type[T]:
    original = cast("Callable[..., None]", cls.__init__)

    @functools.wraps(original)
    def __init__(self: object, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it takes the place of that method
        original(self, *args, **kwargs)
        REGISTER.add(self, reset)

    cls.__init__ = __init__  # type: ignore[method-assign]  # every instance passes here, also those of subclasses
    return cls
