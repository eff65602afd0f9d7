"""
The plugin's options: ini file, command line, marker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hermetic._pytest import blocking
from hermetic.guard import late
from hermetic.guard.census.site import DEPTH
from hermetic.guard.ownership.tenure import MODES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hermetic.guard.keeping import KeepRule
    from hermetic.guard.ownership.tenure import Mode
    from hermetic.guard.policy import Policy, Rule

_FRAMES = "3"

# What the project's own code changes by working as it means to: it is put back, and told, and fails no test.
DEFAULT_RULES = (
    "stain.module-state = warn",
    "stain.module-content = warn",
    "stain.singleton = warn",
    "stain.fixture-value = warn",
    "stain.fault = warn",
    # What opened it is not known, so neither is whether it keeps it on purpose.
    "descriptor.other = warn",
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
    group.addoption(
        "--hermetic-doctor",
        action="store_true",
        help="run nothing; show what is watched, what that costs, and what cannot be seen here",
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
    parser.addini(
        "hermetic_threading_locks",
        "whether locks that the project's own code makes with threading are watched (false)",
        type="bool",
        default=False,
    )
    parser.addini(
        "hermetic_frames", f"frames shown of where a thing was made, at most {DEPTH} ({_FRAMES})", default=_FRAMES
    )
    blocking.add_options(parser)
    _add_baseline(parser)
    parser.addini("hermetic_mend", "whether what was found is closed afterwards (true)", type="bool", default=True)


def _add_baseline(parser: pytest.Parser) -> None:
    group = parser.getgroup("hermetic")
    group.addoption(
        "--hermetic-baseline",
        metavar="FILE",
        default=None,
        help="findings that are known: listed and counted, while new ones fail; what is mended is taken off the file",
    )
    group.addoption(
        "--hermetic-baseline-write",
        action="store_true",
        help="make the file named by --hermetic-baseline from what this run finds; nothing fails for a finding",
    )
    parser.addini("hermetic_baseline", "as --hermetic-baseline, relative to the root directory", default="")


class Settings:
    """
    What the user asked for, read and checked once.
    """

    # Written out: a dataclass costs every run most of a millisecond at its start.
    __slots__ = (
        "frames",
        "is_on",
        "isolation",
        "journal",
        "keep",
        "mend",
        "packages",
        "policy",
        "resettable",
        "thread_locks",
    )

    def __init__(
        self,
        *,
        is_on: bool,
        policy: Callable[[], Policy],
        frames: int,
        mend: bool,
        journal: str | None,
        keep: tuple[KeepRule, ...],
        isolation: Mode,
        packages: tuple[str, ...],
        resettable: tuple[str, ...],
        thread_locks: bool,
    ) -> None:
        self.is_on = is_on
        self.policy = policy
        self.frames = frames
        self.mend = mend
        self.journal = journal
        self.keep = keep
        self.isolation: Mode = isolation
        self.packages = packages
        self.resettable = resettable
        self.thread_locks = thread_locks


def read(config: pytest.Config) -> Settings:
    """
    Raises:
        pytest.UsageError: an option that cannot be read, with its source.
    """
    frames = str(config.getini("hermetic_frames")).strip()
    if not frames.isdecimal() or not 1 <= int(frames) <= DEPTH:
        raise pytest.UsageError(
            f"hermetic_frames = {frames!r} in {config.inipath}: give a whole number from 1 to {DEPTH}."
        )
    return Settings(
        is_on=config.getoption("--hermetic") == "on",
        policy=_policy(config),
        frames=int(frames),
        mend=bool(config.getini("hermetic_mend")),
        journal=config.getoption("--hermetic-journal"),
        keep=_keep(config),
        isolation=_mode(config),
        packages=tuple(config.getini("hermetic_packages")),
        resettable=_resettable(config),
        thread_locks=bool(config.getini("hermetic_threading_locks")),
    )


def _policy(config: pytest.Config) -> Callable[[], Policy]:
    """
    The policy, made when first asked for, which is when something was found; the user's own rules are read at once.
    """
    ini: list[str] = config.getini("hermetic_policy")
    line: list[str] = config.getoption("--hermetic-policy") or []
    rules = [
        *((rule, f"hermetic_policy in {config.inipath}") for rule in ini),
        *((rule, "--hermetic-policy") for rule in line),
    ]
    made: list[Policy] = []

    def policy() -> Policy:
        if not made:
            grammar = late.load("hermetic.guard.policy")
            default = [grammar.parse(rule, source="the defaults") for rule in DEFAULT_RULES]
            try:
                own = [grammar.parse(rule, source=source) for rule, source in rules]
            except grammar.PolicyError as error:
                raise pytest.UsageError(str(error)) from error
            made.append(grammar.Policy([*default, *own], root=str(config.rootpath)))
        return made[0]

    if rules:
        policy()
    return policy


def _keep(config: pytest.Config) -> tuple[KeepRule, ...]:
    rules: list[str] = config.getini("hermetic_keep")
    if not rules:
        return ()
    from hermetic.guard.keeping import KeepError, parse_rule  # noqa: PLC0415 - few projects keep anything

    try:
        return tuple(parse_rule(rule, source=f"hermetic_keep in {config.inipath}") for rule in rules)
    except KeepError as error:
        raise pytest.UsageError(str(error)) from error


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


def mode_of(mark: pytest.Mark, item: pytest.Item) -> Mode | None:
    """
    The isolation mode that a `hermetic` marker gives, if it gives one.

    Raises:
        pytest.UsageError: there is no such mode.
    """
    if "isolation" not in mark.kwargs:
        return None
    word = mark.kwargs["isolation"]
    mode = as_mode(word)
    if mode is None:
        raise pytest.UsageError(f"isolation={word!r} in {_source(item)}: give {', '.join(MODES)}.")
    return mode


def _source(item: pytest.Item) -> str:
    path, line, _ = item.location
    return f"the marker hermetic on {item.nodeid} ({path}:{(line or 0) + 1})"


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
    marks = list(item.iter_markers("hermetic"))
    if not marks:
        return ()
    grammar = late.load("hermetic.guard.policy")
    rules: list[Rule] = []
    for mark in reversed(marks):
        source = _source(item)
        if unknown := set(mark.kwargs) - {"blocking", "isolation", "reason"}:
            raise pytest.UsageError(
                f"{source}: unknown argument {', '.join(sorted(unknown))}; there are blocking=, isolation= and reason=."
            )
        mode_of(mark, item)  # for its error
        try:
            rules += [grammar.parse(str(rule), source=source) for rule in mark.args]
        except grammar.PolicyError as error:
            raise pytest.UsageError(str(error)) from error
    return rules
