"""
Single kinds of process state: read, changed, compared and put back, asked without a guard around them.
"""

from __future__ import annotations

import abc
import asyncio
import importlib
import inspect
import logging
import pkgutil
import signal
import socket
import subprocess
import sys
import types
import warnings
from importlib.machinery import ModuleSpec

import hermetic.guard.isolation.kinds
import pytest
from hermetic.foundation import Frame
from hermetic.guard.isolation.change import MISSING
from hermetic.guard.isolation.kinds.concurrency import LoopSwitches
from hermetic.guard.isolation.kinds.containers import Containers
from hermetic.guard.isolation.kinds.numbers import NumpyErrors
from hermetic.guard.isolation.kinds.registries import VirtualSubclasses
from hermetic.guard.isolation.kinds.reporting import Logging, WarningFilters
from hermetic.guard.isolation.kinds.signals import WakeupDescriptor
from hermetic.guard.isolation.kinds.singletons import Singletons
from hermetic.guard.isolation.landscape import Landscape, Space
from hermetic.guard.isolation.own import OwnCode
from hermetic.guard.isolation.state import State, list_changes, list_restore
from hermetic.guard.isolation.suspects import suspect
from hermetic.guard.kinds import KINDS
from hermetic.guard.resettable import Register


def states():
    """
    The classes of all states, by their names.
    """
    found = {}
    for module in pkgutil.iter_modules(hermetic.guard.isolation.kinds.__path__, "hermetic.guard.isolation.kinds."):
        for cls in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(cls) and issubclass(cls, State) and "kind" in vars(cls):
                found[cls.__name__] = cls
    return found


@pytest.mark.parametrize("cls", [pytest.param(cls, id=name) for name, cls in states().items()])
def test_every_state_has_the_words_that_a_finding_is_made_of(cls):
    """
    A kind that rules know, what it is, and how a test does the same without a stain.
    """
    assert f"stain.{cls.kind}" in KINDS
    assert cls.what
    assert cls.remedy
    assert all(cls.calls)


@pytest.fixture
def own(tmp_path):
    return OwnCode(str(tmp_path))


def names(changes):
    return [change.name for change in changes]


def test_loops_are_compared_only_with_themselves():
    """
    No loop, or another one, has not been changed; the same one with another handler has.
    """
    state = LoopSwitches()
    loop, other = object(), object()
    before = (loop, False, None, None, 0.1)

    assert state.is_alike(None, before) is True
    assert state.is_alike(before, (other, True, None, None, 0.1)) is True
    assert state.is_alike(before, (loop, False, None, None, 0.1)) is True
    assert state.is_alike(before, (loop, True, None, None, 0.1)) is False
    assert names(state.changes(before, (loop, True, None, None, 0.2))) == [
        "the debug mode of the current event loop",
        "the slow_callback_duration of the current event loop",
    ]


def test_numpys_settings_are_alike_until_one_is_changed():
    """
    How it answers a division by zero, for example.
    """
    numpy = pytest.importorskip("numpy")
    state = NumpyErrors()
    before = state.read()
    with numpy.errstate(divide="raise"):
        changed = state.read()

    assert state.is_alike(before, state.read()) is True
    assert state.is_alike(before, changed) is False
    assert names(state.changes(before, changed)) == ["numpy.geterr()['divide']"]


class Shop:
    """
    Whose containers are watched.
    """


def test_containers_of_the_project_are_watched_behind_those_of_libraries():
    """
    In whatever order their modules come.
    """
    orders = []
    library, mine = Space(types, "types", "library", {}), Space(Shop, "shop.Shop", "own", {})
    contents = {library: {"table": [1]}, mine: {"orders": orders}}
    state = Containers(types.SimpleNamespace(contents=contents))
    before = state.read()
    orders.append("tea")
    after = state.read()
    (change,) = state.changes(before, after)
    state.restore(change)

    assert change.name == "shop.Shop.orders"
    assert orders == []


