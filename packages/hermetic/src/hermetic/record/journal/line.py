"""
One event as one line of JSON.

A line is an object with `kind`, `at_s` and the event's own fields. The first line of a journal has the kind `journal`
and carries the schema's version. Within one version fields are only added; a reader ignores those it does not know.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hermetic.foundation import Event

SCHEMA_VERSION: Final = 1


def encode(event: Event) -> bytes:
    r"""
    The event as UTF-8 JSON, without a newline inside, ended by one.

    A value that is not JSON is written as its repr: a record with one odd value is worth more than none. Lone
    surrogates, which UTF-8 cannot hold, are written as `\udcxx` escapes.
    """
    return line({"kind": event.kind, **asdict(event)})


def line(values: dict[str, Any]) -> bytes:
    # ASCII escapes keep lone surrogates writable and terminal control characters harmless.
    return json.dumps(values, default=repr, separators=(",", ":"), allow_nan=True).encode("ascii") + b"\n"
