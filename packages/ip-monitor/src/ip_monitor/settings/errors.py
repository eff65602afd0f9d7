"""
What is wrong with the settings, all of it at once.

    IPMonitorError
    └── SettingsError (ValueError)   one or more `Problem`s
"""

from __future__ import annotations

from dataclasses import dataclass

from ip_monitor.errors import IPMonitorError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """
    One value, file or name that cannot be used.

    `value` is None where there is none to show (an unreadable file, a secret, an unknown name), so that a secret
    under a misspelled name stays hidden too. `where` says which file, variable or option it came from.
    """

    option: str | None
    where: str
    wrong: str
    value: str | None = None

    def __str__(self) -> str:
        shown = "" if self.option is None else self.option
        if self.value is not None:
            shown += f" = {self.value}"
        return f"{shown} (from {self.where}): {self.wrong}" if shown else f"{self.where}: {self.wrong}"


class SettingsError(IPMonitorError, ValueError):
    """
    The settings cannot be used; `problems` holds everything that is wrong, so that one round mends it all.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__(problems)

    def __str__(self) -> str:
        count = len(self.problems)
        head = "a setting cannot be used" if count == 1 else f"{count} settings cannot be used"
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        return f"{head}:{lines}\nNothing was started. `ip-monitor config list` names every setting with its range."