EARLY = """
import gc
gc.disable()
from hermetic.guard.isolation.kinds.registries import Codecs
from hermetic.guard.isolation.own import OwnCode

searches, errors = Codecs(OwnCode("/")).read()
assert searches and "surrogateescape" in errors, (searches, errors)
"""


def test_codecs_are_found_also_before_the_collector_has_run():
    """
    Then nothing is old yet.
    """
    subprocess.run([sys.executable, "-c", EARLY], check=True, timeout=60)


def test_a_registration_of_a_librarys_class_is_the_librarys_own(own):
    """
    Whatever the abstract class.
    """
    state = VirtualSubclasses(own)

    class Basket(abc.ABC):  # noqa: B024 - there is nothing to do for a basket here
        pass

    assert list(state.changes({}, {Basket: frozenset({socket.socket})})) == []


def test_filters_that_were_added_are_listed_to_the_third():
    """
    And only what changed: the function that shows warnings did not.
    """
    state = WarningFilters()
    four = tuple(("ignore", None, cls, None, 0) for cls in (UserWarning, ImportWarning, BytesWarning, FutureWarning))

    def show():
        pass

    (many,) = state.changes(([], (), show), ([], four, show))
    (one,) = state.changes(([], (), show), ([], four[:1], show))

    assert many.note == "added 4: ignore UserWarning, ignore ImportWarning, ignore BytesWarning, …"
    assert one.note == "added 1: ignore UserWarning"
    assert names([many, one]) == ["warnings.filters", "warnings.filters"]
    assert warnings.filters


def test_the_root_logger_is_called_so_and_others_by_their_names(own):
    """
    It has a name that nobody uses.
    """
    state = Logging(own)
    logger = logging.getLogger("of the shop")
    before = state.read()
    logger.setLevel(logging.DEBUG)
    level = logging.root.level
    logging.root.setLevel(logging.CRITICAL)
    changes = list(state.changes(before, state.read()))
    for change in changes:
        state.restore(change)

    assert sorted(names(changes)) == ["level of logger 'of the shop'", "level of the root logger"]
    assert (logger.level, logging.root.level) == (logging.NOTSET, level)


def test_reading_the_wake_up_descriptor_leaves_it():
    """
    One that is there, and none.
    """
    state = WakeupDescriptor()
    none = state.read(), state.read()
    one, other = socket.socketpair()
    with one, other:
        one.setblocking(False)  # noqa: FBT003 - the standard library takes it by position only
        signal.set_wakeup_fd(one.fileno())
        some = state.read(), state.read()
        left = signal.set_wakeup_fd(-1)

    assert none == (-1, -1)
    assert some == (one.fileno(), one.fileno()) or some == (left, left)
    assert left != -1


class Breaker:
    """
    Something that is registered as resettable.
    """

    def __init__(self):
        self.failures = {"a": 1}
        self.level = 0


def test_a_resettable_object_is_told_with_what_was_and_is():
    """
    Nothing while nothing changed, although it holds a dictionary.
    """
    register = Register()
    breaker = Breaker()
    register.add(breaker, None)
    state = Singletons(register)
    before = state.read()
    same = list(state.changes(before, state.read()))
    breaker.failures["b"] = 2
    (change,) = state.changes(before, state.read())
    breaker.failures = {"c": 3}
    (other,) = state.changes(before, state.read())

    assert same == []
    assert change.note.startswith("dict: {'a': 1} before, {'a': 1, 'b': 2} after")
    assert "before" in other.note


def module_of(root, name, **contents):
    """
    A module whose file lies below `root`.
    """
    made = types.ModuleType(name)
    made.__file__ = str(root / f"{name}.py")
    made.__spec__ = ModuleSpec(name, None)
    vars(made).update(contents)
    return made


