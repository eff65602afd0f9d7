"""
`/help`: what there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord.card import Card, Colour, Field, joined
from ip_monitor.adapters.discord.command import Command
from ip_monitor.adapters.discord.reply import Reply
from ip_monitor.adapters.discord.standing import Standing

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.call import Call

_ROOM = 1000
_HEADS = {
    Standing.STRANGER: "help.everyone",
    Standing.MEMBER: "help.everyone",
    Standing.ADMINISTRATOR: "help.administrators",
}


async def show(call: Call) -> Reply:
    """
    The commands that the caller may use.
    """
    groups: dict[str, list[str]] = {}
    for command in call.desk.commands:
        if command.standing <= call.caller.standing:
            group = f"/{command.path[0]}" if len(command.path) > 1 else _HEADS[command.standing]
            groups.setdefault(group, []).append(f"`/{command.usage}` {call.texts(f'command.{command.name}')}")
    more = call.texts.more
    fields = tuple(
        Field(group if group.startswith("/") else call.texts(group), joined(lines, _ROOM, more=more))
        for group, lines in groups.items()
    )
    is_stranger = call.caller.standing is Standing.STRANGER
    description = call.texts("help.stranger" if is_stranger else "help.text")
    return Reply(cards=(Card(title="IP Monitor", description=description, colour=Colour.NEWS, fields=fields),))


COMMANDS = (Command(path=("help",), standing=Standing.STRANGER, handle=show),)
