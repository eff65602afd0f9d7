"""
What limits raise.

    HermeticError
    ├── ResourceLimitError (ValueError)         a limit that is no limit
    └── ResourceExhaustionError (RuntimeError)  more was open at once than a limit allows
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.errors import HermeticError
from hermetic.guard.limits.kinds import MEMORY

if TYPE_CHECKING:
    from hermetic.guard.limits.tally import Holder

_SHOWN = 5


class ResourceLimitError(HermeticError, ValueError):
    """
    A limit that is no limit.

    Attributes:
        name: Which one.
        value: What was given.
        source: Where it was given, as a reader finds it ("the marker in test_a.py:12").
        reason: Why it cannot be a limit, and what can.
    """

    def __init__(self, name: str, value: object, *, source: str, reason: str) -> None:
        super().__init__(name, value)
        self.name = name
        self.value = value
        self.source = source
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        return _limit_error, (self.name, self.value, self.source, self.reason)

    def __str__(self) -> str:
        return f"invalid limit {self.name}={self.value!r} from {self.source}: {self.reason}."


def _limit_error(name: str, value: object, source: str, reason: str) -> ResourceLimitError:
    return ResourceLimitError(name, value, source=source, reason=reason)


class ResourceExhaustionError(HermeticError, RuntimeError):
    """
    More of a resource was in use at once than its limit allows.

    Attributes:
        resource: The limit's name ("threads", "memory_mb").
        used: How much was in use beyond what there was when counting began, in the limit's unit.
        limit: What was allowed.
        source: Where the limit stands.
        holders: Who had most of it open at that moment, the largest first.
        cleaned: What was closed afterwards, as phrases.
    """

    def __init__(
        self,
        resource: str,
        *,
        used: float,
        limit: float,
        source: str,
        holders: tuple[Holder, ...] = (),
        cleaned: tuple[str, ...] = (),
    ) -> None:
        super().__init__(resource)
        self.resource = resource
        self.used = used
        self.limit = limit
        self.source = source
        self.holders = holders
        self.cleaned = cleaned

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self.resource, {k: v for k, v in vars(self).items() if k not in {"resource", "__notes__"}})

    def __str__(self) -> str:
        unit = " MB" if self.resource == MEMORY else ""
        what = "memory" if self.resource == MEMORY else self.resource.replace("_", " ")
        used, limit = f"{self.used:.4g}{unit}", f"{self.limit:g}{unit}"
        lines = [f"{what}: {used} more than at the start in use at once, {limit} allowed by {self.source}"]
        if self.holders:
            lines.append("held then:" if self.resource == MEMORY else "open then:")
            lines += [f"  {_held(holder)}" for holder in self.holders[:_SHOWN]]
            hidden = sum(holder.count for holder in self.holders[_SHOWN:])
            lines += [f"  … and {hidden} more from {len(self.holders) - _SHOWN} other lines"] if hidden else []
        elif self.resource == MEMORY:
            lines.append("which lines hold it, is known when Python runs with -X tracemalloc=10")
        if self.cleaned:
            lines.append(f"closed afterwards: {', '.join(self.cleaned)}")
        lines.append(f"let go of them where they are made, or allow more: {self.resource}={_enough(self.used)}")
        return "\n  ".join(lines)


def _again(resource: str, fields: dict[str, object]) -> ResourceExhaustionError:
    error = ResourceExhaustionError(resource, used=0, limit=0, source="")
    vars(error).update(fields)
    return error


def _held(holder: Holder) -> str:
    such_as = "such as " if holder.count > 1 and holder.resource != MEMORY else ""
    example = f", {such_as}{holder.subject}"
    return f"{holder.count} x {holder.title} from {holder.place}{example if holder.subject else ''}"


def _enough(used: float) -> str:
    return str(int(used) if used == int(used) else int(used) + 1)
