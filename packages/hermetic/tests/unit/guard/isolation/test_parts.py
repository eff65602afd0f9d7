"""
Each part of the states that have several: told by its own name when it was changed, and put back alone.
"""

from __future__ import annotations

import codecs
import copyreg
import decimal
import gc
import logging
import os
import random
import sys
import types
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hermetic.guard.isolation.change import MISSING
from hermetic.guard.isolation.kinds.environment import CEnvironment
from hermetic.guard.isolation.kinds.interpreter import Arguments, Attributes, GarbageCollection
from hermetic.guard.isolation.kinds.numbers import DecimalContext, NumpyErrors, Random, drew
from hermetic.guard.isolation.kinds.registries import Codecs, Reducers
from hermetic.guard.isolation.kinds.reporting import Logging, WarningFilters
from hermetic.guard.isolation.own import OwnCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.guard.isolation.state import State


class Shop:
    """
    Stands for a class of the project.
    """


def of_the_project(*_: Any) -> Any:
    return None


LOGGER = logging.getLogger("hermetic.tests.of.parts")
MODULE = types.ModuleType("of_the_test")
MODULE.here = 1  # type: ignore[attr-defined]


def attributes(_: OwnCode) -> Attributes:
    return Attributes(
        "made",
        what="attribute",
        holders=((MODULE, "here"), (MODULE, "gone")),
        get=lambda: (MODULE.here, MODULE.gone),
        remedy="none",
        calls=(),
    )


@dataclass(frozen=True)
class Part:
    """
    One thing that can be changed: how, and by what name it is told.
    """

    name: str
    make: Callable[[OwnCode], State[Any]]
    change: Callable[[], object]


def reduce_shop(_: object) -> tuple[object, ...]:
    return Shop, ()


PARTS = [
    Part("gc.isenabled()", GarbageCollection, gc.disable),
    Part("gc.get_threshold()", GarbageCollection, lambda: gc.set_threshold(701, 11, 11)),
    Part("gc.get_debug()", GarbageCollection, lambda: gc.set_debug(gc.DEBUG_UNCOLLECTABLE)),
    Part("gc.callbacks", GarbageCollection, lambda: gc.callbacks.append(of_the_project)),
    Part("of_the_test.here", attributes, lambda: setattr(MODULE, "here", 2)),
    Part("of_the_test.gone", attributes, lambda: setattr(MODULE, "gone", 2)),
    Part("logging.disable", Logging, lambda: logging.disable(logging.DEBUG)),
    Part("logging.getLoggerClass()", Logging, lambda: logging.setLoggerClass(type("Own", (logging.Logger,), {}))),
    Part(f"level of logger {LOGGER.name!r}", Logging, lambda: LOGGER.setLevel("ERROR")),
    Part(f"disabled of logger {LOGGER.name!r}", Logging, lambda: setattr(LOGGER, "disabled", True)),
    Part(f"propagate of logger {LOGGER.name!r}", Logging, lambda: setattr(LOGGER, "propagate", False)),
    Part(f"handlers of logger {LOGGER.name!r}", Logging, lambda: LOGGER.addHandler(logging.NullHandler())),
    Part("warnings.filters", lambda _: WarningFilters(), lambda: warnings.simplefilter("ignore", ImportWarning)),
    Part("warnings.showwarning", lambda _: WarningFilters(), lambda: setattr(warnings, "showwarning", of_the_project)),
    Part("decimal.getcontext().prec", lambda _: DecimalContext(), lambda: setattr(decimal.getcontext(), "prec", 3)),
    Part(
        "decimal.getcontext().traps",
        lambda _: DecimalContext(),
        lambda: decimal.getcontext().traps.update({decimal.Inexact: True}),
    ),
    Part("numpy.geterr()['divide']", lambda _: NumpyErrors(), lambda: np.seterr(divide="ignore")),
    Part("numpy.geterrcall()", lambda _: NumpyErrors(), lambda: np.seterrcall(of_the_project)),
    Part("numpy.get_printoptions()['precision']", lambda _: NumpyErrors(), lambda: np.set_printoptions(precision=3)),
    Part("codec search functions", Codecs, lambda: codecs.register(of_the_project)),
    Part("codecs.lookup_error('shop')", Codecs, lambda: codecs.register_error("shop", of_the_project)),
    Part("codecs.lookup_error('ignore')", Codecs, lambda: codecs.register_error("ignore", of_the_project)),
    Part("copyreg.dispatch_table[", Reducers, lambda: copyreg.pickle(Shop, reduce_shop)),
    Part("copyreg.dispatch_table[", Reducers, lambda: copyreg.pickle(complex, reduce_shop)),
    Part("sys.argv", lambda _: Arguments(), lambda: sys.argv.append("--shop")),
    Part("sys.argv", lambda _: Arguments(), lambda: setattr(sys, "argv", ("pytest", "--shop"))),
]


