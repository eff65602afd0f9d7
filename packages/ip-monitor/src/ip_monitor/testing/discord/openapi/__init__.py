"""
The part of Discord's OpenAPI document that the double checks against.

`discord.json` is made by `python -m ip_monitor.testing.discord.openapi DOCUMENT` and is never edited by hand. The
document is Discord's own, published under the licence in `LICENSE.discord-api-spec`.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def document() -> dict[str, Any]:
    """
    The subset; read once a process. Nobody may change it.
    """
    text = files(__name__).joinpath("discord.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
