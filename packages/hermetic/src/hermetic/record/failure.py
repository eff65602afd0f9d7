"""
An exception as values: what it was, where it passed, what caused it, and the facts that its objects knew.

Facts are taken from the live exception and its frames at the moment of the failure, because a rule may look at structure
only: a number of the system, the type of an object, an attribute's name; never at the words of a message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

FactValue: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureFrame:
    """
    One frame that an exception passed. `module` is the name of the frame's module; `is_own` says that the code is the
    project's; `source` is its line as text.
    """

    file: str
    line: int
    function: str
    module: str = ""
    source: str = ""
    is_own: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """
    One exception of a chain, outermost first in `cause`.

    `type` is its class with the module ("sqlite3.OperationalError") and `bases` are the classes that it inherits from, the
    nearest first. `frames` run from the outermost to the line that raised. `facts` are what its objects knew, by stable
    dotted names; see the module `hermetic.record.diagnosis.facts`, which takes them. `tasks` are the asyncio tasks that were
    alive when it left their loop, as a tree of what each awaited; empty where it left none. `nature` is what kind of failure the
    whole chain is, as in `hermetic.record.history.nature`; empty for those that are causes of another, and where nobody asked.
    """

    type: str
    message: str
    bases: tuple[str, ...] = ()
    frames: tuple[FailureFrame, ...] = ()
    facts: dict[str, FactValue] = field(default_factory=dict[str, "FactValue"])
    cause: Failure | None = None
    tasks: str = ""
    nature: str = ""

    @property
    def raised_at(self) -> FailureFrame | None:
        return self.frames[-1] if self.frames else None

    @property
    def own_frame(self) -> FailureFrame | None:
        """
        The innermost frame of the project's own code, where a reader looks first.
        """
        return next((frame for frame in reversed(self.frames) if frame.is_own), None)

    def chain(self) -> tuple[Failure, ...]:
        """
        This failure and what caused it, the root cause last.
        """
        found: list[Failure] = []
        one: Failure | None = self
        while one is not None:
            found.append(one)
            one = one.cause
        return tuple(found)

    def is_a(self, *names: str) -> bool:
        """
        Whether the exception is of one of these classes or inherits from one.
        """
        return self.type in names or any(base in names for base in self.bases)
