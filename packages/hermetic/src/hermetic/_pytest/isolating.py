"""
Isolation as pytest needs it: whose code is whose, and which mode holds for which test.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic._pytest.options import mode_of
from hermetic.guard.isolation import Isolation, OwnCode, Trail, default_states
from hermetic.guard.isolation.change import text

if TYPE_CHECKING:
    from hermetic._pytest.options import Settings
    from hermetic.guard.isolation import Mode
    from hermetic.guard.ownership.tenure import Tenure


# What these do between two tests is known, and changes nothing that is kept but what is read anew for each test.
_KNOWN: Final = frozenset({"_pytest", "hermetic", "xdist", "pytest_asyncio", "anyio"})
_BETWEEN: Final = (
    *("pytest_runtest_protocol", "pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish"),
    *("pytest_runtest_makereport", "pytest_report_teststatus", "pytest_exception_interact"),
)
# Wrappers of these may act outside the guard's own.
_AROUND: Final = ("pytest_runtest_setup", "pytest_runtest_teardown")


def isolation(config: pytest.Config, settings: Settings) -> list[Isolation]:
    """
    The component that isolates, unless nobody can ask for it: off for the run leaves markers without effect.
    """
    if settings.isolation == "off":
        return []
    own = OwnCode(str(config.rootpath), packages=settings.packages)
    trail = Trail()
    usual: Mode = settings.isolation

    def mode(tenure: Tenure) -> Mode:
        return tenure.isolation or usual

    states = default_states(own, trail, named=settings.resettable)
    component = Isolation(states, own=own, trail=trail, mode=mode)
    config.pluginmanager.register(_Between(component), "hermetic-between")
    return [component]


class _Between(Hooks):
    """
    Finds out, once all plugins and `conftest.py` files are there, whether any of them acts between two tests.
    """

    def __init__(self, component: Isolation) -> None:
        self._component = component

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        # pytest itself patches Twisted's failures around tests of its runner.
        self._component.carries = "twisted.trial.unittest" not in sys.modules and not _acts_between(session.config.hook)


def _acts_between(hooks: Any) -> bool:
    found = [one for name in _BETWEEN for one in getattr(hooks, name).get_hookimpls()]
    found += [
        one
        for name in _AROUND
        for one in getattr(hooks, name).get_hookimpls()
        if one.hookwrapper or getattr(one, "wrapper", False)
    ]
    return any(str(one.function.__module__).partition(".")[0] not in _KNOWN for one in found)


class Promises(Hooks):
    """
    Checks, once the tests are collected, that the objects named in `hermetic_resettable` exist.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """
        Raises:
            pytest.UsageError: a module that cannot be found, or that is loaded and has no such attribute.
        """
        for name in self._names:
            module, _, path = name.partition(":")
            source = f"hermetic_resettable in {session.config.inipath}: {name!r}"
            target: object = sys.modules.get(module)
            if target is None:
                if not _can_be_found(module):
                    raise pytest.UsageError(f"{source}: there is no module {module!r}.")
                continue  # it is added when a test imports it
            for attribute in path.split("."):
                if not hasattr(target, attribute):
                    raise pytest.UsageError(f"{source}: {text(target)} has no attribute {attribute!r}.")
                target = getattr(target, attribute)


def _can_be_found(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def marked_mode(item: pytest.Item) -> Mode | None:
    """
    The mode that the closest `hermetic` marker with one gives to a test.

    Raises:
        pytest.UsageError: there is no such mode.
    """
    for mark in item.iter_markers("hermetic"):
        if mode := mode_of(mark, item):
            return mode
    return None