def test_a_module_that_is_being_imported_is_looked_at_when_that_is_over(tmp_path, own, monkeypatch):
    """
    Its names come one after the other until then.
    """
    module = module_of(tmp_path, "of_the_shop")
    module.__spec__._initializing = True
    monkeypatch.setitem(sys.modules, module.__name__, module)
    landscape = Landscape(own)
    landscape.refresh()
    early = [space.shown for space in landscape.spaces if space.holder is module], landscape.is_unfinished
    module.__spec__._initializing = False
    landscape.refresh()
    late = [space.shown for space in landscape.spaces if space.holder is module], landscape.is_unfinished

    assert early == ([], True)
    assert late == (["of_the_shop"], False)


def test_a_library_that_is_being_imported_is_looked_at_when_that_is_over(tmp_path, monkeypatch):
    """
    With the classes that it offers, once the project uses it as a whole, however many the standard library has.
    """
    library = module_of(tmp_path / "elsewhere", "a_library")

    class Client:
        pass

    Client.__module__, Client.__qualname__ = "a_library", "Client"
    library.Client = Client
    library.__spec__._initializing = True
    (tmp_path / "shop").mkdir()
    shop = module_of(tmp_path / "shop", "of_the_shop", a_library=library)
    monkeypatch.setitem(sys.modules, library.__name__, library)
    monkeypatch.setitem(sys.modules, shop.__name__, shop)
    landscape = Landscape(OwnCode(str(tmp_path / "shop")))
    landscape.refresh()
    early = {space.shown for space in landscape.spaces}, landscape.is_unfinished
    library.__spec__._initializing = False
    landscape.refresh()
    late = {space.shown for space in landscape.spaces}, landscape.is_unfinished

    assert "of_the_shop" in early[0]
    assert "a_library" not in early[0]
    assert early[1] is True
    assert {"a_library", "a_library.Client"} <= late[0]
    assert late[1] is False


def test_packages_that_are_named_are_the_projects_wherever_they_are(tmp_path):
    """
    And no others.
    """
    own = OwnCode(str(tmp_path), packages=["shop"])
    elsewhere = module_of(tmp_path.parent / "site-packages", "shop.client")
    other = module_of(tmp_path.parent / "site-packages", "bank.client")

    assert own.role(elsewhere) == "own"
    assert own.role(other) == "other"
    assert own.role(asyncio) == "other"


def test_a_function_whose_module_is_gone_is_known_by_its_file(tmp_path, own):
    """
    Its code still tells.
    """
    spaces = [{"__name__": "a_module_that_is_gone"} for _ in range(2)]
    for space, folder in zip(spaces, (tmp_path, tmp_path.parent), strict=True):
        exec(compile("def work(): pass", str(folder / "gone.py"), "exec"), space)

    assert own.wrote(spaces[0]["work"]) is True
    assert own.wrote(spaces[1]["work"]) is False


def test_what_was_taken_out_of_a_list_comes_back_to_its_place():
    """
    What was added goes.
    """
    before = ["a", "b", "c"]
    current = ["a", "c", "d"]
    changes = list(list_changes(before, tuple(current), name="the list"))
    for change in changes:
        list_restore(current, change)

    assert [(one.before is MISSING, one.after is MISSING) for one in changes] == [(False, True), (True, False)]
    assert current == before


CODE = """
import os

def shop():
    os.environ["SHOP"] = "open"

def deeper():
    return shop()

def deepest():
    return deeper()

def test_it(deepest):
    pass
"""


def test_the_line_that_may_have_changed_something_is_found_through_fixtures(tmp_path):
    """
    A fixture is mentioned among the arguments, and calls others.
    """
    file = tmp_path / "test_shop.py"
    file.write_text(CODE)
    begins = Frame(file=str(file), line=13, function="test_it")
    found = suspect(begins, ("environ",), "os.environ['SHOP']")

    assert [(one.function, one.line) for one in found.frames] == [
        ("shop", 5),
        ("deeper", 8),
        ("deepest", 11),
        ("test_it", 13),
    ]
