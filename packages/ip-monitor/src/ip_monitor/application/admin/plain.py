"""
What use cases return, as JSON can hold it: for other processes and for the page.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from types import NoneType
from typing import TYPE_CHECKING, Any

from ip_monitor.domain.addresses import Family
from ip_monitor.settings import Option

if TYPE_CHECKING:
    from collections.abc import Callable


def as_plain(value: Any) -> Any:
    """
    Records as objects, addresses and times as texts (RFC 3339, UTC, microseconds); raw evidence is left out.
    """
    for kind, convert in _KINDS:
        if isinstance(value, kind):
            return convert(value)
    if dataclasses.is_dataclass(value):
        return {field.name: as_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return str(value)


def _option(option: Option) -> dict[str, Any]:
    return {"name": option.name, "description": option.text, "takes": option.allowed, "applies_live": option.live}


# In this order: a family and other enumerations are numbers or texts too.
_KINDS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (Family, lambda value: value.label),
    (Enum, lambda value: value.value),
    ((NoneType, bool, int, float, str), lambda value: value),
    (datetime, lambda value: value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")),
    ((IPv4Address, IPv6Address), str),
    (Option, _option),
    (dict, lambda value: {str(as_plain(key)): as_plain(item) for key, item in value.items()}),
    ((list, tuple), lambda value: [as_plain(item) for item in value]),
    (bytes, lambda _: None),
)
