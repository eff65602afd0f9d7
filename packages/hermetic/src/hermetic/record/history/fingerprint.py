"""
A short name for the cause of a failure, so that the same cause is known again in other tests and runs.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from hermetic.foundation.secrets import MARK, TELLING_FORMS
from hermetic.record.history.nature import nature

# What differs between two runs of the same failure: addresses of objects, numbers, ids, times, temporary paths.
_VARYING = re.compile(
    r"0x[0-9a-fA-F]+|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|(?:/tmp|/var/folders)/\S+|\d+"
)
_LONGEST = 300
_MOST_SAID = 160


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


def signature(message: str, *, kind: str = "", place: str = "") -> dict[str, Any]:
    """
    What is kept of a failure: its `cause` as a fingerprint, the first line of what was `said`, without secrets that are
    known by their form, and its `nature`.

    Args:
        message: as pytest's short summary has it: "ValueError: its text", or a text alone.
        kind: the exception's class, where it is known apart from the message.
        place: file and function.
    """
    own, colon, rest = message.partition(":")
    if not kind and colon and " " not in own:
        kind, message = own, rest
    first = re.sub(TELLING_FORMS, MARK, message.strip().partition("\n")[0])[:_MOST_SAID]
    said = f"{kind}: {first}" if kind and first else kind or first
    # pytest leaves the class out where an assert failed.
    names = (kind,) if kind else ("AssertionError",) if message.startswith("assert") else ()
    return {
        "cause": fingerprint(kind=kind, place=place, message=message),
        "said": said,
        "nature": nature(names, message),
    }
