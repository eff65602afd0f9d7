"""
The error that a deadline raises.
"""

from __future__ import annotations

from hermetic.errors import HermeticError


class DeadlineExceeded(HermeticError, TimeoutError):  # noqa: N818 - the word for it; it is a TimeoutError by its base
    """
    An operation did not end within its deadline.

    Attributes:
        operation: Its name, empty for an unnamed block.
        budget_s: What it was given, in seconds.
        elapsed_s: How long it took until its block ended, in seconds.
        site: `file:line` of the deadline.
        waiting: The line that it waited at and what for, as text.
        cycles: Deadlocks that it is part of, each as the names of its members.
        within: The deadlines around it, outermost first, as text.
        is_swallowed: The block swallowed the cancellation or the interruption, and ended by itself later.
    """

    def __init__(
        self,
        operation: str,
        *,
        budget_s: float,
        elapsed_s: float,
        site: str,
        waiting: str = "",
        cycles: tuple[tuple[str, ...], ...] = (),
        within: tuple[str, ...] = (),
        is_swallowed: bool = False,
    ) -> None:
        super().__init__(operation)
        self.operation = operation
        self.budget_s = budget_s
        self.elapsed_s = elapsed_s
        self.site = site
        self.waiting = waiting
        self.cycles = cycles
        self.within = within
        self.is_swallowed = is_swallowed

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (self.operation, {k: v for k, v in vars(self).items() if k not in {"operation", "__notes__"}})

    def __str__(self) -> str:
        name = f"{self.operation!r} " if self.operation else ""
        lines = [f"{name}did not end within its deadline of {self.budget_s:g} s (took {self.elapsed_s:.2f} s)"]
        if self.waiting:
            lines.append(f"it waited at {self.waiting}")
        lines += [f"deadlock: {' waits for '.join([*cycle, cycle[0]])}" for cycle in self.cycles]
        if self.within:
            lines.append(f"inside {', inside '.join(reversed(self.within))}, which had time left")
        if self.is_swallowed:
            lines.append(
                "its block swallowed the cancellation; let CancelledError pass, or the deadline comes too late"
            )
        lines.append(f"the deadline stands in {self.site}; give it more time there, or end what it waits for")
        return "\n  ".join(lines)


def _again(operation: str, fields: dict[str, object]) -> DeadlineExceeded:
    error = DeadlineExceeded(operation, budget_s=0, elapsed_s=0, site="")
    vars(error).update(fields)
    return error
