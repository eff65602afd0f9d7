"""
What goes wrong on demand, request by request.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

Scope = Literal["user", "shared", "global", "cloudflare"]


@dataclass(frozen=True, slots=True)
class Status:
    """
    Answer with this status without doing anything. Statuses of Cloudflare (520 to 527) and 502 to 504 come as its
    HTML pages, as they do in life; others as JSON.
    """

    status: int
    code: int = 0
    message: str = ""

    def __str__(self) -> str:
        return f"status {self.status}"

    def content(self) -> tuple[str, bytes]:
        """
        The content type and the body.
        """
        if self.status in {502, 503, 504} or 520 <= self.status <= 527:
            page = f"<html><head><title>discord.com | {self.status}</title></head><body>{self.status}</body></html>"
            return "text/html", page.encode()
        text = self.message or f"{self.status}: Error"
        return "application/json", json.dumps({"message": text, "code": self.code}).encode()


@dataclass(frozen=True, slots=True)
class RateLimit:
    """
    Answer 429 without doing anything.

    Attributes:
        scope: "user", this bot in this bucket; "shared", everyone who uses the resource; "global", the bot everywhere;
            "cloudflare", the ban of the whole address for too many invalid requests, which is no JSON and has no
            `Via` header.
    """

    retry_after_s: float = 0.05
    scope: Scope = "user"

    def __str__(self) -> str:
        return f"429 {self.scope}"


@dataclass(frozen=True, slots=True)
class Drop:
    """
    Reset the connection instead of answering, `after` the request was carried out or before.
    """

    after: bool = False

    def __str__(self) -> str:
        return f"dropped {'after' if self.after else 'before'} processing"


@dataclass(frozen=True, slots=True)
class Hang:
    """
    Never answer, `after` the request was carried out or before; until the rule is stopped or the double ends.
    """

    after: bool = False

    def __str__(self) -> str:
        return f"hung {'after' if self.after else 'before'} processing"


@dataclass(frozen=True, slots=True)
class Slow:
    """
    Carry it out `by_s` seconds later.
    """

    by_s: float

    def __str__(self) -> str:
        return f"slowed by {self.by_s:g} s"


Fault = Status | RateLimit | Drop | Hang | Slow


@dataclass(eq=False, slots=True)
class FaultRule:
    """
    A fault for the requests that match, until it is used up or stopped; also at the end of a `with` block.

    Attributes:
        on: method and route with `*` for anything, as `POST /channels/*/messages` or `*`.
        left: how many more requests it meets; None for all.
        met: how many it has met.
    """

    fault: Fault
    on: str
    left: int | None
    _stopped: Callable[[FaultRule], None] = field(repr=False)
    met: int = 0

    def matches(self, name: str) -> bool:
        return self.left != 0 and fnmatchcase(name, self.on)

    def take(self) -> Fault:
        self.met += 1
        if self.left is not None:
            self.left -= 1
        return self.fault

    def stop(self) -> None:
        """
        It meets no more requests, and those that hang because of it are reset.
        """
        self.left = 0
        self._stopped(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Faults:
    """
    The rules in force; the newest that matches is used.
    """

    def __init__(self, on_stop: Callable[[FaultRule], None]) -> None:
        self._rules: list[FaultRule] = []
        self._on_stop = on_stop

    def add(self, fault: Fault, *, on: str = "*", times: int | None = None) -> FaultRule:
        rule = FaultRule(fault, on, times, self._on_stop)
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        for rule in self._rules:
            rule.stop()
        self._rules.clear()

    def for_request(self, *names: str) -> FaultRule | None:
        """
        The rule that takes a request known by these names.
        """
        for rule in reversed(self._rules):
            if any(rule.matches(name) for name in names):
                return rule
        return None

    def statistics(self) -> dict[str, Any]:
        return {f"{rule.fault} on {rule.on}": rule.met for rule in self._rules}
