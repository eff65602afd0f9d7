"""
A short name for the cause of a failure, so that the same cause is known again in other tests and runs.
"""

from __future__ import annotations

import hashlib
import re

# What differs between two runs of the same failure: addresses of objects, numbers, ids, times, temporary paths.
_VARYING = re.compile(
    r"0x[0-9a-fA-F]+|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|(?:/tmp|/var/folders)/\S+|\d+"
)
_LONGEST = 300


def fingerprint(*, kind: str, place: str, message: str) -> str:
    """
    Twelve hexadecimal digits of the exception's type, the first frame of the project, and what is constant in the message.

    Args:
        kind: the exception's class, such as "ValueError".
        place: file and function, without a line number: lines move.
        message: its first line counts.
    """
    first = message.strip().partition("\n")[0][:_LONGEST]
    text = "\0".join((kind, place, _VARYING.sub("#", first)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
