"""
Fixtures that give a test an environment, a directory, a database and settings of its own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

# The factory is imported for the tests that ask for it: few runs need it.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, MutableMapping
    from pathlib import Path

    from hermetic.guard.factory import FixtureFactory

# All that pytest looks at when this module is registered, see `hermetic._pytest.hooks`.
__all__ = ["fixture_factory", "isolated_database", "isolated_directory", "isolated_environment", "isolated_settings"]


def __dir__() -> list[str]:
    return __all__


# What programs need to run at all; everything else on a developer's machine stays out.
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_KEPT_PREFIXES = ("PYTHON", "PYTEST", "COV", "HERMETIC")


@pytest.fixture
def fixture_factory(tmp_path: Path) -> Generator[FixtureFactory]:
    """
    A `FixtureFactory` in the test's own temporary directory; cleaned up with the test.
    """
    from hermetic.guard.factory import FixtureFactory

    with FixtureFactory(tmp_path / "made") as make:
        yield make


@pytest.fixture
def isolated_environment(tmp_path: Path) -> Generator[MutableMapping[str, str]]:
    """
    `os.environ` with nothing of this machine in it but what programs need to run, and a home directory that is empty.

    The test may change it as it likes; it comes back as it was.
    """
    from hermetic.guard.factory import FixtureFactory

    home = tmp_path / "home"
    home.mkdir()
    with FixtureFactory() as make:
        kept = {name for name in os.environ if name in _KEPT or name.startswith(_KEPT_PREFIXES)}
        # Every name that is there now is put back at the end; what the test adds is taken out first.
        make.defer(_remove_others, set(os.environ))
        make.environment(**{name: (value if name in kept else None) for name, value in os.environ.items()})
        make.environment(HOME=str(home), TMPDIR=str(tmp_path))
        yield os.environ


def _remove_others(names: set[str]) -> None:
    for name in set(os.environ) - names:
        del os.environ[name]


@pytest.fixture
def isolated_directory(tmp_path: Path) -> Generator[Path]:
    """
    A fresh, empty directory that is the working directory while the test runs.
    """
    path = tmp_path / "work"
    path.mkdir()
    before = os.getcwd()  # noqa: PTH109 - it goes back to chdir as it came
    os.chdir(path)
    try:
        yield path
    finally:
        os.chdir(before)


@pytest.fixture
def isolated_database(fixture_factory: FixtureFactory) -> Path:
    """
    The path of a fresh SQLite database in a file of its own.
    """
    return fixture_factory.database()


@pytest.fixture
def isolated_settings(fixture_factory: FixtureFactory) -> Callable[..., None]:
    """
    A function that sets attributes of an object, class or module, or items of a dictionary, until the test ends:
    `isolated_settings(shop.config, timeout=1.0)`.
    """
    return fixture_factory.settings
