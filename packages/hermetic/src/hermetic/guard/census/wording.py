"""
Words about resources, safe against whatever a user's class does in its repr.
"""

from __future__ import annotations

from typing import Final

MAX_REPR: Final = 160


def safe_repr(thing: object) -> str:
    """
    `repr(thing)` cut to 160 characters; a repr that raises is told as such.
    """
    try:
        text = repr(thing)
    except Exception as error:  # noqa: BLE001 - a user's broken repr is not a reason to lose the finding
        return f"<{type(thing).__module__}.{type(thing).__qualname__} at {id(thing):#x}, its repr raised {type(error).__name__}>"
    return text if len(text) <= MAX_REPR else text[: MAX_REPR - 1] + "…"
