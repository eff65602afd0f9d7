"""
Runs first what tells most: `--hermetic-order=feedback`, and with as many workers as the suite gains from:
`-n auto --hermetic-workers=measured`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hermetic._pytest import earlier
from hermetic._pytest.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermetic.record.history.feedback import Known
    from hermetic.record.history.store import HistoryStore

_ORDERS = ("collected", "feedback")
_WORKERS = ("all", "measured")
_KEY = "hermetic_feedback"
_CHOSEN = pytest.StashKey[str]()
_LAST_RUNS = 60


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("hermetic")
    group.addoption(
        "--hermetic-order",
        choices=_ORDERS,
        default=None,
        help="run tests as collected, or for the fastest feedback: those that failed of late, then by information a second",
    )
    group.addoption(
        "--hermetic-workers",
        choices=_WORKERS,
        default=None,
        help="what -n auto means: all processors, or the number with which earlier runs were quickest",
    )
    parser.addini("hermetic_order", "as --hermetic-order", default=_ORDERS[0])
    parser.addini("hermetic_workers", "as --hermetic-workers", default=_WORKERS[0])


def register(config: pytest.Config) -> None:
    """
    Raises:
        pytest.UsageError: a word that is none.
    """
    _word(config, "hermetic_workers", _WORKERS)
    if _word(config, "hermetic_order", _ORDERS) == "feedback" and not config.getoption("collectonly"):
        from hermetic.record.history.feedback import from_text, to_text  # noqa: PLC0415 - nobody else pays for it

        text = earlier.ask(config, _KEY, lambda store: to_text(store.feedback()), nothing="{}")
        config.pluginmanager.register(Ordering(from_text(text)), "hermetic-ordering")
    if _CHOSEN in config.stash:
        config.pluginmanager.register(Header(config.stash[_CHOSEN]), "hermetic-workers")


def _word(config: pytest.Config, name: str, words: tuple[str, ...]) -> str:
    given: str = config.getoption(f"--{name.replace('_', '-')}") or str(config.getini(name))
    if given not in words:
        raise pytest.UsageError(f"{name} = {given!r} in {config.inipath}: give {' or '.join(words)}.")
    return given


class Ordering(Hooks):
    """
    Puts the collected tests into the order.
    """

    def __init__(self, known: Mapping[str, Known]) -> None:
        self._known = known
        self._told = ""

    # After the plugins that shuffle; pytest's own --failed-first and --new-first come later still.
    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        from hermetic.record.history.feedback import OF_LATE, order  # noqa: PLC0415 - nobody else pays for it

        by_name = {item.nodeid: item for item in items}
        if len(by_name) < len(items):
            return  # the same file was given twice with --keep-duplicates: whoever wants that wants its order
        items[:] = [by_name[name] for name in order(by_name, self._known)]
        failed = sum(0 <= self._known[name].failed_ago < OF_LATE for name in by_name if name in self._known)
        new = sum(name not in self._known for name in by_name)
        self._told = f"order: {failed} tests that failed of late, then by information a second ({new} are new)"

    def pytest_report_collectionfinish(self) -> str:
        return self._told


class Header(Hooks):
    """
    Says how many workers there are and why.
    """

    def __init__(self, told: str) -> None:
        self._told = told

    def pytest_report_header(self) -> str:
        return self._told


def workers(config: pytest.Config) -> int | None:
    """
    What `-n auto` means; None leaves it to pytest-xdist, as does the variable by which it is told a number.
    """
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") or config.getoption("--hermetic") == "off":
        return None
    if _word(config, "hermetic_workers", _WORKERS) != "measured":
        return None
    from hermetic.record.history.workers import choose  # noqa: PLC0415 - nobody else pays for it

    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found: list[int] = []

    def asked(store: HistoryStore) -> str:
        choice = choose(store.sizes(last=_LAST_RUNS), processors=processors)
        found.append(choice.workers)
        return f"workers: {choice.workers or 'none'} ({choice.why})"

    told = earlier.ask(config, "hermetic_workers", asked, nothing="")
    if not found:
        return None
    config.stash[_CHOSEN] = told
    return found[0]
