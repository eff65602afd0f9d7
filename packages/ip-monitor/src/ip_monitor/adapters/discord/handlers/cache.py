"""
`/cache`: what is remembered for a few seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.discord import times
from ip_monitor.adapters.discord.card import Card, Colour, joined
from ip_monitor.adapters.discord.command import Command, Handle
from ip_monitor.adapters.discord.handlers.ip import check_card
from ip_monitor.adapters.discord.quoting import code
from ip_monitor.adapters.discord.reply import Reply
from ip_monitor.adapters.discord.standing import Standing

if TYPE_CHECKING:
    from ip_monitor.adapters.discord.call import Call

_ROOM = 3800


async def show(call: Call) -> Reply:
    """
    Every entry.
    """
    lines = [
        f"{code(f'{entry.namespace}/{entry.key}', 80)} {times.relative(entry.stored_at)} {code(entry.value, 160)}"
        for entry in await call.desk.admin.cache.show()
    ]
    text = joined(lines, _ROOM, more=call.texts.more) or call.texts("cache.empty")
    return Reply(cards=(Card(title=call.texts("cache.title"), description=text, colour=Colour.QUIET),))


async def stats(call: Call) -> Reply:
    """
    How often it helped.
    """
    found = await call.desk.admin.cache.statistics()
    text = call.texts("cache.stats_line", entries=found.size, hits=found.hits, misses=found.misses, loads=found.loads)
    return Reply(cards=(Card(title=call.texts("cache.stats"), description=text, colour=Colour.QUIET),))


async def clear(call: Call) -> Reply:
    """
    Forget everything.
    """
    return _gone(call, await call.desk.admin.cache.clear(by=call.caller.actor))


async def cleanup(call: Call) -> Reply:
    """
    Forget what is too old to be given.
    """
    return _gone(call, await call.desk.admin.cache.cleanup(by=call.caller.actor))


async def refresh(call: Call) -> Reply:
    """
    Ask the world now, whatever is remembered.
    """
    check = await call.desk.admin.cache.refresh(by=call.caller.actor)
    return Reply(cards=(check_card(check, texts=call.texts, style=call.style, is_remembered=False),))


def _gone(call: Call, count: int) -> Reply:
    return Reply(cards=(Card(title=call.texts("cache.gone", count=count), colour=Colour.GOOD),))


def _command(word: str, handle: Handle, *, confirms: bool = False) -> Command:
    return Command(path=("cache", word), standing=Standing.ADMINISTRATOR, handle=handle, confirms=confirms)


COMMANDS = (
    _command("show", show),
    _command("clear", clear, confirms=True),
    _command("stats", stats),
    _command("cleanup", cleanup),
    _command("refresh", refresh),
)
