"""
Lines that may hold a loop, each with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal, TypeAlias

from hermetic.errors import HermeticError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Where: TypeAlias = Literal["anywhere", "innermost"]


class PardonError(HermeticError, ValueError):
    """
    A line of `hermetic_blocking_allow` that cannot be read.
    """

    def __init__(self, text: str, *, source: str, problem: str) -> None:
        super().__init__(text, source, problem)
        self.text = text
        self.source = source
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"{self.text!r} from {self.source}: {self.problem}. Write FUNCTION: REASON, where FUNCTION is a module and "
            'qualified name and may be a shell pattern, for example "shop.prices.load_table: read once at the start".'
        )


@dataclass(frozen=True, slots=True)
class Pardon:
    """
    Whose time does not count: `function` is a shell pattern for module and qualified name, joined by a dot.

    `where` says whether any frame of the stack may match, or only the innermost that is not the standard library's.
    """

    function: str
    reason: str
    where: Where = "anywhere"

    def covers(self, names: Sequence[str], *, innermost: str) -> bool:
        if self.where == "innermost":
            return fnmatchcase(innermost, self.function)
        return any(fnmatchcase(name, self.function) for name in names)


def parse_pardon(text: str, *, source: str) -> Pardon:
    """
    Read "FUNCTION: REASON"; `source` names where it stands, for the error.

    Raises:
        PardonError: it is not that.
    """
    function, colon, reason = (part.strip() for part in text.partition(":"))
    if not colon or not reason:
        raise PardonError(text, source=source, problem="it gives no reason")
    if not function or set(function) & set(" \t()"):
        raise PardonError(text, source=source, problem=f"{function!r} is not the name of a function")
    return Pardon(function, reason)


_IMPORT = "a module is imported once a process, so which test waits for it depends on their order"
_PERSON = "a debugger waits for a person"
_PYTEST = "pytest's own work"
_TLS = "a client reads the system's certificates when it is made, and has no other way to"
_MEASURED = "measuring is not the project's work"

BUILT_IN: tuple[Pardon, ...] = (
    Pardon("importlib._bootstrap.*", _IMPORT),
    Pardon("_frozen_importlib.*", _IMPORT),
    Pardon("pdb.*", _PERSON),
    Pardon("bdb.*", _PERSON),
    Pardon("pydevd*", _PERSON),
    Pardon("debugpy.*", _PERSON),
    Pardon("_pytest.*", _PYTEST, "innermost"),
    Pardon("pluggy.*", _PYTEST, "innermost"),
    Pardon("pytest_asyncio.*", _PYTEST, "innermost"),
    Pardon("hermetic.*", _MEASURED, "innermost"),
    Pardon("coverage.*", _MEASURED, "innermost"),
    Pardon("httpcore._ssl.*", _TLS),
    Pardon("httpx._config.*", _TLS),
    Pardon("aiohttp.connector._make_ssl_context", _TLS),
)


def find(pardons: Iterable[Pardon], names: Sequence[str], *, innermost: str) -> Pardon | None:
    """
    The first pardon that covers a stack: its names innermost first, and the innermost that is not the standard library's.
    """
    for pardon in pardons:
        if pardon.covers(names, innermost=innermost):
            return pardon
    return None
