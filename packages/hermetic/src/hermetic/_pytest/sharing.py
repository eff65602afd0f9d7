"""
Tests that share something outside the process, one at a time: `@pytest.mark.shares("port:8080")`.

A test takes a lock for each name that it shares before its fixtures are set up, and lets go after they are torn down. The
locks belong to the machine's user, so they hold between the workers of xdist, however it hands out tests, and between runs
that go on at the same time. With `--dist loadgroup` such tests also go to one worker, which then does not wait.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hermetic._pytest.hooks import Hooks
from hermetic._pytest.marks import named

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

# All that pytest looks at when this module is registered, see `hermetic._pytest.hooks`.
__all__ = ["pytest_collection_modifyitems"]


def __dir__() -> list[str]:
    return __all__


MARKER = (
    'shares(*names): no two tests that share a name, such as "port:8080", run at the same time, in this run or in another '
    "one on this machine"
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    marked = named(items, "shares")
    if not marked:
        return
    shared = {item.nodeid: names_of(item) for item in marked}
    if config.getoption("dist", default="no") == "loadgroup" or hasattr(config, "workerinput"):
        for item in marked:
            if item.get_closest_marker("xdist_group") is None:
                item.add_marker(pytest.mark.xdist_group(f"shares {shared[item.nodeid][0]}"))
    config.pluginmanager.register(Sharing(shared, Path(tempfile.gettempdir())), "hermetic-sharing-locks")


def names_of(item: pytest.Item) -> list[str]:
    """
    What a test shares, sorted.

    Raises:
        pytest.UsageError: a marker that names nothing, or something that is no text, with file and line.
    """
    path, line, _ = item.location
    names: set[str] = set()
    for mark in item.iter_markers("shares"):
        if not mark.args or mark.kwargs or not all(isinstance(name, str) and name for name in mark.args):
            raise pytest.UsageError(
                f"the marker shares on {item.nodeid} ({path}:{(line or 0) + 1}): it takes names, as in "
                'shares("port:8080", "database").'
            )
        names.update(mark.args)
    return sorted(names)


class Sharing(Hooks):
    """
    Takes the locks.

    Args:
        shared: the names that tests share, sorted, by node id.
        directory: where the locks' files are.
    """

    def __init__(self, shared: dict[str, list[str]], directory: Path) -> None:
        self._shared = shared
        self._directory = directory

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        with self._held(self._shared.get(item.nodeid, ())):
            return (yield)

    @contextlib.contextmanager
    def _held(self, names: Sequence[str]) -> Generator[None]:
        import fcntl  # noqa: PLC0415 - not on every system, and only for tests that share something

        with contextlib.ExitStack() as stack:
            # Always in one order, so that two tests that share two things cannot wait for each other.
            for name in names:
                file = self._directory / f"hermetic-{os.getuid()}-{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"
                descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
