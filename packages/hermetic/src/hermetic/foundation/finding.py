"""
What Hermetic says about a test, as data: a frozen record first, text second (see `hermetic.foundation.block`).

A finding holds values only, never a live object, so that it can be written to the journal, sent from one process to
another, and read long after the test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from hermetic.foundation.remedy import Remedy

Scope: TypeAlias = Literal["function", "class", "module", "package", "session"]
OwnerKind: TypeAlias = Literal["test", "fixture", "session"]
Category: TypeAlias = Literal["leak", "stain", "hang", "block", "fault"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """
    One line of code on a stack: `line` counts from 1, 0 when the interpreter does not know it. `source` is the line's text
    where it was taken down, which is when a finding is recorded: a report may be read where the file is not.
    """

    file: str
    line: int
    function: str
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """
    Where something was made: the stack at that moment, innermost frame first, cut to the user's own frames.

    `depth_cut` says that the stack was deeper than what is kept.
    """

    frames: tuple[Frame, ...]
    depth_cut: bool = False

    @property
    def innermost(self) -> Frame | None:
        return self.frames[0] if self.frames else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """
    The test or the fixture that was running, and that must have cleaned up when it has been torn down.

    `name` is the test's node id or the fixture's name; `node` is the node id that bounds its life: the test itself, or
    for a broader fixture the class, module, package or session; `parameter` is the fixture's parameter as text.
    `defined` is where its code stands.
    """

    kind: OwnerKind
    name: str
    scope: Scope = "function"
    node: str = ""
    parameter: str = ""
    defined: Frame | None = None

    def __str__(self) -> str:
        if self.kind == "test":
            return f"test {self.name}"
        if self.kind == "session":
            return "the session (no test or fixture was running)"
        parameter = f"[{self.parameter}]" if self.parameter else ""
        return f"{self.scope} fixture {self.name}{parameter}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    A leak, a stain, a hang or another defect around a test.

    `kind` is its stable dotted name ("sqlite3.connection"), by which policies and baselines speak of it.
    `title` is the headline without the owner ("SQLite connection left open"); `subject` tells which one, as a repr that
    helps ("/tmp/a.db"). `evidence` are short sentences, the strongest first. `mended` says what was done about it
    afterwards, empty when nothing was. `kept` is the reason that the project declared for leaving it open. `count` is how many findings of one cause this one stands for.
    `rerun` is the command that shows it again.
    """

    category: Category
    kind: str
    title: str
    subject: str
    owner: Owner
    site: Site | None = None
    evidence: tuple[str, ...] = ()
    remedy: Remedy | None = None
    mended: str = ""
    kept: str = ""
    rerun: str = ""
    count: int = 1
