"""
How an address is shown where others can read it.
"""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ip_monitor.domain.addresses import Address

_MAYBE_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)(?![\w:])")


class AddressStyle(StrEnum):
    """
    `PLAIN` shows it, `SPOILER` on a click, `MASKED` only the part that tells the network.
    """

    PLAIN = "plain"
    SPOILER = "spoiler"
    MASKED = "masked"

    def show(self, address: Address) -> str:
        """
        In code format, so that it can be copied and is no link.
        """
        match self:
            case AddressStyle.PLAIN:
                return f"`{address}`"
            case AddressStyle.SPOILER:
                return f"||`{address}`||"
            case AddressStyle.MASKED:
                return f"`{masked(address)}`"

    def hide_in(self, text: str) -> str:
        """
        The text with every address in it hidden, unless this is `PLAIN`. For sentences that are made elsewhere and put
        into code or prose, where a spoiler would not work.
        """
        return text if self is AddressStyle.PLAIN else _MAYBE_ADDRESS.sub(_masked_match, text)


def masked(address: Address) -> str:
    """
    The first half of an IPv4 address or the first two groups of an IPv6 address: enough to tell one operator's network
    from another's, and nobody's line.
    """
    if address.version == 4:
        first, second, *_ = str(address).split(".")
        return f"{first}.{second}.x.x"
    first, second, *_ = address.exploded.split(":")
    return f"{first.lstrip('0') or '0'}:{second.lstrip('0') or '0'}:x"


def _masked_match(match: re.Match[str]) -> str:
    text = match.group()
    kept = text.rstrip(".:") if not text.endswith("::") else text
    try:
        return masked(ipaddress.ip_address(kept)) + text[len(kept) :]
    except ValueError:
        return text
