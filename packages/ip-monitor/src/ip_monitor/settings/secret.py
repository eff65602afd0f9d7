"""
A value that must not be shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field

HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True)
class Secret:
    """
    Keeps a password, token or secret URL out of every message, log line and listing: its text is `(hidden)`.

    Only `reveal` gives the value, so that a search for that word finds every place where one leaves the program.
    """

    _value: str = field(repr=False)

    def reveal(self) -> str:
        return self._value

    def __str__(self) -> str:
        return HIDDEN

    def __repr__(self) -> str:
        return f"Secret{HIDDEN}"
