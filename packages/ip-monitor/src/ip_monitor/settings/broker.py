"""
Where an MQTT broker is, as one text: `mqtts://user:password@broker.example.net`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

from ip_monitor.errors import IPMonitorError

_PORTS = {"mqtt": 1883, "mqtts": 8883}
# What Home Assistant takes as a part of a topic. Source: Home Assistant, "MQTT discovery", node_id and object_id.
_IDENTITY = re.compile(r"[A-Za-z0-9_-]{1,60}")
_LONGEST_PREFIX = 200


class BrokerRefusedError(IPMonitorError, ValueError):
    """
    A text that names no broker. It may hold a password, so it is not in the message.
    """

    def __init__(self) -> None:
        super().__init__("must be like mqtts://user:password@host or mqtt://host:1883; percent signs escape.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """
    Attributes:
        user, password: None where the broker asks for none.
        is_tls: TLS from the first byte.
    """

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    is_tls: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """
        `mqtts://user:password@host` (port 8883) or `mqtt://…` (port 1883), without a path.

        Raises:
            BrokerRefusedError: of another form.
        """
        try:
            parts = urlsplit(url.strip())
            port, host = parts.port, parts.hostname
        except ValueError as error:
            raise BrokerRefusedError from error
        has_more = parts.path not in {"", "/"} or parts.query or parts.fragment
        # A password without a user is not in the protocol. Source: OASIS, MQTT 3.1.1, section 3.1.2.9.
        is_half = parts.password is not None and not parts.username
        if parts.scheme not in _PORTS or not host or has_more or port == 0 or is_half:
            raise BrokerRefusedError
        return cls(
            host=host,
            port=port or _PORTS[parts.scheme],
            user=unquote(parts.username) if parts.username else None,
            password=None if parts.password is None else unquote(parts.password),
            is_tls=parts.scheme == "mqtts",
        )

    @property
    def is_here(self) -> bool:
        """
        Whether it is on this machine, so that nobody reads on the way.
        """
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def is_identity(text: str) -> bool:
    """
    Whether it can be a part of a topic of Home Assistant's.
    """
    return _IDENTITY.fullmatch(text) is not None


def is_prefix(text: str) -> bool:
    """
    Whether topics can begin with it: no wildcard, no empty level, no control character.

    Source: OASIS, MQTT 3.1.1, section 4.7.
    """
    is_plain = text.isprintable() and not any(mark in text for mark in "+#$")
    return 0 < len(text) <= _LONGEST_PREFIX and is_plain and all(text.split("/"))
