"""
What numbers and texts come out as: random generators, decimal context, locale, NumPy's error states.
"""

from __future__ import annotations

import _locale
import ctypes
import decimal
import locale
import random
import struct
import sys
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from hermetic.guard.isolation.change import Change, is_same
from hermetic.guard.isolation.state import State, mapping_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# The C function itself, which tells all categories at once, without the work that `locale` puts before it.
_setlocale: Final[Callable[[int], str]] = _locale.setlocale
_ALL: Final = locale.LC_ALL
# How many refills of the generator's 624 words, some 300 numbers of `random.random` each, a test may have drawn.
_MOST_REFILLS: Final = 256
_WORDS: Final = 624
_LAYOUT: Final = f"i{_WORDS}I"

Words: TypeAlias = tuple[int, ...]


def drew(before: Words, after: Words, *, most: int = _MOST_REFILLS) -> bool:
    """
    Whether a Mersenne Twister gets from one state to the other by drawing numbers alone, without being seeded.

    A state is 624 words of 32 bits and the index of the next one to hand out.
    Source: M. Matsumoto and T. Nishimura, "Mersenne Twister", 1998; CPython, Modules/_randommodule.c.
    """
    if before[:_WORDS] == after[:_WORDS]:
        return after[_WORDS] >= before[_WORDS]
    probe = random.Random()  # noqa: S311 - it only replays a state
    probe.setstate((3, (*before[:_WORDS], _WORDS), None))
    for _ in range(most):
        probe.getrandbits(32 * _WORDS)
        state = cast("Words", probe.getstate()[1])
        if state[:_WORDS] == after[:_WORDS]:
            return True
    return False


class Random(State[bytes]):
    """
    The state of the shared generator in `random`. Drawing numbers is no stain and is not undone; seeding is both.

    `random.getstate` makes 625 numbers, at 9 µs, and comparing them takes as long. So the 2,500 bytes of the generator
    are read where they lie, when a comparison with `getstate` has shown that they lie there.
    Nothing is read when pytest-randomly is there, which seeds the generator anew in every phase of every test.
    Source: CPython, Modules/_randommodule.c: `index` and `state[624]` follow the object header.
    """

    kind = "random"
    what = "random generator"
    remedy = "use a generator of your own: generator = random.Random(seed)"
    calls = ("seed", "setstate")

    def __init__(self) -> None:
        self._generator = cast("random.Random", cast("Any", random)._inst)
        size = struct.calcsize(_LAYOUT)
        memory = (ctypes.c_char * size).from_address(id(self._generator) + object.__basicsize__)
        self._memory = memory if _as_words(memory.raw) == self._generator.getstate()[1] else None

    def is_active(self) -> bool:
        return "pytest_randomly" not in sys.modules

    def read(self) -> bytes:
        if self._memory is not None:
            return self._memory.raw
        words = cast("Words", self._generator.getstate()[1])
        return struct.pack(_LAYOUT, words[_WORDS], *words[:_WORDS])

    def changes(self, before: bytes, after: bytes) -> Iterable[Change]:
        if not drew(_as_words(before), _as_words(after)):
            yield Change(
                key="random",
                name="the generator of the random module",
                before="its own state",
                after="seeded",
                target=before,
            )

    def restore(self, change: Change) -> None:
        self._generator.setstate((3, _as_words(cast("bytes", change.target)), None))


def _as_words(state: bytes) -> Words:
    index, *words = struct.unpack(_LAYOUT, state)
    return (*words, index)


class DecimalContext(State[tuple[object, ...]]):
    """
    Precision, rounding, limits and traps of the current decimal context. Flags are raised by normal arithmetic.
    """

    kind = "decimal"
    what = "decimal context"
    needs = "decimal"
    remedy = "with decimal.localcontext() as context: context.prec = …"
    calls = ("getcontext", "setcontext", "prec", "rounding", "traps")
    _fields = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")

    def read(self) -> tuple[object, ...]:
        # How it would be pickled: its fields, the flags, the traps that are on. One call, where each attribute costs one.
        context: Any = decimal.getcontext()
        values: tuple[Any, ...] = context.__reduce__()[1]
        return values[:-2] + (tuple(values[-1]),)  # noqa: RUF005 - unpacking costs twice as much

    def changes(self, before: tuple[object, ...], after: tuple[object, ...]) -> Iterable[Change]:
        for name, was, became in zip((*self._fields, "traps"), before, after, strict=True):
            if was != became:
                yield Change(key=name, name=f"decimal.getcontext().{name}", before=was, after=became)

    def restore(self, change: Change) -> None:
        context = decimal.getcontext()
        if change.key == "traps":
            on = cast("tuple[object, ...]", change.before)
            for trap in list(context.traps):
                context.traps[trap] = trap in on
        else:
            setattr(context, str(change.key), change.before)


