"""
What an error of Discord or of the way to it means for a message: keep it and try again, or give it up.

Source: Discord's documentation, "JSON Error Codes"; what discord.py raises was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from ip_monitor.adapters.discord.quoting import clean, cut
from ip_monitor.application.ports import DeliveryFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

# A token that was refused is not offered again soon: Discord bans addresses that keep sending a wrong one.
TOKEN_PAUSE_S = 300.0
_REMEDIES: Mapping[int, str] = {
    10003: "the channel does not exist (any more). Set discord_channel to another one.",
    10013: "the user does not exist. Look at discord_recipients.",
    50001: "the bot has no access to the channel. Give it View Channel there.",
    50007: "the user takes no direct messages from the bot. They must share a server with it and allow them.",
    50013: "the bot lacks a permission in the channel. Give it View Channel, Send Messages and Embed Links there.",
    50278: "the user takes no direct messages from the bot. They must share a server with it and allow them.",
}
_UNKNOWN_MESSAGE = 10008


def is_gone(error: BaseException) -> bool:
    """
    Whether the message that was asked for was deleted. Sending answers so too, when a message of the same nonce was
    sent and then deleted by somebody.
    """
    return isinstance(error, discord.NotFound) and error.code == _UNKNOWN_MESSAGE


def judge(error: Exception) -> DeliveryFailedError:
    """
    The failure that the delivery understands. Its text holds no token and no content.
    """
    match error:
        case DeliveryFailedError():
            return error
        case discord.LoginFailure():
            return _token_refused()
        case discord.RateLimited():
            return DeliveryFailedError("Discord asks for patience (429)", retry_after_s=error.retry_after)
        case discord.HTTPException():
            return _judge_status(error)
        case _:
            return DeliveryFailedError(f"Discord cannot be reached ({type(error).__name__})")


def _judge_status(error: discord.HTTPException) -> DeliveryFailedError:
    status = error.status
    if status == 401:
        return _token_refused()
    if status == 429:
        return DeliveryFailedError("Discord asks for patience (429)", retry_after_s=_retry_after(error))
    if status >= 500 or status in {408, 425}:
        return DeliveryFailedError(f"Discord answers {status}")
    said = _REMEDIES.get(error.code, cut(clean(error.text.partition("\n")[0]), 120) or "no reason given")
    return DeliveryFailedError(f"Discord refuses the message ({status}, code {error.code}): {said}", is_permanent=True)


def _token_refused() -> DeliveryFailedError:
    return DeliveryFailedError(
        "Discord refuses the token. Reset it in the developer portal and put the new one in place.",
        retry_after_s=TOKEN_PAUSE_S,
    )


def _retry_after(error: discord.HTTPException) -> float | None:
    """
    What a 429 that did not come from Discord's own gate says, seconds.
    """
    header = str(error.response.headers.get("Retry-After", ""))
    return float(header[:9]) if header.isascii() and header.isdigit() else None
