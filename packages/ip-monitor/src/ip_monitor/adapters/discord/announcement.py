"""
How a change is announced: one embed each, or several in one message after an outage.

Its footer carries the change's key. By it the bot knows its own announcements again, see `sink`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ip_monitor.adapters.discord import times
from ip_monitor.adapters.discord.actions import action
from ip_monitor.adapters.discord.card import Card, Colour, Field, joined
from ip_monitor.adapters.discord.quoting import code
from ip_monitor.adapters.discord.reply import Button, Look
from ip_monitor.domain.wording import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.adapters.discord.address_style import AddressStyle
    from ip_monitor.adapters.discord.texts import Texts
    from ip_monitor.domain.changes import Change

MUTE_HOURS = 8
_MOST_OPERATORS = 12
_ROOM_FOR_LINES = 3800
_KEY = r"[0-9A-Za-z-]{1,40}"
_FOOTER = re.compile(rf"[^:]{{1,60}}: ({_KEY})(?: … ({_KEY}))?")


def change_card(change: Change, *, texts: Texts, style: AddressStyle) -> Card:
    """
    One change, whole.
    """
    fields = [Field(texts("change.new"), style.show(change.address), inline=True)]
    if change.previous is not None:
        fields.append(Field(texts("change.old"), style.show(change.previous), inline=True))
    if change.previous_lasted_s is not None:
        fields.append(Field(texts("change.lasted"), duration(change.previous_lasted_s), inline=True))
    if change.operators:
        fields.append(Field(texts("change.agreed"), operators(change.operators)))
    return Card(
        title=texts(_title_of(change), family=change.family.label),
        description=times.both(change.at),
        colour=Colour.NEWS if change.is_first else Colour.CHANGED,
        fields=tuple(fields),
        footer=f"{texts('change.footer')}: {change.key}",
        at=change.at,
    )


def _title_of(change: Change) -> str:
    if change.is_reminder:
        return "change.title.reminder"
    if change.pool:
        return "change.title.pool"
    return "change.title.first" if change.is_first else "change.title"


def change_buttons(change: Change, *, texts: Texts) -> tuple[Button, ...]:
    """
    Check now, why, mute.
    """
    return (
        Button(label=texts("button.check"), action=action("run", "ip")),
        Button(label=texts("button.why"), action=action("run", "why", change=change.key)),
        Button(
            label=texts("button.mute", hours=MUTE_HOURS),
            action=action("run", "notify mute", hours=MUTE_HOURS),
            look=Look.DANGER,
        ),
    )


def digest_card(changes: Sequence[Change], *, texts: Texts, style: AddressStyle) -> Card:
    """
    Several changes, oldest first, a line each. Its footer names the first and the last key.
    """
    return Card(
        title=texts("digest.title", count=len(changes)),
        description=joined((change_line(change, style=style) for change in changes), _ROOM_FOR_LINES, more=texts.more),
        colour=Colour.CHANGED,
        footer=f"{texts('change.footer')}: {changes[0].key} … {changes[-1].key}",
        at=changes[-1].at,
    )


def announcement_card(changes: Sequence[Change], *, texts: Texts, style: AddressStyle) -> Card:
    """
    Of one change, or the digest of several, oldest first.
    """
    if len(changes) == 1:
        return change_card(changes[0], texts=texts, style=style)
    return digest_card(changes, texts=texts, style=style)


def change_line(change: Change, *, style: AddressStyle) -> str:
    """
    One change in one line.
    """
    before = "" if change.previous is None else f"{style.show(change.previous)} → "
    return f"{times.relative(change.at)} {change.family.label} {before}{style.show(change.address)}"


def operators(names: Sequence[str]) -> str:
    """
    Who agreed, each quoted.
    """
    shown = [code(name, 60) for name in names[:_MOST_OPERATORS]]
    return ", ".join([*shown, "…"] if len(names) > _MOST_OPERATORS else shown)


def told_by(footer: str) -> tuple[str, str] | None:
    """
    The first and the last key that an announcement with this footer told of; None for another message.
    """
    match = _FOOTER.fullmatch(footer)
    return None if match is None else (match[1], match[2] or match[1])
