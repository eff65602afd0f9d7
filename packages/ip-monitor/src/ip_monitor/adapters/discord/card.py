"""
One embed before it is Discord's, and Discord's limits, by which it is cut. Needs nothing of Discord's library: the webhook
shows the same cards, and runs without it.

Source: Discord's documentation, "Embed Limits", "Create Message", "Component Object".
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ip_monitor.adapters.discord.quoting import cut, units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

MOST_TITLE = 256
MOST_DESCRIPTION = 4096
MOST_FIELDS = 25
MOST_FIELD_NAME = 256
MOST_FIELD_VALUE = 1024
MOST_FOOTER = 2048
MOST_EMBEDS = 10
MOST_IN_ALL = 6000
MOST_CONTENT = 2000


class Colour(IntEnum):
    """
    Of an embed, by state.
    """

    GOOD = 0x2ECC71
    NEWS = 0x3498DB
    CHANGED = 0xE67E22
    BAD = 0xE74C3C
    QUIET = 0x95A5A6


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    value: str
    inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """
    What an embed shows. Texts are Discord's markup already; what comes from outside was quoted by who made the card.
    """

    title: str = ""
    description: str = ""
    colour: Colour = Colour.NEWS
    fields: tuple[Field, ...] = ()
    footer: str = ""
    at: datetime | None = None
    image: str = ""

    @property
    def size(self) -> int:
        """
        What counts towards the 6,000 of a message, in units.
        """
        texts = (self.title, self.description, self.footer, *(part for f in self.fields for part in (f.name, f.value)))
        return sum(units(text) for text in texts)

    def fitted(self, room: int = MOST_IN_ALL) -> Card:
        """
        Within every limit, and at most `room` units in all: fields give way from the end, then the description. What
        would be empty and may not be is left out.
        """
        fields = tuple(
            Field(cut(field.name, MOST_FIELD_NAME), cut_lines(field.value, MOST_FIELD_VALUE), field.inline)
            for field in self.fields
            if field.name.strip() and field.value.strip()
        )
        card = replace(
            self,
            title=cut(self.title, MOST_TITLE),
            description=cut_lines(self.description, MOST_DESCRIPTION),
            fields=fields[:MOST_FIELDS],
            footer=cut(self.footer, MOST_FOOTER),
        )
        while card.fields and card.size > room:
            card = replace(card, fields=card.fields[:-1])
        if card.size > room:
            rest = room - units(card.title) - units(card.footer)
            card = replace(card, description=cut_lines(card.description, max(1, rest)))
        return card

    def payload(self) -> dict[str, Any]:
        """
        As Discord's REST interface takes an embed; `fitted` first.

        Source: Discord's documentation, "Embed Object".
        """
        made: dict[str, Any] = {"type": "rich", "color": int(self.colour)}
        if self.title:
            made["title"] = self.title
        if self.description:
            made["description"] = self.description
        if self.at is not None:
            made["timestamp"] = self.at.isoformat()
        if self.fields:
            made["fields"] = [{"name": one.name, "value": one.value, "inline": one.inline} for one in self.fields]
        if self.footer:
            made["footer"] = {"text": self.footer}
        if self.image:
            made["image"] = {"url": self.image}
        return made


def cut_lines(text: str, limit: int) -> str:
    """
    At most `limit` units, cut at the end of a line where there is one, so that no markup is left open; a block of code
    that loses its end is closed.
    """
    if units(text) <= limit:
        return text
    closing = "\n```" if text.startswith("```") else ""
    head = cut(text, limit - units(closing) - 2)[:-1]
    if "\n" in head.removeprefix("```\n"):
        head = head.rpartition("\n")[0]
    elif not closing:
        # One long line: an odd number of backticks or bars would swallow what follows.
        head = head.replace("`", "").replace("|", "")
    return f"{head}\n…{closing}"


def embeds(cards: Sequence[Card]) -> list[dict[str, Any]]:
    """
    What one message can hold of `cards`: ten, and 6,000 units together. The last ones give way.
    """
    made: list[dict[str, Any]] = []
    room = MOST_IN_ALL
    for card in cards[:MOST_EMBEDS]:
        fitted = card.fitted(room)
        if fitted.size > room or not (fitted.title or fitted.description or fitted.fields):
            break
        room -= fitted.size
        made.append(fitted.payload())
    return made


def joined(lines: Iterable[str], limit: int, *, more: Callable[[int], str]) -> str:
    """
    As many whole lines as fit into `limit` units; when some do not, `more` tells how many.
    """
    every = list(lines)
    total = len(every)
    if not total:
        return ""
    # Lengths of the first lines with a line end each; only these are compared, for there may be thousands of lines.
    lengths = list(accumulate((units(line) + 1 for line in every), initial=0))
    if lengths[total] - 1 <= limit:
        return "\n".join(every)
    for count in range(min(bisect_right(lengths, limit), total) - 1, 0, -1):
        told = more(total - count)
        if lengths[count] + units(told) <= limit:
            return "\n".join([*every[:count], told])
    return cut(more(total), limit)
