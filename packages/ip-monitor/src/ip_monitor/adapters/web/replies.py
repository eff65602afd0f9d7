"""
Answers as HTTP sends them: tagged, so that what did not change is not sent again; packed where that is worth it; and with
the headers that keep browsers from doing what the page does not want.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from ip_monitor.adapters.web.static import style
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.resilience.rate_limiter import RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ip_monitor.errors import IPMonitorError

JSON = "application/json"
HTML = "text/html; charset=utf-8"
_WORTH_PACKING_BYTES = 1400


@functools.cache
def security() -> Mapping[str, str]:
    """
    Headers of every answer. Everything comes from here, and nothing may be put in between: no inline script, no frame, no
    other host, and of inline styles the page's own and no other.

    Source: W3C, Content Security Policy Level 3.
    """
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src 'self'; style-src 'self' {style()[1]}; img-src 'self'; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # Not "no-referrer": browsers would then send forms with "Origin: null", which tells nobody that they come from
        # here. Source: WHATWG Fetch, "Append a request Origin header".
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Server": "ip-monitor",
    }


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def tag_of(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def tagged(
    request: web.Request,
    body: bytes,
    kind: str,
    *,
    tag: str | None = None,
    packed: bytes | None = None,
    cache: str = "no-cache",
) -> web.Response:
    """
    The body, or 304 for who has it already; by gzip for who takes it.

    Args:
        request: what is answered.
        body: as it is without packing.
        kind: its Content-Type.
        tag: the entity tag; made from the body by default.
        packed: the body by gzip, where that is known already.
        cache: the Cache-Control header.
    """
    tag = tag or tag_of(body)
    # One tag for both forms would let a cache mix them up, so it is a weak one. Source: RFC 9110, section 8.8.3.
    headers = {"ETag": f"W/{tag}", "Cache-Control": cache, "Vary": "Accept-Encoding, Cookie, Authorization"}
    if tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = kind
    if len(body) >= _WORTH_PACKING_BYTES and "gzip" in request.headers.get("Accept-Encoding", "").lower():
        headers["Content-Encoding"] = "gzip"
        body = packed or gzip.compress(body, 6, mtime=0)
    return web.Response(body=body, headers=headers)


def plain(body: bytes, kind: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """
    An answer that nobody keeps.
    """
    return web.Response(
        status=status, body=body, headers={"Content-Type": kind, "Cache-Control": "no-store", **(headers or {})}
    )


def refusal(status: int, kind: str, text: str, *, headers: dict[str, str] | None = None) -> web.Response:
    """
    Why not, for programs.
    """
    return plain(as_json({"error": {"kind": kind, "text": text}}), JSON, status=status, headers=headers)


def refusal_of(error: IPMonitorError) -> web.Response:
    """
    The answer to what a use case, or a door, refused.
    """
    if isinstance(error, RateLimitedError):
        return refusal(429, "too_often", str(error), headers={"Retry-After": str(max(1, round(error.retry_in_s)))})
    if isinstance(error, StorageUnavailableError):
        return refusal(503, "storage", str(error))
    if isinstance(error, LookupError):
        return refusal(404, "unknown", str(error))
    return refusal(422 if isinstance(error, ValueError) else 409, "refused", str(error))
