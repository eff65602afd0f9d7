"""
What was registered and stays: exit handlers, codecs, pickle reducers, virtual subclasses.

Libraries register things when they are first imported or used. So an addition counts only when it is the project's
or the tests' own function or class; what was replaced or taken out always counts.
"""

from __future__ import annotations

import abc
import atexit
import codecs
import copyreg
import itertools
import sys
from typing import TYPE_CHECKING, Any, Final, cast

from hermetic.guard.heap import codec_tables
from hermetic.guard.isolation.change import MISSING, Change, text
from hermetic.guard.isolation.state import State, list_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hermetic.guard.isolation.own import OwnCode


# The C half of `abc`, which alone knows what was registered.
_C: Final[Any] = sys.modules["_abc"]
# Without a public name, and not in the stubs.
_count_handlers: Final = cast("Callable[[], int]", vars(atexit)["_ncallbacks"])


class _Listener:
    """
    Equal to nothing, but remembers what it was compared with.
    """

    def __init__(self) -> None:
        self.heard: list[object] = []

    def __eq__(self, other: object) -> bool:
        self.heard.append(other)
        return False

    __hash__ = None  # type: ignore[assignment]  # never put into a set


class ExitHandlers(State[tuple[object, ...]]):
    """
    Functions registered with `atexit`.

    There is no list of them, but `atexit.unregister` compares its argument with each one. It is asked again only when
    their number has changed; a handler taken out leaves the number as it was on Python 3.11, so that is not seen there.
    """

    kind = "atexit"
    what = "exit handler"
    remedy = "use a fixture's teardown; or atexit.unregister(function) in a finally"
    calls = ("register",)

    def __init__(self, own: OwnCode) -> None:
        self._own = own
        self._count = -1
        self._handlers: tuple[object, ...] = ()

    def read(self) -> tuple[object, ...]:
        count = _count_handlers()
        if count != self._count:
            listener = _Listener()
            atexit.unregister(cast("Any", listener))
            self._count, self._handlers = count, tuple(listener.heard)
        return self._handlers

    def is_alike(self, before: tuple[object, ...], after: tuple[object, ...]) -> bool:
        return before is after

    def changes(self, before: tuple[object, ...], after: tuple[object, ...]) -> Iterable[Change]:
        for change in list_changes(before, after, name="atexit's handlers"):
            if change.before is MISSING and self._own.added(change.after):
                yield change

    def restore(self, change: Change) -> None:
        atexit.unregister(cast("Any", change.after))
        self._count = -1


class Codecs(State[tuple[tuple[object, ...], dict[str, object]]]):
    """
    Codec search functions and error handlers.

    The interpreter keeps them in a list and a dictionary that no function returns, see `hermetic.guard.heap`.
    """

    kind = "codecs"
    what = "codec registration"
    remedy = "codecs.unregister(search) in a finally; error handlers stay, so register them in the package itself"
    calls = ("register", "register_error")

    def __init__(self, own: OwnCode) -> None:
        self._own = own
        self._searches, self._errors = codec_tables()

    def read(self) -> tuple[tuple[object, ...], dict[str, object]]:
        return tuple(self._searches), self._errors.copy()

    def changes(
        self, before: tuple[tuple[object, ...], dict[str, object]], after: tuple[tuple[object, ...], dict[str, object]]
    ) -> Iterable[Change]:
        for change in list_changes(before[0], after[0], name="codec search functions"):
            if change.before is MISSING and self._own.added(change.after):
                yield change
        for name in {**after[1], **before[1]}:
            was, became = before[1].get(name, MISSING), after[1].get(name, MISSING)
            if was is not became and (was is not MISSING or self._own.added(became)):
                yield Change(
                    key=("error", name), name=f"codecs.lookup_error({name!r})", before=was, after=became, target="error"
                )

    def restore(self, change: Change) -> None:
        if change.target != "error":
            codecs.unregister(cast("Any", change.after))
            return
        name = cast("tuple[str, str]", change.key)[1]
        if change.before is MISSING:
            self._errors.pop(name, None)
        else:
            codecs.register_error(name, cast("Any", change.before))


