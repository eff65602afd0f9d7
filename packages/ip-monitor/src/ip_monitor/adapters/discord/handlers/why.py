"""
`/why`: the votes behind a verdict or a change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord.announcement import change_card
from ip_monitor.adapters.discord.card import Card, Colour
from ip_monitor.adapters.discord.command import Command
from ip_monitor.adapters.discord.handlers.ip import PUBLIC
from ip_monitor.adapters.discord.parameters import Parameter
from ip_monitor.adapters.discord.reply import Reply
from ip_monitor.adapters.discord.standing import Standing
from ip_monitor.adapters.discord.verdict_card import ballot_card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ip_monitor.adapters.discord.call import Call
    from ip_monitor.adapters.discord.desk import Desk

_OFFERED = 24


async def explain(call: Call) -> Reply:
    """
    The last verdicts, or with a key what decided that change.
    """
    told = await call.desk.admin.watch.why(call.text("change") or None)
    cards: list[Card] = []
    if told.change is not None:
        cards.append(change_card(told.change, texts=call.texts, style=call.style))
    cards += [ballot_card(ballot, texts=call.texts, style=call.style) for ballot in told.ballots]
    if not cards:
        cards.append(Card(title=call.texts("why.title"), description=call.texts("why.none"), colour=Colour.QUIET))
    elif not told.ballots:
        cards.append(Card(description=call.texts("why.forgotten"), colour=Colour.QUIET))
    return Reply(cards=tuple(cards), public=call.switch("public"))


async def _changes(desk: Desk, _given: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    page = await desk.admin.watch.history(limit=_OFFERED)
    shown = [
        (f"{change.at:%Y-%m-%d %H:%M} UTC {change.family.label} {change.key[:8]}", change.key)
        for change in page.changes
    ]
    return [("last", "last"), *shown] if shown else []


COMMANDS = (
    Command(
        path=("why",),
        standing=Standing.MEMBER,
        handle=explain,
        parameters=(Parameter(name="change", minimum=1, suggest=_changes), PUBLIC),
    ),
)
