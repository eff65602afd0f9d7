"""
Addresses shown to people who need not know the whole of them.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ip_monitor.domain.addresses import Address

_MAYBE_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)(?![\w:])")


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


def mask_addresses(text: str) -> str:
    """
    The text with every address in it masked. What only looks like one, as a time does, stays.
    """
    return _MAYBE_ADDRESS.sub(_masked_match, text)


def _masked_match(match: re.Match[str]) -> str:
    text = match.group()
    kept = text.rstrip(".:") if not text.endswith("::") else text
    try:
        return masked(ipaddress.ip_address(kept)) + text[len(kept) :]
    except ValueError:
        return text
