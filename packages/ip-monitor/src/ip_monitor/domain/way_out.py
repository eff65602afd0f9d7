"""
Which way questions leave this machine, where it has several.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from ip_monitor.domain.addresses import Address

# What Linux allows as the name of an interface: up to 15 bytes without a slash or white space.
_INTERFACE = re.compile(r"[A-Za-z0-9._@:-]{1,15}")


class WayOutRefusedError(IPMonitorError, ValueError):
    """
    A text that names neither an interface nor an address.
    """


@dataclass(frozen=True, slots=True)
class WayOut:
    """
    An interface or one of this machine's own addresses, which holds for its family only: exactly one is set.
    """

    interface: str = ""
    address: Address | None = None

    @classmethod
    def parse(cls, text: str) -> WayOut | None:
        """
        `eth0` or `192.0.2.7` as a way out; None for an empty text.

        Raises:
            WayOutRefusedError: of another form.
        """
        stripped = text.strip()
        if not stripped:
            return None
        try:
            return cls(address=ipaddress.ip_address(stripped))
        except ValueError:
            if not _INTERFACE.fullmatch(stripped):
                raise WayOutRefusedError(
                    f"via is {stripped[:40]!r}; name an interface, such as eth0, or an address of this machine."
                ) from None
            return cls(interface=stripped)

    def __str__(self) -> str:
        return self.interface or str(self.address)
