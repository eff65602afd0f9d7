"""
What one setting is: its type, range, unit, meaning, and whether it applies while the program runs.

Everything that speaks of settings (validation, `config list`, the reference, error texts) reads these records,
which come from the annotations in `model`, so that a setting is described in one place.
"""

from __future__ import annotations

import dataclasses
import types
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class About:
    """
    The part of a setting's description that types cannot hold.

    `unit` is "s", "days", "bytes" or None; `live` tells whether a change applies without a restart; `default` is the text
    shown where the real default depends on the machine; `is_url` asks for an https:// URL; a text for `is_command` is
    split as a shell does it.
    """

    text: str
    unit: str | None = None
    live: bool = False
    default: str | None = None
    is_url: bool = False
    is_command: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """
    One setting, described. `minimum` and `maximum` are inclusive; `choices` is empty unless the values are named.
    """

    name: str
    kind: str
    text: str
    default: Any
    shown_default: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    unit: str | None
    live: bool
    secret: bool

    @property
    def variable(self) -> str:
        """
        The environment variable that sets it.
        """
        return f"IP_MONITOR_{self.name.upper()}"

    @property
    def allowed(self) -> str:
        """
        The values it takes, as a phrase: `10 to 86400 seconds`, `text or json`, `true or false`.
        """
        unit = {"s": " seconds", "days": " days", "bytes": " bytes", None: ""}[self.unit]
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:.12g} to {self.maximum:.12g}{unit}"
        if self.choices:
            return f"{', '.join(self.choices[:-1])} or {self.choices[-1]}"
        return self.kind


_KINDS = {
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "Path": "a path",
    "Secret": "text, kept hidden",
}


def strip(hint: Any) -> tuple[Any, list[Any]]:
    """
    The bare type, with Annotated and `| None` taken off, and what Annotated carried.
    """
    notes: list[Any] = []
    while True:
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            notes += more
        elif get_origin(hint) in {Union, types.UnionType} and type(None) in get_args(hint):
            remaining = [one for one in get_args(hint) if one is not type(None)]
            if len(remaining) != 1:
                return hint, notes
            hint = remaining[0]
        else:
            return hint, notes


def _kind(bare: Any) -> str:
    if get_origin(bare) is tuple:
        item = get_args(bare)[0]
        return "a list of tables" if dataclasses.is_dataclass(strip(item)[0]) else "a list"
    return _KINDS.get(getattr(bare, "__name__", ""), "text")


def _default_text(value: Any, about: About) -> str:
    if about.default is not None:
        return about.default
    if value in (None, (), ""):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def options(settings: type) -> Iterator[Option]:
    """
    The settings of a dataclass whose fields are `Annotated[type, …, About(…)]`, in their order.
    """
    hints = get_type_hints(settings, include_extras=True)
    for field in dataclasses.fields(settings):
        bare, notes = strip(hints[field.name])
        about = next(note for note in notes if isinstance(note, About))
        default = None if field.default is dataclasses.MISSING else field.default
        yield Option(
            name=field.name,
            kind=_kind(bare),
            text=about.text,
            default=default,
            shown_default=_default_text(default, about),
            minimum=next((float(str(note.ge)) for note in notes if isinstance(note, Ge)), None),
            maximum=next((float(str(note.le)) for note in notes if isinstance(note, Le)), None),
            choices=get_args(bare) if get_origin(bare) is Literal else (),
            unit=about.unit,
            live=about.live,
            secret=getattr(bare, "__name__", "") == "Secret",
        )


def needs_restart(before: object, after: object) -> list[str]:
    """
    The settings that differ and do not apply live.
    """
    return [
        option.name
        for option in options(type(before))
        if not option.live and getattr(before, option.name) != getattr(after, option.name)
    ]
