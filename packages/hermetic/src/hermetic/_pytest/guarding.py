"""
The hooks by which pytest tells the guard who begins and ends, and by which findings become reports.

Owners are followed through pytest's own hooks: a fixture begins in `pytest_fixture_setup` and ends in
`pytest_fixture_post_finalizer`. Between them, two finalizers mark when its teardown code runs: the one added first runs
last. Everything that ended during a phase is judged at the end of that phase, when all teardown code has run; what is
found is reported with the test's teardown, since that is when it is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic._pytest.isolating import marked_mode
from hermetic._pytest.marks import by_name
from hermetic._pytest.options import marker_rules
from hermetic._pytest.owners import fixture_tenure, test_tenure

if TYPE_CHECKING:
    from collections.abc import Generator

    from hermetic._pytest.findings import Desk
    from hermetic.guard.ownership.tenure import Tenure
    from hermetic.guard.team import Team


# Functions of fixtures in which nobody's code runs: pytest's own, of the fixture that it makes for each parameter of
# `parametrize`, and the one by which pytest-asyncio gives a test its loop.
_PARAMETER = "get_direct_param_fixture_func"
_LOOP = ("pytest_asyncio.plugin", "_scoped_runner")
_TELLING = "hermetic-findings-told"


def _is_nobodys(fixturedef: pytest.FixtureDef[Any]) -> bool:
    """
    Whether the fixture is not followed. A loop that lives with one test is that test's; one that lives longer has an owner.
    """
    function = fixturedef.func
    name = getattr(function, "__name__", "")
    return name == _PARAMETER or (
        name == _LOOP[1] and fixturedef.scope == "function" and getattr(function, "__module__", "") == _LOOP[0]
    )


class Guarding(Hooks):
    """
    One session's guard, registered as a plugin of its own so that nothing lives in module globals.
    """

    def __init__(self, *, team: Team, desk: Desk) -> None:
        self._team = team
        self._desk = desk
        self._fixtures: dict[object, Tenure] = {}
        self._test: Tenure | None = None
        self._marked: frozenset[pytest.Item] = frozenset()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._marked = frozenset(by_name(session).get("hermetic", ()))
        for item in self._marked:
            marker_rules(item)  # for its error: a typo must not wait until something leaks

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        if self._test is not None:  # a runner that skipped the teardown of the test before
            self._team.left(self._test)
        self._test = tenure = test_tenure(
            item, isolation=marked_mode(item) if self._marked and item in self._marked else None
        )
        self._team.entering(tenure)
        try:
            return (yield)
        finally:
            self._judge(item)
            self._team.ready(tenure)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None]:
        tenure = self._test
        if tenure is not None:
            self._team.leaving(tenure)
        try:
            return (yield)
        finally:
            if tenure is not None:
                self._test = None
                self._team.left(tenure)
            self._judge(item)

    def _judge(self, item: pytest.Item) -> None:
        verdicts = self._team.judge()
        if verdicts:
            self._desk.take(verdicts, item)
            plugins = item.config.pluginmanager
            if not plugins.has_plugin(_TELLING):
                plugins.register(_Telling(self._desk), _TELLING)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None]:
        if _is_nobodys(fixturedef):
            return (yield)
        tenure = fixture_tenure(fixturedef, request)
        self._fixtures[fixturedef] = tenure
        self._team.entering(tenure)
        fixturedef.addfinalizer(lambda: self._team.roll.pause(tenure))
        try:
            return (yield)
        finally:
            self._team.roll.pause(tenure)
            self._team.ready(tenure)
            fixturedef.addfinalizer(lambda: self._begin_teardown(tenure))

    def _begin_teardown(self, tenure: Tenure) -> None:
        self._team.leaving(tenure)
        self._team.roll.resume(tenure)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        # pytest 8 calls this again for a fixture that has ended already.
        tenure = self._fixtures.pop(fixturedef, None)
        if tenure is not None:
            self._team.left(tenure)


class _Telling(Hooks):
    """
    Puts what was found on the report of a test's teardown. It joins with the first finding: every test that runs pays three
    calls for it.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.when == "teardown":
            self._desk.write(report)
        return report
