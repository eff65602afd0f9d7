"""
The values that a command takes, and judging those it was given: Discord's own checks ran in the client of whoever
called, and a text command had none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from ip_monitor.adapters.discord.quoting import units
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from ip_monitor.adapters.discord.desk import Desk

MOST_NAME = 48
"""
The longest name of a provider or a sink that a command takes, in units.
"""


class Kind(StrEnum):
    """
    Of a parameter's value.
    """

    TEXT = "text"
    WHOLE = "whole"
    SWITCH = "switch"


Value: TypeAlias = str | int | bool
Suggest: TypeAlias = "Callable[[Desk, Mapping[str, str]], Awaitable[Sequence[tuple[str, str]]]]"
"""
From what was typed so far, by parameter, to (label, value) pairs to offer; who calls it keeps those that fit.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """
    One value that a command takes.

    Attributes:
        name: lower case, unique in its command.
        minimum, maximum: of a whole number, inclusive; of a text its length in units.
        choices: the only values a text may have; empty for any.
        suggest: what to offer while a person types.
        long: may span lines and is asked for in a form when it is left out.
    """

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    minimum: int = 0
    maximum: int = MOST_NAME
    choices: tuple[str, ...] = ()
    suggest: Suggest | None = None
    long: bool = False


class BadArgumentError(IPMonitorError, ValueError):
    """
    A value that a command does not take. `key` and `values` name the text that tells a person so.
    """

    def __init__(self, key: str, **values: object) -> None:
        self.key = key
        self.values: Mapping[str, object] = values
        super().__init__(key, values)

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"an argument was refused ({self.key}: {told})"


def parse(parameters: Sequence[Parameter], given: Mapping[str, object], *, usage: str) -> dict[str, Value]:
    """
    The values of a call, by name; those that were left out are missing.

    Args:
        parameters: of the command.
        given: values as they came.
        usage: how the command is written, for the texts of errors.

    Raises:
        BadArgumentError: an unknown, missing or unusable value.
    """
    known = {one.name: one for one in parameters}
    for name in given:
        if name not in known:
            raise BadArgumentError("wrong.unknown", name=name, usage=usage)
    values: dict[str, Value] = {}
    for name, parameter in known.items():
        if name in given:
            values[name] = _value(parameter, given[name])
        elif parameter.required:
            raise BadArgumentError("wrong.missing", name=name, usage=usage)
    return values


def _value(parameter: Parameter, given: object) -> Value:
    match parameter.kind:
        case Kind.SWITCH:
            return _switch(parameter, given)
        case Kind.WHOLE:
            return _whole(parameter, given)
        case Kind.TEXT:
            return _text(parameter, given)


def _switch(parameter: Parameter, given: object) -> bool:
    text = str(given).strip().lower()
    if text in {"true", "yes", "on", "1"}:
        return True
    if text in {"false", "no", "off", "0"}:
        return False
    raise BadArgumentError("wrong.switch", name=parameter.name, value=str(given))


def _whole(parameter: Parameter, given: object) -> int:
    text = str(given).strip()
    # int() takes underscores, other scripts' digits, and for ever on a text of a million digits.
    is_number = text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 12
    if not is_number or not parameter.minimum <= int(text) <= parameter.maximum:
        raise BadArgumentError(
            "wrong.whole", name=parameter.name, value=text, minimum=parameter.minimum, maximum=parameter.maximum
        )
    return int(text)


def _text(parameter: Parameter, given: object) -> str:
    text = str(given).strip()
    if parameter.choices:
        for choice in parameter.choices:
            if text.casefold() == choice.casefold():
                return choice
        raise BadArgumentError("wrong.choice", name=parameter.name, value=text, choices=", ".join(parameter.choices))
    if "\0" in text:
        raise BadArgumentError("wrong.zero", name=parameter.name)
    if not parameter.minimum <= units(text) <= parameter.maximum:
        raise BadArgumentError(
            "wrong.length",
            name=parameter.name,
            length=units(text),
            minimum=parameter.minimum,
            maximum=parameter.maximum,
        )
    return text
