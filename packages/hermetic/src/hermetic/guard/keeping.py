"""
Resources that a project keeps open on purpose, each with its reason, which the report shows.

In code, where the resource is made:

    client = hermetic.keep(Client(), reason="one for the process; closed at exit")

or as a rule, in the ini file, for what the project cannot touch:

    hermetic_keep =
        thread @ *telemetry*: the vendor's client has no way to stop it
        aiohttp.session @ src/shop/client.py: closed at exit
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeVar

from hermetic.errors import HermeticError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")


class KeepError(HermeticError, ValueError):
    """
    A declaration that cannot be used.
    """

    def __init__(self, text: str, *, source: str, problem: str) -> None:
        super().__init__(text, source, problem)
        self.text = text
        self.source = source
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"{self.text!r} from {self.source}: {self.problem}. Write KIND: REASON or KIND @ PATTERN: REASON, "
            'for example "thread @ *telemetry*: the client has no way to stop it".'
        )


# Declarations are made by the code under test, which knows no run and no configuration: they are the process's.
_declared: list[tuple[Callable[[], Any], str]] = []


def keep(resource: T, *, reason: str) -> T:
    """
    Declare that `resource` stays open on purpose, and return it.

    A resource that cannot be referenced weakly, such as a SQLite connection, is held for the life of the process.

    Raises:
        KeepError: the reason is empty.
    """
    if not reason.strip():
        raise KeepError(repr(resource), source="hermetic.keep", problem="there is no reason")
    reference: Callable[[], Any]
    try:
        reference = weakref.ref(resource)
    except TypeError:
        reference = lambda: resource  # noqa: E731 - the strong twin of a weak reference
    _declared[:] = [pair for pair in _declared if pair[0]() is not None]
    _declared.append((reference, reason))
    return resource


@dataclass(frozen=True, slots=True)
class KeepRule:
    """
    `pattern` is a shell pattern for the resource's description, or for the file that made it, relative to the root.
    """

    kind: str
    pattern: str
    reason: str


def parse_rule(text: str, *, source: str) -> KeepRule:
    """
    Read one rule; `source` names where it stands, for the error.

    Raises:
        KeepError: it is not a rule.
    """
    left, colon, reason = text.partition(":")
    kind, at, pattern = (part.strip() for part in left.partition("@"))
    if not colon or not reason.strip():
        raise KeepError(text, source=source, problem="there is no reason")
    if not kind or (at and not pattern):
        raise KeepError(
            text, source=source, problem="there is no kind" if not kind else "there is no pattern after '@'"
        )
    return KeepRule(kind, pattern or "*", reason.strip())


class Keeping:
    """
    Answers why a resource may stay, if it may.
    """

    def __init__(self, rules: Iterable[KeepRule] = ()) -> None:
        self._rules = tuple(rules)

    def reason(self, resource: object, *, kind: str, subject: str, files: Iterable[str]) -> str:
        """
        The reason, empty when there is none. `files` are the files whose code made it.
        """
        for reference, reason in _declared:
            if reference() is resource:
                return reason
        texts = (subject, *files)
        for rule in self._rules:
            if fnmatchcase(kind, rule.kind) and any(
                fnmatchcase(text, rule.pattern) or fnmatchcase(text, f"*/{rule.pattern}") for text in texts
            ):
                return rule.reason
        return ""