class Reducers(State[dict[object, object]]):
    """
    How `copy` and `pickle` take objects apart: `copyreg.dispatch_table`.
    """

    kind = "copyreg"
    what = "pickle reducer"
    remedy = "monkeypatch.setitem(copyreg.dispatch_table, cls, reduce); or pickler.dispatch_table of one pickler"
    calls = ("pickle", "dispatch_table")

    def __init__(self, own: OwnCode) -> None:
        self._own = own

    def read(self) -> dict[object, object]:
        table: dict[Any, Any] = copyreg.dispatch_table
        return table.copy()

    def changes(self, before: dict[object, object], after: dict[object, object]) -> Iterable[Change]:
        for key in {**after, **before}:
            was, became = before.get(key, MISSING), after.get(key, MISSING)
            if was is became or (was is MISSING and not self._own.added(became) and not self._own.added(key)):
                continue
            yield Change(key=id(key), name=f"copyreg.dispatch_table[{text(key)}]", before=was, after=became, target=key)

    def restore(self, change: Change) -> None:
        table = cast("dict[object, object]", copyreg.dispatch_table)
        if change.before is MISSING:
            table.pop(change.target, None)
        else:
            table[change.target] = change.before


class VirtualSubclasses(State["dict[abc.ABCMeta, frozenset[type]]"]):
    """
    Classes registered with abstract base classes. A counter tells when there was a registration at all.
    """

    kind = "abc"
    what = "ABC registration"
    remedy = "inherit from the class, or register at import: a registration cannot be taken back"
    calls = ("register",)

    def __init__(self, own: OwnCode) -> None:
        self._own = own
        self._token: object = None
        self._registered: dict[abc.ABCMeta, frozenset[type]] = {}

    def read(self) -> dict[abc.ABCMeta, frozenset[type]]:
        token = abc.get_cache_token()
        if token != self._token:
            self._token = token
            self._registered = {base: found for base in _abstract() if (found := _registry(base))}
        return self._registered

    def is_alike(self, before: dict[abc.ABCMeta, frozenset[type]], after: dict[abc.ABCMeta, frozenset[type]]) -> bool:
        return before is after

    def changes(
        self, before: dict[abc.ABCMeta, frozenset[type]], after: dict[abc.ABCMeta, frozenset[type]]
    ) -> Iterable[Change]:
        for base, classes in after.items():
            for added in classes - before.get(base, frozenset()):
                if self._own.added(added) and not self._own.is_fresh(base):
                    yield Change(
                        key=(id(base), id(added)),
                        name=f"virtual subclasses of {base.__module__}.{base.__qualname__}",
                        before=MISSING,
                        after=added,
                        target=base,
                    )

    def restore(self, change: Change) -> None:
        base = cast("abc.ABCMeta", change.target)
        kept = _registry(base) - {cast("type", change.after)}
        _C._reset_registry(base)
        for one in kept:
            base.register(one)
        for cls in _abstract():
            _C._reset_caches(cls)
        self._token = None


def _registry(base: abc.ABCMeta) -> frozenset[type]:
    references = _C._get_dump(base)[0]
    return frozenset(found for reference in references if (found := reference()) is not None)


def _abstract() -> Iterable[abc.ABCMeta]:
    """
    All abstract classes, those nearest to `object` first. There are thousands of classes, so the walk is left to C: a round
    for each generation.
    """
    seen: dict[type, None] = {object: None}
    children = seen
    while children:
        found: Iterable[type] = itertools.chain.from_iterable(map(type.__subclasses__, children))
        children = dict.fromkeys(found)
        for cls in children.keys() & seen.keys():
            del children[cls]
        seen.update(children)
    kinds = set(map(type, seen))
    abstract = {kind for kind in kinds if issubclass(kind, abc.ABCMeta)}
    return cast("Iterable[abc.ABCMeta]", itertools.compress(seen, map(abstract.__contains__, map(type, seen))))
