"""
How answers are written: the headers that clients go by, and the two kinds of 429.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ip_monitor.testing.discord.calls import Answer
    from ip_monitor.testing.discord.faults import RateLimit, Status
    from ip_monitor.testing.discord.messages import Attachment

# discord.py takes a 429 without it for the ban of an address.
_VIA = {"Via": "1.1 google"}
# With a charset parameter discord.py does not read it as JSON.
_JSON = {**_VIA, "Content-Type": "application/json"}


def written(answer: Answer, headers: Mapping[str, str]) -> web.Response:
    if answer.body is None:
        return web.Response(status=answer.status, headers={**_VIA, **headers})
    return web.Response(status=answer.status, body=json.dumps(answer.body).encode(), headers={**_JSON, **headers})


def served(file: Attachment | None) -> web.Response:
    """
    A file by its address, as the content network gives it.
    """
    if file is None:
        return web.Response(status=404, text="This content is no longer available.")
    return web.Response(body=file.data, headers={"Content-Type": file.content_type})


def unsent() -> web.Response:
    """
    For aiohttp, which wants an answer also where the connection is gone already.
    """
    return web.Response(status=500)


def failing(fault: Status) -> web.Response:
    kind, content = fault.content()
    return web.Response(status=fault.status, body=content, headers={**_VIA, "Content-Type": kind})


def limited(fault: RateLimit, headers: Mapping[str, str] | None = None) -> web.Response:
    wait = fault.retry_after_s
    if fault.scope == "cloudflare":
        banned = {"Retry-After": str(max(1, round(wait))), "Content-Type": "text/html"}
        return web.Response(status=429, body=b"<html><title>Access denied | error 1015</title></html>", headers=banned)
    is_global = fault.scope == "global"
    body: dict[str, Any] = {"message": "You are being rate limited.", "retry_after": wait, "global": is_global}
    own = {"Retry-After": f"{wait:.3f}", "X-RateLimit-Scope": fault.scope}
    if is_global:
        own["X-RateLimit-Global"] = "true"
    return web.Response(status=429, body=json.dumps(body).encode(), headers={**_JSON, **(headers or {}), **own})
