"""
Runs one part of a suite: `--hermetic-shard 2/5` on the second of five machines.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from hermetic._pytest import earlier
from hermetic._pytest.hooks import Hooks

if TYPE_CHECKING:
    from pathlib import Path

_KEY = "hermetic_durations"


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("hermetic")
    group.addoption(
        "--hermetic-shard",
        metavar="PART/PARTS",
        default=None,
        help="run one of so many parts of the suite, which take equally long by the history",
    )
    group.addoption(
        "--hermetic-durations",
        metavar="FILE",
        default=None,
        help="where shards take durations from: the output of hermetic history export (the history)",
    )


def register(config: pytest.Config) -> None:
    """
    Raises:
        pytest.UsageError: a part that there is not, or a file that cannot be read.
    """
    given: str | None = config.getoption("--hermetic-shard")
    if given is None:
        return
    found = re.fullmatch(r"(\d+)/(\d+)", given)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise pytest.UsageError(f"--hermetic-shard={given}: write 2/5 for the second of five parts.")
    file: str | None = config.getoption("--hermetic-durations")
    durations = _of_file(config.invocation_params.dir / file) if file is not None else _of_history(config)
    shard = Sharding(part=int(found[1]), parts=int(found[2]), durations=durations)
    config.pluginmanager.register(shard, "hermetic-sharding")


def _of_file(file: Path) -> dict[str, float]:
    from hermetic.record.history.errors import HistoryError  # noqa: PLC0415 - only a run of one part pays for it
    from hermetic.record.history.taking import durations  # noqa: PLC0415 - as above

    try:
        return durations(file)
    except HistoryError as error:
        raise pytest.UsageError(f"--hermetic-durations: {error}") from error


def _of_history(config: pytest.Config) -> dict[str, float]:
    known: dict[str, float] = json.loads(
        earlier.ask(config, _KEY, lambda store: json.dumps(store.durations()), nothing="{}")
    )
    return known


class Sharding(Hooks):
    """
    Leaves out the tests of the other parts.
    """

    def __init__(self, *, part: int, parts: int, durations: dict[str, float]) -> None:
        self._part, self._parts = part, parts
        self._durations = durations
        self._told = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        from hermetic.record.history.shards import digest, split  # noqa: PLC0415 - only a run of one part pays for it

        names = {item.nodeid for item in items}
        own = split(names, self._durations, parts=self._parts)[self._part - 1]
        dropped = [item for item in items if item.nodeid not in own]
        known = {name: self._durations[name] for name in names if name in self._durations}
        here = sum(known.get(name, 0.0) for name in own)
        self._told = (
            f"shard {self._part}/{self._parts}: {len(own)} of {len(names)} tests, {here:.1f} of {sum(known.values()):.1f} s "
            f"by {len(known)} known durations; all shards must show the same digest {digest(names, known)}"
        )
        if dropped:
            items[:] = [item for item in items if item.nodeid in own]
            config.hook.pytest_deselected(items=dropped)

    def pytest_report_collectionfinish(self) -> str:
        return self._told
