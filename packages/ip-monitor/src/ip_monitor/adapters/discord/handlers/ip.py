"""
`/ip`: ask the world now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord import times
from ip_monitor.adapters.discord.actions import action
from ip_monitor.adapters.discord.announcement import operators
from ip_monitor.adapters.discord.card import Card, Field
from ip_monitor.adapters.discord.command import Command
from ip_monitor.adapters.discord.parameters import Kind, Parameter
from ip_monitor.adapters.discord.reply import Button, Reply
from ip_monitor.adapters.discord.standing import Standing
from ip_monitor.adapters.discord.verdict_card import COLOURS, verdict_line

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.address_style import AddressStyle
    from ip_monitor.adapters.discord.call import Call
    from ip_monitor.adapters.discord.texts import Texts
    from ip_monitor.domain.ballots import Ballot
    from ip_monitor.domain.checks import Check

PUBLIC = Parameter(name="public", kind=Kind.SWITCH)


async def check(call: Call) -> Reply:
    """
    One check, shared with everybody who asks meanwhile.
    """
    done = await call.desk.admin.watch.check_now(by=call.caller.actor)
    card = check_card(done.check, texts=call.texts, style=call.style, is_remembered=done.is_remembered)
    why = Button(label=call.texts("button.why"), action=action("run", "why"))
    return Reply(cards=(card,), buttons=(why,), public=call.switch("public"))


def check_card(check: Check, *, texts: Texts, style: AddressStyle, is_remembered: bool) -> Card:
    """
    What a check found, a field a family.
    """
    lines = [times.relative(check.finished_at)]
    if is_remembered:
        lines.append(texts("ip.remembered"))
    if check.unconfirmed:
        lines.append(texts("ip.unconfirmed", families=", ".join(family.label for family in check.unconfirmed)))
    return Card(
        title=texts(f"verdict.{check.kind.value}"),
        description=" · ".join(lines),
        colour=COLOURS[check.kind],
        fields=tuple(Field(ballot.family.label, _told(ballot, texts, style)) for ballot in check.ballots),
        footer=texts("ip.footer", number=check.number),
        at=check.finished_at,
    )


def _told(ballot: Ballot, texts: Texts, style: AddressStyle) -> str:
    lines = [verdict_line(ballot.verdict, texts=texts, style=style)]
    if ballot.verdict.operators:
        lines.append(f"{texts('change.agreed')}: {operators(ballot.verdict.operators)}")
    return "\n".join(lines)


COMMANDS = (Command(path=("ip",), standing=Standing.MEMBER, handle=check, parameters=(PUBLIC,)),)
