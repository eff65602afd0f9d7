"""
A setting's value as text: as the environment would give it, and as a settings file would.
"""

from __future__ import annotations

import json
from typing import Any

from ip_monitor.settings.custom_provider import CustomProvider
from ip_monitor.settings.secret import Secret


def plain(value: Any) -> Any:
    """
    The value as JSON can hold it; a secret as its mask.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case CustomProvider():
            return f"{value.name} {value.shown_url}"
        case [*items]:
            return [plain(item) for item in items]
        case Secret():
            return str(value)
        case _:
            return str(value)


def as_text(value: Any) -> str:
    """
    The value for people, and as the environment takes it.
    """
    match value:
        case None | ():
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case [*items]:
            return ", ".join(str(plain(item)) for item in items)
        case _:
            return str(value)


def as_toml(value: Any) -> str:
    """
    The value of a setting as TOML; JSON's strings, numbers and arrays of strings are TOML's too.

    Source: TOML 1.0.0, Basic strings; RFC 8259, section 7.
    """
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float():
            return f"{value:g}"
        case [*items]:
            return json.dumps([str(item) for item in items], ensure_ascii=False)
        case _:
            return json.dumps(str(value), ensure_ascii=False)
