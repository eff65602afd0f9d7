"""
Where a server listens, as one text: `127.0.0.1:8787`, `[::1]:8787`, `localhost:8787`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from ip_monitor.errors import IPMonitorError

_LARGEST_PORT = 65_535


class PlaceRefusedError(IPMonitorError, ValueError):
    """
    A text that names no place to listen at.
    """

    def __init__(self, text: str) -> None:
        self.text = text[:80]
        super().__init__(f"{self.text!r} is no address and port; write it like 127.0.0.1:8787 or [::1]:8787.")


@dataclass(frozen=True, slots=True)
class Place:
    """
    Attributes:
        host: an IP address without brackets.
        port: 0 to 65535; with 0 the system chooses a free one.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Names are not resolved, but for `localhost`, which is 127.0.0.1.

        Raises:
            PlaceRefusedError: something else.
        """
        host, mark, port = text.strip().rpartition(":")
        if host.casefold() == "localhost":
            host = "127.0.0.1"
        is_six = host.startswith("[") and host.endswith("]")
        try:
            address = ipaddress.ip_address(host[1:-1] if is_six else host)
        except ValueError as error:
            raise PlaceRefusedError(text) from error
        is_port = bool(mark) and port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= _LARGEST_PORT
        if not is_port or is_six != (address.version == 6):
            raise PlaceRefusedError(text)
        return cls(str(address), int(port))

    @property
    def is_loopback(self) -> bool:
        return ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def is_origin(text: str) -> bool:
    """
    Whether it is an origin as browsers write it: a scheme, a host in small letters, perhaps a port, and nothing more.

    Source: RFC 6454, section 6.2.
    """
    try:
        parts = urlsplit(text)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return False
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return parts.scheme in {"http", "https"} and bool(host) and text == f"{parts.scheme}://{shown}{port}"
