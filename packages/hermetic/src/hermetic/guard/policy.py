"""
What a finding does to its test: fail it, warn, or nothing.

One grammar in the ini file, on the command line and in the marker:

    warn                                 every finding
    leak = warn                          a category
    sqlite3.* = off                      kinds, as a shell pattern
    sqlite3.connection @ tests/old/* = warn      and only for owners defined in files that match

The last rule that matches decides; the marker's come after the command line's, and those after the ini file's.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, TypeAlias

from hermetic.errors import HermeticError
from hermetic.guard.kinds import CATEGORIES, KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermetic.foundation.finding import Finding

Level: TypeAlias = Literal["error", "warn", "off", "known"]
"""
`known` is given by a baseline only: it would be an error if it were new.
"""
LEVELS: tuple[Level, ...] = ("error", "warn", "off")


class PolicyError(HermeticError, ValueError):
    """
    A rule that cannot be read.
    """

    def __init__(self, rule: str, *, source: str, problem: str) -> None:
        super().__init__(rule, source, problem)
        self.rule = rule
        self.source = source
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"policy rule {self.rule!r} from {self.source}: {self.problem}. "
            f"Write LEVEL or KIND = LEVEL or KIND @ PATH = LEVEL with a level of {', '.join(LEVELS)}, "
            'for example "sqlite3.* = warn".'
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One line of policy; `kind` and `path` are shell patterns.
    """

    level: Level
    kind: str = "*"
    path: str = "*"

    def matches(self, finding: Finding, path: str) -> bool:
        known = fnmatchcase(finding.kind, self.kind) or finding.category == self.kind
        return known and (self.path == "*" or fnmatchcase(path, self.path))


def parse(text: str, *, source: str) -> Rule:
    """
    Read one rule; `source` names where it stands, for the error.

    Raises:
        PolicyError: it is not a rule.
    """
    left, equals, right = text.rpartition("=")
    level: Level | None = next((one for one in LEVELS if one == right.strip()), None)
    if level is None:
        raise PolicyError(text, source=source, problem=f"{right.strip()!r} is not a level")
    kind, at, path = (part.strip() for part in left.partition("@"))
    if equals and not kind:
        raise PolicyError(text, source=source, problem="there is no kind before the '='")
    if at and not path:
        raise PolicyError(text, source=source, problem="there is no path after the '@'")
    if kind and kind not in CATEGORIES and not any(fnmatchcase(one, kind) for one in KINDS):
        raise PolicyError(text, source=source, problem=f"no finding is called {kind!r}{_resembling(kind)}")
    return Rule(level, kind or "*", path or "*")


def _resembling(kind: str) -> str:
    import difflib  # noqa: PLC0415 - only a mistake needs it

    near = difflib.get_close_matches(kind, sorted(KINDS | CATEGORIES), n=1)
    return f"; the nearest is {near[0]}" if near else ""


class Policy:
    """
    Rules in order, and `error` where none matches. Paths in rules are relative to the directory `root`.
    """

    def __init__(self, rules: Iterable[Rule] = (), *, root: str = "") -> None:
        self._rules = tuple(rules)
        self._root = root

    def level(self, finding: Finding, *, also: Iterable[Rule] = ()) -> Level:
        """
        What to do about a finding; the rules in `also` come last, so they win.
        """
        defined = finding.owner.defined
        path = os.path.relpath(defined.file, self._root) if defined and self._root else ""
        level: Level = "error"
        for rule in (*self._rules, *also):
            if rule.matches(finding, path):
                level = rule.level
        return level
