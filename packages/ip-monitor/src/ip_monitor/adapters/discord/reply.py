"""
What a command answers, before it is a message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ip_monitor.adapters.discord.card import Card


class Look(Enum):
    """
    Of a button, by what it does.
    """

    PLAIN = 2
    GOOD = 3
    DANGER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """
    `action` comes back when it is pressed, see `actions`.
    """

    label: str
    action: str
    look: Look = Look.PLAIN
    is_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """
    One of several to choose from. `choices` are (value, label); `chosen` is the value shown.
    """

    action: str
    choices: tuple[tuple[str, str], ...]
    chosen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """
    One line or area of a form.
    """

    name: str
    label: str
    value: str = ""
    hint: str = ""
    required: bool = True
    maximum: int = 4000
    is_area: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """
    A window with up to five inputs; `action` comes back with their values.
    """

    title: str
    action: str
    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """
    A file that goes with a message.
    """

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    Attributes:
        cards: what is shown.
        buttons: in rows of five.
        public: for everybody in the channel; else only for who asked.
        afterwards: done once the answer was given.
        form: opened in place of a message, where the way of the call allows it.
    """

    cards: tuple[Card, ...] = ()
    buttons: tuple[Button, ...] = ()
    menu: Menu | None = None
    attachment: Attachment | None = None
    public: bool = False
    afterwards: Callable[[], Awaitable[None]] | None = None
    form: Form | None = None
