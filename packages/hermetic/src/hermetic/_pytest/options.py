"""
The plugin's options: ini file, command line, marker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from hermetic.guard.policy import Policy, PolicyError, Rule, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

_FRAMES = "3"


def add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("hermetic", "Hermetic: leaks, stains and hangs")
    group.addoption(
        "--hermetic", choices=("on", "off"), default="on", help="whether Hermetic watches this run at all (on)"
    )
    group.addoption(
        "--hermetic-policy",
        metavar="RULE",
        action="append",
        default=[],
        help="what a finding does: error, warn or off, for all or as KIND = LEVEL, KIND @ PATH = LEVEL; repeatable",
    )
    group.addoption("--hermetic-journal", metavar="FILE", default=None, help="write what happens to FILE as JSON Lines")
    parser.addini("hermetic_policy", "policy rules, one a line, as for --hermetic-policy", type="linelist", default=[])
    parser.addini("hermetic_frames", f"frames shown of where a thing was made ({_FRAMES})", default=_FRAMES)
    parser.addini("hermetic_mend", "whether what was found is closed afterwards (true)", type="bool", default=True)


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What the user asked for, read and checked once.
    """

    is_on: bool
    policy: Policy
    frames: int
    mend: bool
    journal: str | None


def read(config: pytest.Config) -> Settings:
    """
    Raises:
        pytest.UsageError: an option that cannot be read, with its source.
    """
    words: list[str] = config.getoption("--hermetic-policy") or []
    try:
        ini = [parse(rule, source=f"hermetic_policy in {config.inipath}") for rule in config.getini("hermetic_policy")]
        line = [parse(rule, source="--hermetic-policy") for rule in words]
    except PolicyError as error:
        raise pytest.UsageError(str(error)) from error
    frames = str(config.getini("hermetic_frames")).strip()
    if not frames.isdecimal() or not 1 <= int(frames) <= 50:
        raise pytest.UsageError(f"hermetic_frames = {frames!r} in {config.inipath}: give a whole number from 1 to 50.")
    return Settings(
        is_on=config.getoption("--hermetic") == "on",
        policy=Policy([*ini, *line], root=str(config.rootpath)),
        frames=int(frames),
        mend=bool(config.getini("hermetic_mend")),
        journal=config.getoption("--hermetic-journal"),
    )


MARKER = (
    "hermetic(*rules, reason): policy for this test and its function-scoped fixtures, "
    'for example @pytest.mark.hermetic("sqlite3.* = warn", reason="…")'
)


def marker_rules(item: pytest.Item) -> Sequence[Rule]:
    """
    The rules of all `hermetic` markers on a test, the closest last.

    Raises:
        pytest.UsageError: a marker that cannot be read, with the test it stands on.
    """
    rules: list[Rule] = []
    for mark in reversed(list(item.iter_markers("hermetic"))):
        path, line, _ = item.location
        source = f"the marker hermetic on {item.nodeid} ({path}:{(line or 0) + 1})"
        if unknown := set(mark.kwargs) - {"reason"}:
            raise pytest.UsageError(f"{source}: unknown argument {', '.join(sorted(unknown))}; there is only reason=.")
        try:
            rules += [parse(str(rule), source=source) for rule in mark.args]
        except PolicyError as error:
            raise pytest.UsageError(str(error)) from error
    return rules
