"""
Application commands as a bot registered them, and what a user's client makes of them: the list it offers, and the
options it checks before it sends anything.

Source: Discord developer documentation, Interactions / Application Commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ip_monitor.testing.discord.errors import NotOfferedError, WrongInputError
from ip_monitor.testing.discord.people import Role, User
from ip_monitor.testing.discord.permissions import Permission
from ip_monitor.testing.discord.places import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBCOMMAND, GROUP = 1, 2
STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(3, 12)
_STRING_MOST = 6000
_SAFE_INTEGER = 2**53


@dataclass(frozen=True, slots=True)
class Command:
    """
    One registered command; `data` is as the REST interface answers it.
    """

    id: int
    guild_id: int | None
    data: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.data["name"])

    @property
    def type(self) -> int:
        return int(self.data["type"])

    def is_offered(self, *, permissions: Permission, is_direct: bool) -> bool:
        """
        Whether a client with these permissions lists it there.
        """
        if is_direct and (self.guild_id is not None or not self._in_direct):
            return False
        needed = self.data["default_member_permissions"]
        if is_direct or needed is None:
            return bool(permissions & Permission.USE_APPLICATION_COMMANDS)
        wanted = Permission(int(needed))
        if not permissions & Permission.USE_APPLICATION_COMMANDS:
            return False
        if permissions & Permission.ADMINISTRATOR:
            return True
        return int(needed) != 0 and permissions & wanted == wanted

    @property
    def _in_direct(self) -> bool:
        contexts = self.data.get("contexts")
        return bool(self.data.get("dm_permission", True)) if contexts is None else 1 in contexts


def leaf(command: Command, path: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """
    The subcommands on the way to the end of `path`, and the options there.

    Raises:
        NotOfferedError: there is no such subcommand, or the path stops before the last.
    """
    steps: list[dict[str, Any]] = []
    options: list[dict[str, Any]] = command.data.get("options", [])
    for word in path[1:]:
        step = next((o for o in options if o["name"] == word and o["type"] in {SUBCOMMAND, GROUP}), None)
        if step is None:
            raise _no_subcommand(path, options)
        steps.append(step)
        options = step.get("options", [])
    if any(option["type"] in {SUBCOMMAND, GROUP} for option in options):
        raise _no_subcommand(path, options)
    return steps, options


def _no_subcommand(path: list[str], options: list[dict[str, Any]]) -> NotOfferedError:
    known = tuple(sorted(o["name"] for o in options if o["type"] in {SUBCOMMAND, GROUP}))
    return NotOfferedError(wanted="/" + " ".join(path), offered=known)


def filled(options: list[dict[str, Any]], given: Mapping[str, Any], *, focused: str | None = None) -> list[Any]:
    """
    The options of an interaction, checked as a user's client checks them. With `focused` the user is still typing
    that one, and nothing is checked but names and types.

    Raises:
        WrongInputError: an option is unknown, missing, or has a value that the client would not send.
    """
    known = {str(option["name"]): option for option in options}
    for name in given:
        if name not in known:
            raise WrongInputError(what=f"option {name!r}", why=f"the command has {', '.join(known) or 'no options'}")
    missing = [name for name, option in known.items() if option.get("required") and name not in given]
    if missing and focused is None:
        raise WrongInputError(what=f"option {missing[0]!r}", why="it is required")
    made: list[Any] = []
    for name, value in given.items():
        option = known[name]
        if focused is None:
            _check(option, value)
        entry: dict[str, Any] = {"name": name, "type": option["type"], "value": wire_value(value)}
        if name == focused:
            # A client sends what has been typed so far as text, whatever the option's type is.
            entry |= {"focused": True, "value": str(value)}
        made.append(entry)
    return made


def wire_value(value: Any) -> Any:
    return str(value.id) if isinstance(value, User | Channel | Role) else value


def _check(option: dict[str, Any], value: Any) -> None:
    wrong = _wrong_type(int(option["type"]), value) or _out_of_bounds(option, value)
    choices = [choice["value"] for choice in option.get("choices") or ()]
    if not wrong and choices and value not in choices:
        wrong = f"the choices are {', '.join(map(repr, choices))}"
    if wrong:
        raise WrongInputError(what=f"{option['name']}={value!r}", why=wrong)


def _wrong_type(kind: int, value: Any) -> str | None:
    wanted: dict[int, tuple[type, ...]] = {
        STRING: (str,),
        INTEGER: (int,),
        BOOLEAN: (bool,),
        USER: (User,),
        CHANNEL: (Channel,),
        ROLE: (Role,),
        MENTIONABLE: (User, Role),
        NUMBER: (int, float),
    }
    types = wanted.get(kind)
    if types is None:
        return "the double cannot fill an option of this type"
    if not isinstance(value, types) or (isinstance(value, bool) and kind != BOOLEAN):
        return f"it takes {' or '.join(t.__name__ for t in types)}"
    return None


def _out_of_bounds(option: dict[str, Any], value: Any) -> str | None:
    if isinstance(value, str):
        least, most = int(option.get("min_length") or 0), int(option.get("max_length") or _STRING_MOST)
        return None if least <= len(value) <= most else f"its length is from {least} to {most}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    low, high = option.get("min_value"), option.get("max_value")
    low = -_SAFE_INTEGER if low is None else low
    high = _SAFE_INTEGER if high is None else high
    return None if low <= value <= high else f"it lies from {low} to {high}"
