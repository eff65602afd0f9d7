"""
`/stop`: end the monitor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord.card import Card, Colour
from ip_monitor.adapters.discord.command import Command
from ip_monitor.adapters.discord.reply import Reply
from ip_monitor.adapters.discord.standing import Standing

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.call import Call


async def stop(call: Call) -> Reply:
    """
    As a stop signal does, once this was answered.
    """
    card = Card(title=call.texts("stop.title"), description=call.texts("stop.text"), colour=Colour.QUIET)

    async def end() -> None:
        await call.desk.admin.watch.stop(by=call.caller.actor)

    return Reply(cards=(card,), afterwards=end)


COMMANDS = (Command(path=("stop",), standing=Standing.ADMINISTRATOR, handle=stop, confirms=True),)
