"""
Tests that may fail for a while: run and reported, but not counted against the run, from a reviewed file.

    [[test]]
    name = "tests/test_login.py::test_slow_network"
    owner = "mia"
    reason = "waits for the new proxy, ticket 812"
    until = 2026-12-31
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from hermetic._pytest.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_FIELDS = {"name", "owner", "reason", "until"}
# More than this share of the suite in quarantine is told: nobody looks any more.
_MOST_SHARE = 0.02


class Entry:
    """
    One test that may fail until the end of a day.
    """

    # Written out: a dataclass costs every run a millisecond at its start.
    __slots__ = ("name", "owner", "reason", "until")

    def __init__(self, *, name: str, owner: str, reason: str, until: date) -> None:
        self.name = name
        self.owner = owner
        self.reason = reason
        self.until = until


def add_options(parser: pytest.Parser) -> None:
    parser.getgroup("hermetic").addoption(
        "--hermetic-quarantine",
        metavar="FILE",
        default=None,
        help="tests that may fail for a while, as TOML with name, owner, reason and until",
    )
    parser.addini("hermetic_quarantine", "as --hermetic-quarantine, from the root directory", default="")


def register(config: pytest.Config) -> None:
    """
    Raises:
        pytest.UsageError: a list that cannot be read.
    """
    given: str | None = config.getoption("--hermetic-quarantine")
    where = given if given is not None else str(config.getini("hermetic_quarantine"))
    if not where:
        return
    base = config.invocation_params.dir if given is not None else config.rootpath
    entries = read(base / where)
    config.pluginmanager.register(Quarantine(entries, today=date.today(), file=where), "hermetic-quarantine")  # noqa: DTZ011 - an expiry is a day where the reader lives


def read(file: Path) -> dict[str, Entry]:
    """
    Raises:
        pytest.UsageError: with the entry and what is wrong with it.
    """
    import tomllib  # noqa: PLC0415 - few projects have a list

    try:
        table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise pytest.UsageError(
            f"quarantine list {file} cannot be read ({error.strerror}). Name the file with the [[test]] tables."
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise pytest.UsageError(f"quarantine list {file} is no TOML: {error}.") from error
    listed: object = table.get("test", [])
    if set(table) - {"test"} or not isinstance(listed, list):
        raise pytest.UsageError(f"quarantine list {file}: it must hold [[test]] tables only.")
    entries: dict[str, Entry] = {}
    for number, one in enumerate(cast("list[object]", listed), 1):
        entry = _entry(one, where=f"quarantine list {file}, entry {number}")
        if entry.name in entries:
            raise pytest.UsageError(f"quarantine list {file}, entry {number}: {entry.name} is there twice.")
        entries[entry.name] = entry
    return entries


def _entry(one: object, *, where: str) -> Entry:
    if not isinstance(one, dict):
        raise pytest.UsageError(f"{where}: {one!r} is no table.")
    fields = cast("dict[str, Any]", one)
    if set(fields) != _FIELDS:
        missing, more = sorted(_FIELDS - set(fields)), sorted(set(fields) - _FIELDS)
        said = [f"{', '.join(names)} {what}" for names, what in ((missing, "missing"), (more, "unknown")) if names]
        raise pytest.UsageError(f"{where}: {'; '.join(said)}. Each needs name, owner, reason and until.")
    for name in ("name", "owner", "reason"):
        if not isinstance(fields[name], str) or not fields[name].strip():
            raise pytest.UsageError(f"{where}: {name} = {fields[name]!r} must be a text.")
    until = fields["until"]
    if not isinstance(until, date) or isinstance(until, datetime):
        raise pytest.UsageError(f"{where}: until = {until!r} must be a day such as 2026-12-31, without quotes.")
    return Entry(**fields)


class Quarantine(Hooks):
    """
    Turns the failures of listed tests into expected ones, until their day is over.
    """

    def __init__(self, entries: dict[str, Entry], *, today: date, file: str) -> None:
        self._entries = entries
        self._today = today
        self._file = file
        self._collected: set[str] = set()
        self._failed: set[str] = set()
        self._expired: set[str] = set()

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self._collected.add(item.nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        entry = self._entries.get(item.nodeid)
        if entry is not None and report.failed and entry.until >= self._today:
            # The form that every reporter knows for a failure that is expected.
            report.outcome = "skipped"
            report.wasxfail = f"in quarantine until {entry.until} for {entry.owner}: {entry.reason}"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.nodeid in self._entries:
            if str(getattr(report, "wasxfail", "")).startswith("in quarantine"):
                self._failed.add(report.nodeid)
            elif report.failed:
                self._expired.add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        lines = [
            f"{name}  may fail until {entry.until} ({entry.owner}: {entry.reason})"
            for name, entry in self._entries.items()
            if name in self._failed
        ]
        lines += [
            f"{name}  its time was over on {self._entries[name].until}: it blocks again"
            for name in sorted(self._expired)
        ]
        lines += [
            f"{name}  is over since {entry.until}; take it off the list"
            for name, entry in self._entries.items()
            if entry.until < self._today and name not in self._expired
        ]
        if self._collected and len(self._entries) > _MOST_SHARE * len(self._collected) and len(self._entries) > 1:
            lines.append(f"{len(self._entries)} tests are in quarantine, more than 2 % of {len(self._collected)}")
        if lines:
            terminalreporter.section(f"quarantine ({self._file})")
            for line in lines:
                terminalreporter.line(line)
