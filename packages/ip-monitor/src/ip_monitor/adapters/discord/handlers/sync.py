"""
`/sync`: tell Discord the commands again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord.card import Card, Colour
from ip_monitor.adapters.discord.command import Command
from ip_monitor.adapters.discord.reply import Reply
from ip_monitor.adapters.discord.standing import Standing

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.call import Call


async def sync(call: Call) -> Reply:
    """
    Whether they changed or not.
    """
    count = await call.desk.sync()
    return Reply(cards=(Card(title=call.texts("sync.done", count=count), colour=Colour.GOOD),))


COMMANDS = (Command(path=("sync",), standing=Standing.ADMINISTRATOR, handle=sync),)
