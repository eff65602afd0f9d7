"""
The plugin's options: ini file, command line, marker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from hermetic._pytest import blocking
from hermetic.guard.isolation import MODES
from hermetic.guard.keeping import KeepError, KeepRule, parse_rule
from hermetic.guard.policy import Policy, PolicyError, Rule, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermetic.guard.isolation import Mode

_FRAMES = "3"

# What the project's own code changes by working as it means to: it is put back, and told, and fails no test.
DEFAULT_RULES = (
    Rule("warn", kind="stain.module-state"),
    Rule("warn", kind="stain.module-content"),
    Rule("warn", kind="stain.singleton"),
    Rule("warn", kind="stain.fixture-value"),
    Rule("warn", kind="stain.fault"),
)


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
    group.addoption("--hermetic-run", metavar="ID", default="", help="the run that this process is a part of")
    group.addoption(
        "--hermetic-isolation",
        choices=MODES,
        default=None,
        help="what happens to process state that a test changed: restore (the default), observe, or off",
    )
    group.addoption(
        "--hermetic-fixtures",
        action="store_true",
        help="run nothing; show the graph of the project's fixtures, with circles, shadowing and duplicates",
    )
    parser.addini("hermetic_isolation", "as --hermetic-isolation", default="restore")
    parser.addini(
        "hermetic_resettable",
        "objects that come back fresh after each test, one a line, as module:attribute",
        type="linelist",
        default=[],
    )
    parser.addini(
        "hermetic_packages",
        "top-level packages that are the project's wherever they were imported from; modules below the root directory "
        "are without being named",
        type="args",
        default=[],
    )
    parser.addini("hermetic_policy", "policy rules, one a line, as for --hermetic-policy", type="linelist", default=[])
    parser.addini(
        "hermetic_keep",
        "resources kept open on purpose, one a line: KIND: REASON or KIND @ PATTERN: REASON",
        type="linelist",
        default=[],
    )
    parser.addini("hermetic_frames", f"frames shown of where a thing was made ({_FRAMES})", default=_FRAMES)
    blocking.add_options(parser)
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
    keep: tuple[KeepRule, ...]
    isolation: Mode
    packages: tuple[str, ...]
    resettable: tuple[str, ...]


def read(config: pytest.Config) -> Settings:
    """
    Raises:
        pytest.UsageError: an option that cannot be read, with its source.
    """
    words: list[str] = config.getoption("--hermetic-policy") or []
    try:
        ini = [parse(rule, source=f"hermetic_policy in {config.inipath}") for rule in config.getini("hermetic_policy")]
        line = [parse(rule, source="--hermetic-policy") for rule in words]
        keep = [
            parse_rule(rule, source=f"hermetic_keep in {config.inipath}") for rule in config.getini("hermetic_keep")
        ]
    except (PolicyError, KeepError) as error:
        raise pytest.UsageError(str(error)) from error
    frames = str(config.getini("hermetic_frames")).strip()
    if not frames.isdecimal() or not 1 <= int(frames) <= 50:
        raise pytest.UsageError(f"hermetic_frames = {frames!r} in {config.inipath}: give a whole number from 1 to 50.")
    return Settings(
        is_on=config.getoption("--hermetic") == "on",
        policy=Policy([*DEFAULT_RULES, *ini, *line], root=str(config.rootpath)),
        frames=int(frames),
        mend=bool(config.getini("hermetic_mend")),
        journal=config.getoption("--hermetic-journal"),
        keep=tuple(keep),
        isolation=_mode(config),
        packages=tuple(config.getini("hermetic_packages")),
        resettable=_resettable(config),
    )


def _resettable(config: pytest.Config) -> tuple[str, ...]:
    names = tuple(config.getini("hermetic_resettable"))
    for name in names:
        module, colon, path = name.partition(":")
        if not colon or not all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
            raise pytest.UsageError(
                f"hermetic_resettable in {config.inipath}: {name!r} names no object; write module:attribute, "
                "for example shop.breaker:BREAKER."
            )
    return names


def _mode(config: pytest.Config) -> Mode:
    word = config.getoption("--hermetic-isolation") or config.getini("hermetic_isolation")
    mode = as_mode(word)
    if mode is None:
        raise pytest.UsageError(f"hermetic_isolation = {word!r} in {config.inipath}: give {', '.join(MODES)}.")
    return mode


def as_mode(word: object) -> Mode | None:
    """
    The isolation mode of that name, if there is one.
    """
    return next((mode for mode in MODES if mode == word), None)


MARKER = (
    "hermetic(*rules, blocking, isolation, reason): policy for this test and its function-scoped fixtures, "
    'for example @pytest.mark.hermetic("sqlite3.* = warn", reason="…"); isolation is restore, observe or off; '
    "blocking=0.5 lets a callback hold the event loop for half a second"
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
        if unknown := set(mark.kwargs) - {"blocking", "isolation", "reason"}:
            raise pytest.UsageError(
                f"{source}: unknown argument {', '.join(sorted(unknown))}; there are blocking=, isolation= and reason=."
            )
        try:
            rules += [parse(str(rule), source=source) for rule in mark.args]
        except PolicyError as error:
            raise pytest.UsageError(str(error)) from error
    return rules
