"""
One event as one line of JSON.

A line is an object with `kind`, `at_s` and the event's own fields. The first line of a journal has the kind `journal`
and carries the schema's version. Within one version fields are only added; a reader ignores those it does not know.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

from hermetic.record.journal.scrubbing import may_hold_secret, scrub

if TYPE_CHECKING:
    from hermetic.foundation import Event

SCHEMA_VERSION: Final = 1
LONGEST_TEXT: Final = 64 * 1024
"""
Characters of one text that are kept: what is longer is cut in its middle, and says by how much.
"""


class Encoder:
    """
    Turns events into lines. Not for two threads at once.
    """

    def __init__(self) -> None:
        # ASCII escapes keep lone surrogates writable and terminal control characters harmless.
        self._encode = json.JSONEncoder(separators=(",", ":"), default=self._default).encode
        self._clean: object = None
        # A field that has its default is left out, which halves the file; a reader puts it back.
        self._fields: dict[type, tuple[tuple[str, object], ...]] = {}

    def encode(self, event: Event) -> str:
        r"""
        The event as ASCII JSON without a newline inside, ended by one, and without secrets.

        A value that is not JSON is written as its repr: a record with one odd value is worth more than none. Lone
        surrogates, which UTF-8 cannot hold, are written as `\udcxx` escapes.
        """
        values = self._told(event)
        text = self._encode({"kind": event.kind, **values})
        # A part of a test that passed says nothing but the test's name, which has been looked at when the test began.
        if values.get("outcome") == "passed" and values.get("test") == self._clean and "output" not in values:
            return text + "\n"
        if len(text) > LONGEST_TEXT or may_hold_secret(text):
            text = self._encode(scrub(shorten(json.loads(text))))
        elif event.kind == "test.began":
            self._clean = values["test"]
        return text + "\n"

    def line(self, values: dict[str, Any]) -> str:
        return self._encode(scrub(values)) + "\n"

    def _told(self, event: Event) -> dict[str, Any]:
        known = self._fields.get(type(event))
        if known is None:
            known = self._fields[type(event)] = tuple((one.name, one.default) for one in fields(event))
        return {name: value for name, default in known if (value := getattr(event, name)) is not default}

    @staticmethod
    def _default(value: Any) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            return {one.name: getattr(value, one.name) for one in fields(value)}
        return repr(value)


def shorten(value: Any) -> Any:
    """
    A value of JSON with each text in it at most `LONGEST_TEXT` long.
    """
    if isinstance(value, str):
        if len(value) <= LONGEST_TEXT:
            return value
        half = LONGEST_TEXT // 2
        return f"{value[:half]}\n… {len(value) - 2 * half} characters left out …\n{value[-half:]}"
    if isinstance(value, dict):
        return {str(name)[:LONGEST_TEXT]: shorten(one) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
    if isinstance(value, list):
        return [shorten(one) for one in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    return value
