"""
`/history`: the addresses there were, a page at a time.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from ip_monitor.adapters.discord.actions import action
from ip_monitor.adapters.discord.announcement import change_line
from ip_monitor.adapters.discord.card import Card, Colour
from ip_monitor.adapters.discord.command import Command
from ip_monitor.adapters.discord.handlers.ip import PUBLIC
from ip_monitor.adapters.discord.parameters import Kind, Parameter
from ip_monitor.adapters.discord.reply import Attachment, Button, Menu, Reply
from ip_monitor.adapters.discord.standing import Standing
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.wording import duration
from ip_monitor.resilience.clock import utc_now

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.call import Call
    from ip_monitor.domain.changes import Change

PAGE = 10
MOST_PAGES = 90
_FAMILIES = {"both": None, "ipv4": Family.V4, "ipv6": Family.V6}
_MOST_IN_CHART = 1000
PICTURE = "history.png"


async def show(call: Call) -> Reply:
    """
    One page, newest first, with buttons to the ones beside it and a menu for the family.
    """
    page = call.whole("page", 1)
    chosen = call.text("family", "both")
    # Read from the newest on: a change that was confirmed since the page before moves the rows and hides none.
    found = await call.desk.admin.watch.history(family=_FAMILIES[chosen], limit=page * PAGE + 1)
    rows = found.changes[(page - 1) * PAGE : page * PAGE]
    has_older = len(found.changes) > page * PAGE and page < MOST_PAGES
    texts = call.texts
    card = Card(
        title=texts("history.title"),
        description="\n".join(_line(call, change) for change in rows) or texts("history.none"),
        colour=Colour.NEWS,
        footer=texts("history.footer", page=page),
    )
    attachment = None
    if call.switch("chart"):
        card, attachment = await _with_chart(call, card, chosen)
    public = call.switch("public")
    return Reply(
        cards=(card,),
        buttons=_buttons(call, page, chosen, has_older=has_older),
        menu=_menu(call, chosen),
        attachment=attachment,
        public=public,
    )


def _line(call: Call, change: Change) -> str:
    line = change_line(change, style=call.style)
    lasted_s = change.previous_lasted_s
    lasted = "" if lasted_s is None else " " + call.texts("history.lasted", duration=duration(lasted_s))
    return f"{line}{lasted} · `{change.key[:8]}`"


def _buttons(call: Call, page: int, chosen: str, *, has_older: bool) -> tuple[Button, ...]:
    texts = call.texts

    def turn(to: int, **more: object) -> str:
        public = {"public": "1"} if call.switch("public") else {}
        return action("turn", "history", page=to, family=chosen, **public, **more)

    return (
        # Two components of one message may not share a custom id.
        Button(label=texts("button.newest"), action=turn(1, chart="no"), is_off=page == 1),
        Button(label=texts("button.newer"), action=turn(max(1, page - 1)), is_off=page == 1),
        Button(label=texts("button.older"), action=turn(page + 1), is_off=not has_older),
        Button(label=texts("button.chart"), action=turn(page, chart="yes")),
    )


def _menu(call: Call, chosen: str) -> Menu:
    public = {"public": "1"} if call.switch("public") else {}
    choices = tuple((name, call.texts(f"family.{name}")) for name in _FAMILIES)
    return Menu(action=action("turn", "history", **public, pick="family"), choices=choices, chosen=chosen)


async def _with_chart(call: Call, card: Card, chosen: str) -> tuple[Card, Attachment | None]:
    """
    The card with a picture of the last 30 days; where the pictures' library is missing it says so instead.
    """
    found = await call.desk.admin.watch.history(family=_FAMILIES[chosen], limit=_MOST_IN_CHART)
    try:
        from ip_monitor.adapters.discord.chart import draw  # noqa: PLC0415 # brings Pillow, an extra
    except ImportError:
        return replace(card, footer=call.texts("history.no_chart")), None
    now = utc_now(call.desk.clock)
    image = await asyncio.to_thread(draw, found.changes, now=now, title=call.texts("history.chart"), style=call.style)
    return replace(card, image=f"attachment://{PICTURE}"), Attachment(name=PICTURE, content=image)


COMMANDS = (
    Command(
        path=("history",),
        standing=Standing.MEMBER,
        handle=show,
        parameters=(
            Parameter(name="family", choices=tuple(_FAMILIES)),
            Parameter(name="page", kind=Kind.WHOLE, minimum=1, maximum=MOST_PAGES),
            Parameter(name="chart", kind=Kind.SWITCH),
            PUBLIC,
        ),
    ),
)
