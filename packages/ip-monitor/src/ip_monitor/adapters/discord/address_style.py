"""
How an address is shown where others can read it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from ip_monitor.domain.masking import mask_addresses, masked

if TYPE_CHECKING:
    from ip_monitor.domain.addresses import Address


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
        return text if self is AddressStyle.PLAIN else mask_addresses(text)