class Locale(State[str]):
    """
    All categories of the C library's locale.
    """

    kind = "locale"
    what = "locale"
    remedy = "old = locale.setlocale(category), and locale.setlocale(category, old) in a finally"
    calls = ("setlocale",)

    def read(self) -> str:
        return _setlocale(_ALL)

    def changes(self, before: str, after: str) -> Iterable[Change]:
        if before != after:
            yield Change(key="locale", name="locale.setlocale(LC_ALL)", before=before, after=after)

    def restore(self, change: Change) -> None:
        locale.setlocale(locale.LC_ALL, str(change.before))


class NumpyErrors(State[tuple[object, ...]]):
    """
    NumPy's handling of floating-point errors, and how it prints.
    """

    kind = "numpy-errors"
    what = "NumPy error state"
    needs = "numpy"
    remedy = "with numpy.errstate(divide='ignore'): …; with numpy.printoptions(precision=3): …"
    calls = ("seterr", "seterrcall", "set_printoptions")

    def is_active(self) -> bool:
        return hasattr(sys.modules.get("numpy"), "geterr")

    def read(self) -> tuple[object, ...]:
        numpy = cast("Any", sys.modules["numpy"])
        return numpy.geterr(), numpy.geterrcall(), numpy.get_printoptions()

    def is_alike(self, before: tuple[object, ...], after: tuple[object, ...]) -> bool:
        return is_same(before, after)

    def changes(self, before: tuple[object, ...], after: tuple[object, ...]) -> Iterable[Change]:
        errors = (cast("dict[str, object]", before[0]), cast("dict[str, object]", after[0]))
        yield from mapping_changes(*errors, named=lambda key: f"numpy.geterr()[{key!r}]", target="err")
        if before[1] is not after[1]:
            yield Change(key="errcall", name="numpy.geterrcall()", before=before[1], after=after[1])
        prints = (cast("dict[str, object]", before[2]), cast("dict[str, object]", after[2]))
        yield from mapping_changes(*prints, named=lambda key: f"numpy.get_printoptions()[{key!r}]", target="print")

    def restore(self, change: Change) -> None:
        numpy = cast("Any", sys.modules["numpy"])
        if change.key == "errcall":
            numpy.seterrcall(change.before)
        elif change.target == "err":
            numpy.seterr(**{str(change.key): change.before})
        else:
            numpy.set_printoptions(**{str(change.key): change.before})


class NumpyRandom(State[tuple[Any, ...]]):
    """
    The state of NumPy's shared legacy generator, as `Random` for the standard library's.
    """

    kind = "numpy-random"
    what = "NumPy random generator"
    needs = "numpy.random"
    remedy = "use a generator of your own: generator = numpy.random.default_rng(seed)"
    calls = ("seed", "set_state")

    def is_active(self) -> bool:
        return hasattr(sys.modules.get("numpy.random"), "get_state") and "pytest_randomly" not in sys.modules

    def read(self) -> tuple[Any, ...]:
        name, words, position, *rest = cast("Any", sys.modules["numpy.random"]).get_state()
        return name, words.tobytes(), position, *rest

    def is_alike(self, before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
        return before[:3] == after[:3]

    def changes(self, before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterable[Change]:
        if before[0] == after[0] == "MT19937" and drew(_words(before), _words(after)):
            return
        yield Change(
            key="random", name="the generator of numpy.random", before="its own state", after="seeded", target=before
        )

    def restore(self, change: Change) -> None:
        numpy = cast("Any", sys.modules["numpy"])
        name, words, *rest = cast("tuple[Any, ...]", change.target)
        numpy.random.set_state((name, numpy.frombuffer(words, dtype=numpy.uint32), *rest))


def _words(state: tuple[Any, ...]) -> Words:
    return (*memoryview(state[1]).cast("I"), int(state[2]))
