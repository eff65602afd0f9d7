"""
What a button, a menu or a form carries: a verb and its arguments in the custom id of the component.

Nothing is remembered for them. A button works for as long as its message stands, over restarts of the bot and years
later, and a million of them cost no memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

MOST = 100
"""
The longest custom id, characters. Source: Discord's documentation, "Custom ID".
"""
_PREFIX = "ipm"
VERBS = frozenset({"run", "turn", "sure", "no", "form"})


@dataclass(frozen=True, slots=True)
class Action:
    """
    `command` is the words of a command. `verb` is what is done with it: "run" answers with a new message, "turn" in the
    place of the one with the button, "sure" does what was asked about, "no" does not, "form" takes values from a form.
    """

    verb: str
    command: str
    arguments: dict[str, str]

    def __str__(self) -> str:
        return f"{_PREFIX}:{self.verb}:{self.command}:{urlencode(self.arguments)}"

    @property
    def fits(self) -> bool:
        return len(str(self)) <= MOST


def action(verb: str, command: str, **arguments: object) -> str:
    """
    The custom id; the caller keeps it within `MOST`.
    """
    return str(Action(verb, command, {name: str(value) for name, value in arguments.items()}))


def read(custom_id: str) -> Action | None:
    """
    What a custom id says; None for one that is not ours, or is damaged.
    """
    prefix, _, rest = custom_id.partition(":")
    verb, _, rest = rest.partition(":")
    command, mark, query = rest.partition(":")
    if prefix != _PREFIX or not mark or verb not in VERBS:
        return None
    try:
        return Action(verb, command, dict(parse_qsl(query, keep_blank_values=True)))
    except ValueError:
        return None
