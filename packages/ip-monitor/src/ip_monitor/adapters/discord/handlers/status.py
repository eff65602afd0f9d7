"""
`/status`: what is known now, and how everything does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord.actions import action
from ip_monitor.adapters.discord.command import Command
from ip_monitor.adapters.discord.handlers.ip import PUBLIC
from ip_monitor.adapters.discord.reply import Button, Reply
from ip_monitor.adapters.discord.standing import Standing
from ip_monitor.adapters.discord.status_card import status_card

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.call import Call
    from ip_monitor.adapters.discord.texts import Texts


async def show(call: Call) -> Reply:
    """
    Asks nobody outside.
    """
    card = await status_card(call.desk, texts=call.texts, style=call.style)
    return Reply(cards=(card,), buttons=buttons(call.texts), public=call.switch("public"))


def buttons(texts: Texts) -> tuple[Button, ...]:
    return (
        Button(label=texts("button.check"), action=action("run", "ip")),
        Button(label=texts("button.why"), action=action("run", "why")),
        Button(label=texts("button.history"), action=action("run", "history")),
    )


COMMANDS = (Command(path=("status",), standing=Standing.MEMBER, handle=show, parameters=(PUBLIC,)),)