@pytest.mark.parametrize("part", [pytest.param(part, id=f"{part.name} {n}") for n, part in enumerate(PARTS)])
def test_each_part_is_told_by_its_name_and_put_back(part):
    """
    Alone: nothing else of the state is told.
    """
    state = part.make(OwnCode(str(Path(__file__).parent)))
    before = state.read()
    part.change()
    changes = list(state.changes(before, state.read()))
    for change in changes:
        state.restore(change)

    assert [change.name.startswith(part.name) for change in changes] == [True]
    assert state.is_alike(before, state.read())


class Told:
    """
    What an audit hook would have noted of `os.putenv`.
    """

    environment_changes = 0
    environment_names: frozenset[bytes] = frozenset()

    def note(self, name: str) -> None:
        self.environment_changes += 1
        self.environment_names |= {os.fsencode(name)}


@pytest.mark.parametrize("known", [None, "shut"], ids=["not known to os.environ", "known to os.environ"])
def test_what_putenv_alone_changed_is_taken_back(monkeypatch, known):
    """
    To what `os.environ` says, or to what an earlier `putenv` left.
    """
    told, name = Told(), "HERMETIC_OF_PARTS"
    if known is None:
        monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv(name, known)
    state = CEnvironment(told)
    before = state.read()
    os.putenv(name, "open")
    told.note(name)
    first = state.read()
    os.putenv(name, "ajar")
    told.note(name)
    (later,) = state.changes(first, state.read())
    state.restore(later)
    told.note(name)
    again = state.read()
    (change,) = state.changes(before, again)
    state.restore(change)
    told.note(name)

    assert (later.before, later.after) == ("open", "ajar")
    assert again == first
    assert (change.before, change.after) == (MISSING if known is None else known, "open")
    assert state.read() == before


@pytest.mark.parametrize(
    "use, is_drawing",
    [
        (lambda: None, True),
        (random.random, True),
        (lambda: [random.random() for _ in range(1000)], True),
        (lambda: random.seed(7), False),
    ],
    ids=["nothing", "one number", "a thousand", "seeded"],
)
def test_drawing_is_told_from_seeding(use, is_drawing):
    """
    Read where the generator's words lie, and by `getstate` where they lie elsewhere.
    """
    state = Random()
    elsewhere = Random()
    elsewhere._memory = None
    kept = random.getstate()
    random.seed(3)
    before = state.read()
    assert elsewhere.read() == before
    use()
    changes = list(state.changes(before, state.read()))
    for change in changes:
        state.restore(change)
    after = state.read()
    random.setstate(kept)

    assert (changes == []) is is_drawing
    assert is_drawing or after == before


def test_an_index_that_went_back_is_no_drawing():
    """
    The same words, handed out from an earlier one on.
    """
    words = tuple(range(624))

    assert drew((*words, 5), (*words, 9))
    assert not drew((*words, 9), (*words, 5))
