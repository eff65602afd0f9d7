"""
Mock servers for tests: the fixtures `mock_server` and `http_mock`, and what a failure says about them.

A request that no route takes fails its test when the test ends, not in the teardown, so that it counts as the failure
that it is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from hermetic._pytest.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Generator

    from hermetic.world.http.fixture import HTTPMockFixture
    from hermetic.world.http.server import MockServer

# All that pytest looks at when this module is registered, see `hermetic._pytest.hooks`.
__all__ = ["http_mock", "mock_server"]


def __dir__() -> list[str]:
    return __all__


_seed = pytest.StashKey[int]()
_mock = pytest.StashKey["HTTPMockFixture"]()


def add_options(parser: pytest.Parser) -> None:
    parser.getgroup("hermetic").addoption(
        "--hermetic-seed",
        type=int,
        default=None,
        metavar="NUMBER",
        help="seed of the mock servers' draws and of interleaved tests, which then run under this one order; "
        "a failure prints the one it had (default: another one each run, and all orders)",
    )


def seed_of(config: pytest.Config) -> int:
    """
    The run's seed, the same for all tests of a process.
    """
    given: int | None = config.getoption("--hermetic-seed")
    if _seed not in config.stash:
        config.stash[_seed] = int.from_bytes(os.urandom(4), "big") if given is None else given
    return config.stash[_seed]


@pytest.fixture
def http_mock(request: pytest.FixtureRequest) -> Generator[HTTPMockFixture]:
    """
    The test's mock servers: `http_mock.get("/ip").json({…})` on the default one, `http_mock.server("name")` for more.

    They are stopped with the test; the test fails if one of them got a request that no route takes.
    """
    from hermetic.world.http.fixture import HTTPMockFixture  # noqa: PLC0415 - a run without servers does not pay

    made = HTTPMockFixture(seed=seed_of(request.config))
    request.node.stash[_mock] = made
    plugins = request.config.pluginmanager
    if not plugins.has_plugin("hermetic-mocking-checks"):
        # Hooks that every test passes are there only once a test has servers.
        plugins.register(Checks(), "hermetic-mocking-checks")
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def mock_server(http_mock: HTTPMockFixture) -> MockServer:
    """
    One running `MockServer`, stopped with the test; unmatched requests fail the test.
    """
    return http_mock.server()


class Checks(Hooks):
    """
    Fails a test for requests that nobody answered, and shows its servers when it failed.
    """

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        yield
        mock = item.stash.get(_mock, None)
        if mock is not None:
            mock.check()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        mock = item.stash.get(_mock, None)
        if mock is not None and report.failed and mock.servers and call.when != "setup":
            report.sections.append(("Hermetic mock servers", mock.describe()))
        return report
