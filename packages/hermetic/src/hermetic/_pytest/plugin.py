"""
The plugin that pytest loads through its entry point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hermetic._pytest.loading import loading

with loading():
    from hermetic._pytest import (
        budgets,
        histories,
        interleaving,
        isolated,
        limiting,
        mocking,
        options,
        ordering,
        probing,
        quarantine,
        reporting,
        resuming,
        retry,
        retrying,
        scheduling,
        sharding,
        sharing,
    )
    from hermetic.guard import heap

if TYPE_CHECKING:
    from hermetic.guard.team import Team

# All that pytest looks at when this module is registered, see `hermetic._pytest.hooks`.
__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_load_initial_conftests",
    "pytest_xdist_auto_num_workers",
]


def __dir__() -> list[str]:
    return __all__


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)
    budgets.add_options(parser)
    resuming.add_options(parser)
    mocking.add_options(parser)
    limiting.add_options(parser)
    histories.add_options(parser)
    retrying.add_options(parser)
    quarantine.add_options(parser)
    interleaving.add_options(parser)
    probing.add_options(parser)
    reporting.add_options(parser)
    sharding.add_options(parser)
    ordering.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    if early_config.known_args_namespace.hermetic == "on":
        heap.set_aside()


def pytest_configure(config: pytest.Config) -> None:
    for marker in (
        options.MARKER,
        budgets.MARKER,
        limiting.MARKER,
        retry.MARKER,
        sharing.MARKER,
        *scheduling.MARKERS.values(),
    ):
        config.addinivalue_line("markers", marker)
    # The fixtures are there also when nothing is watched: a suite that asks for them must go on working.
    config.pluginmanager.register(isolated, "hermetic-isolated")
    config.pluginmanager.register(mocking, "hermetic-mocking")
    config.pluginmanager.register(scheduling, "hermetic-scheduling")
    config.pluginmanager.register(sharing, "hermetic-sharing")
    config.pluginmanager.register(limiting, "hermetic-limits-fixture")
    if config.getoption("--hermetic-fixtures"):
        from hermetic._pytest.doctoring import Doctor  # noqa: PLC0415 - nobody else pays for it

        config.pluginmanager.register(Doctor(), "hermetic-doctor")
    interleaving.register(config)
    settings = options.read(config)
    resuming.register(config)
    probing.register(config)
    if not settings.is_on:
        _examine(config, settings, team=None)
        return
    histories.register(config)
    sharding.register(config)
    ordering.register(config)
    retrying.register(config)
    quarantine.register(config)
    with loading():
        from hermetic._pytest.assembly import assemble  # noqa: PLC0415 - a run that is switched off pays nothing

        team = assemble(config, settings)
    _examine(config, settings, team=team)


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    return ordering.workers(config)


def _examine(config: pytest.Config, settings: options.Settings, *, team: Team | None) -> None:
    if config.getoption("--hermetic-doctor"):
        from hermetic._pytest.checkup import Checkup  # noqa: PLC0415 - nobody else pays for it

        config.pluginmanager.register(Checkup(settings, team=team), "hermetic-checkup")
