"""
What a person is told when something went wrong: a text, and a short id that the log also has.
"""

from __future__ import annotations

import logging
import math
import secrets
from typing import TYPE_CHECKING

from ip_monitor.adapters.discord.card import Card, Colour
from ip_monitor.adapters.discord.parameters import BadArgumentError
from ip_monitor.adapters.discord.quoting import block, prose
from ip_monitor.adapters.discord.reply import Reply
from ip_monitor.errors import IPMonitorError
from ip_monitor.resilience.rate_limiter import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.adapters.discord.texts import Texts

_LOG = logging.getLogger("ip_monitor")
# Easy to read aloud: no letters that look like digits.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def new_id() -> str:
    """
    Six characters; one in 900 million meets another.
    """
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


def explain(error: Exception, *, texts: Texts, command: str, who: str, make_id: Callable[[], str] = new_id) -> Reply:
    """
    Log an error of a command and make the answer.

    Errors raised on purpose are told in their own words. Of any other only the kind is told, since its text may hold
    what nobody should see; the log has all of it.
    """
    number = make_id()
    if isinstance(error, BadArgumentError):
        # A slip of whoever typed; not worth a line in an operator's log.
        values = {name: prose(str(value), 200) for name, value in error.values.items()}
        return Reply(
            cards=(Card(title=texts("wrong.title"), description=texts(error.key, **values), colour=Colour.BAD),)
        )
    if isinstance(error, RateLimitedError):
        text = texts("limited.text", seconds=math.ceil(error.retry_in_s))
        return Reply(cards=(Card(title=texts("limited.title"), description=text, colour=Colour.QUIET),))
    if isinstance(error, IPMonitorError):
        _LOG.warning("Discord command %s by %s failed [%s]: %s", command, who, number, error)
        described = block(str(error), 1500)
    else:
        _LOG.error("Discord command %s by %s failed [%s]", command, who, number, exc_info=error)
        described = texts("failed.unexpected", kind=type(error).__name__)
    return Reply(
        cards=(
            Card(
                title=texts("failed.title"),
                description=described,
                colour=Colour.BAD,
                footer=texts("failed.footer", number=number),
            ),
        )
    )
