"""
Asking over HTTP and HTTPS with aiohttp.

Each question opens a connection of its own: a kept connection would stay on the line it was opened on, and report the
old address after a switch to another. Proxies from the environment are not used, because their address would come
back. Redirects are refused, cookies are not kept, and no more than 4 KiB of a reply is read.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from ip_monitor.adapters.providers.asking import AskingProvider
from ip_monitor.adapters.providers.client import HTTPClient
from ip_monitor.adapters.providers.replies import Reply, ReplyRefusedError, read_address
from ip_monitor.domain.answers import EVIDENCE_LIMIT_BYTES, FailureKind

if TYPE_CHECKING:
    import aiohttp

    from ip_monitor.domain.addresses import Address

__all__ = ["HTTPClient", "HTTPProvider", "check_status", "read_body"]

_LONGEST_RETRY_AFTER_S = 86_400.0


class HTTPProvider(AskingProvider):
    """
    Asks one URL over HTTP or HTTPS.
    """

    async def _exchange(self, raw: bytearray) -> Address:
        spec = self._spec
        self._client.check_literal(spec)
        session = self._client.session(spec.family, allow_private=spec.allow_private_address)
        async with session.get(spec.url, allow_redirects=False) as response:
            await read_body(response, raw)
            check_status(response, now=self._clock.time())
            if len(raw) > EVIDENCE_LIMIT_BYTES:
                kind = FailureKind.MARKUP if response.content_type == "text/html" else FailureKind.TOO_LARGE
                raise ReplyRefusedError(kind, f"the reply is larger than {EVIDENCE_LIMIT_BYTES} bytes")
            address = read_address(Reply(bytes(raw), response.content_type), spec, self._client.policy)
            # A server that answers with its own address echoes the wrong end. Where private servers are allowed, both
            # ends can well be the same machine.
            if not spec.allow_private_address and address in self._client.addresses_of(spec):
                raise ReplyRefusedError(FailureKind.RULE, f"{address} is the address of the server that was asked")
            return address


async def read_body(response: aiohttp.ClientResponse, raw: bytearray) -> None:
    """
    Read into `raw` until the end, or until there is more than counts.
    """
    async for chunk in response.content.iter_chunked(EVIDENCE_LIMIT_BYTES):
        raw += chunk
        if len(raw) > EVIDENCE_LIMIT_BYTES:
            return


def check_status(response: aiohttp.ClientResponse, *, now: float) -> None:
    """
    Raises:
        ReplyRefusedError: any status but 200.
    """
    status = response.status
    if status == 200:
        return
    retry_after_s = _retry_after(response.headers.get("Retry-After"), now=now)
    if 300 <= status < 400:
        where = response.headers.get("Location", "nowhere")[:80]
        raise ReplyRefusedError(
            FailureKind.REDIRECT, f"status {status}: redirected to {where!r}, which is not followed"
        )
    if status == 511:
        # RFC 6585 section 6: the network itself asks for a login.
        raise ReplyRefusedError(FailureKind.REDIRECT, "status 511: the network wants a login")
    if status == 429:
        raise ReplyRefusedError(FailureKind.RATE_LIMITED, "status 429: asked too often", retry_after_s=retry_after_s)
    raise ReplyRefusedError(FailureKind.STATUS, f"status {status}", retry_after_s=retry_after_s)


def _retry_after(value: str | None, *, now: float) -> float | None:
    """
    Seconds to wait, at most a day; None when absent or unreadable.

    Source: RFC 9110 section 10.2.3, a number of seconds or an HTTP date.
    """
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_RETRY_AFTER_S)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return min(max(0.0, (when - datetime.fromtimestamp(now, UTC)).total_seconds()), _LONGEST_RETRY_AFTER_S)
