"""
What `hermetic doctor` shows: pytest collects, runs nothing, and the guard tells what is on, what it costs, and what it
cannot see here.
"""

from __future__ import annotations

import platform
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from hermetic._pytest import budgets
from hermetic._pytest.hooks import Hooks
from hermetic._pytest.options import DEFAULT_RULES
from hermetic._version import __version__
from hermetic.foundation.finding import Owner
from hermetic.guard.blind_spots import Surroundings, blind_spots
from hermetic.guard.census.running import RUNNING
from hermetic.guard.ownership.tenure import Tenure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hermetic._pytest.options import Settings
    from hermetic.guard.component import Component
    from hermetic.guard.team import Team

_ROUNDS: Final = 100
# The fastest counts: a busy machine only ever adds.
_BATCHES: Final = 7
_WIDTH: Final = 100
# Those that only watch, so that a test which does not exist leaves no trace of itself.
_MEASURED: Final = ("shifts", "census", "blocking", "isolation")


class Checkup(Hooks):
    """
    Takes the place of the run.
    """

    def __init__(self, settings: Settings, *, team: Team | None) -> None:
        self._settings = settings
        self._team = team

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            for line in self.lines(session):
                reporter.write_line(line)
        return True

    def lines(self, session: pytest.Session) -> Iterator[str]:
        config = session.config
        yield (
            f"Hermetic {__version__} for {len(session.items)} tests below {config.rootpath}, pytest {pytest.__version__}, "
            f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} {platform.release()}"
        )
        if self._team is None:
            yield "Hermetic is off (--hermetic=off): nothing is watched."
            return
        yield from _section("on", self._what_is_on(config, self._team))
        yield from _section("cost of one test that does nothing", _shares(self._team.components()))
        yield from _section("not seen here", [*self._by_choice(), *blind_spots(Surroundings.here())])

    def _what_is_on(self, config: pytest.Config, team: Team) -> Iterator[str]:
        settings = self._settings
        census = RUNNING.census
        if census is not None:
            yield from _listed("leaks", census.watched())
            yield from _listed("leaks, once they are imported, of", census.awaited())
        isolation: Any = next((one for one in team.components() if one.name == "isolation"), None)
        if isolation is not None:
            yield from _listed(f"stains ({settings.isolation})", isolation.kinds())
        limit = str(config.getini("hermetic_blocking_s"))
        yield f"blocking: callbacks that hold the event loop for longer than {limit} s"
        parts = budgets.read(config)
        limits = [
            f"{name} {getattr(parts, name):g} s"
            for name in ("setup", "call", "teardown", "module", "session")
            if getattr(parts, name)
        ]
        yield f"deadlines: {', '.join(limits) or 'none'}"
        yield from _listed("rules, of which the last that matches decides", _rules(config))
        for kept in settings.keep:
            yield f"kept on purpose: {kept.kind} @ {kept.pattern}: {kept.reason}"
        if not settings.mend:
            yield "what is found is left as it is (hermetic_mend = false)"
        baseline = config.getoption("--hermetic-baseline") or config.getini("hermetic_baseline")
        if baseline:
            yield f"known findings: {baseline}"

    def _by_choice(self) -> Iterator[str]:
        if not self._settings.thread_locks:
            yield "locks of threading that are still held: hermetic_threading_locks = true watches them"
        if self._settings.isolation == "off":
            yield "stains: isolation is off"
        if "xdist" not in sys.modules:
            return
        yield "under pytest-xdist each worker is watched by itself; the process that hands out the tests is not"


def _rules(config: pytest.Config) -> Sequence[str]:
    ini: list[str] = config.getini("hermetic_policy")
    line: list[str] = config.getoption("--hermetic-policy") or []
    return ["error", *DEFAULT_RULES, *ini, *line]


def _shares(components: Iterable[Component]) -> Iterator[str]:
    for component in components:
        if component.name in _MEASURED:
            yield f"{component.name}: {_cost_us(component):.1f} µs"
    yield "that is the guard itself; what pytest's hooks and the start add is measured with the whole run below"


def _cost_us(component: Component) -> float:
    best = float("inf")
    for _ in range(_BATCHES):
        started = time.perf_counter()
        for _ in range(_ROUNDS):
            tenure = Tenure(_nobody)
            component.entering(tenure)
            component.ready(tenure)
            component.leaving(tenure)
            component.left(tenure)
            tuple(component.judge([tenure]))
        best = min(best, time.perf_counter() - started)
    return best / _ROUNDS * 1e6


def _nobody() -> Owner:
    return Owner(kind="test", name="a test that does nothing")


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield f"{title}:"
    for line in lines:
        yield f"  {line}"


def _listed(title: str, words: Sequence[str]) -> Iterator[str]:
    """
    A title with its words, broken into lines.
    """
    line = f"{title}:"
    for index, word in enumerate(words):
        shown = word if index == len(words) - 1 else f"{word},"
        if len(line) + len(shown) >= _WIDTH:
            yield line
            line = "   "
        line += f" {shown}"
    yield line
