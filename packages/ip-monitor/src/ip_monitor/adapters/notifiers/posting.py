"""
One POST to somebody else's server, and what its answer means for a notice.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from yarl import URL

_ANSWER_LIMIT_BYTES = 65_536
_TIMEOUT_S = 10.0


class WebhookRefusedError(IPMonitorError, ValueError):
    """
    A webhook's address that cannot be used. The address itself is a secret and not in the text.
    """


def check_webhook_url(url: str, *, allow_plain_http: bool, remedy: str) -> str:
    """
    The address without surrounding white space.

    Raises:
        WebhookRefusedError: no web address, or plain HTTP without leave; ends with `remedy`.
    """
    schemes = ("http", "https") if allow_plain_http else ("https",)
    text = url.strip()
    try:
        parts = urlsplit(text)
        is_valid = parts.scheme in schemes and bool(parts.hostname) and text.isprintable()
    except ValueError:
        is_valid = False
    if not is_valid:
        listed = " or ".join(f"{scheme}://" for scheme in schemes)
        raise WebhookRefusedError(f"the webhook's address must begin with {listed} and name a host. {remedy}")
    return text


class Poster:
    """
    Posts to one receiver, over one session made at the first use.

    Args:
        receiver: what the texts of errors call it; addresses and headers may be secrets and are in none.
        ssl_context: verifies the server; aiohttp's default when None.
        headers: sent with every request.
        proxy: URL of an HTTP proxy for what goes over TLS; that of the environment when None.
        make_connector: gives the session its connector, in the place of one with `ssl_context`.
    """

    def __init__(
        self,
        receiver: str,
        *,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        proxy: str | None = None,
        make_connector: Callable[[], aiohttp.BaseConnector | None] | None = None,
    ) -> None:
        self._receiver = receiver
        self._ssl_context = ssl_context
        self._proxy = proxy
        self._make_connector = make_connector
        self._headers = dict(headers or {})
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: URL, body: bytes, *, headers: Mapping[str, str] | None = None) -> None:
        """
        Post JSON; returns when the receiver answered with a status of 200 to 299.

        Raises:
            DeliveryFailedError: anything else. Redirects and most of 400 to 499 are for good; the rest may pass.
        """
        sent = {"Content-Type": "application/json", **(headers or {})}
        # What is not encrypted stays on this machine.
        proxy = self._proxy if url.scheme == "https" else None
        try:
            async with self._open().post(url, data=body, headers=sent, proxy=proxy, allow_redirects=False) as response:
                answer = await response.content.read(_ANSWER_LIMIT_BYTES)
                self._judge(response, answer)
        except (aiohttp.ClientError, OSError) as error:
            # Texts of aiohttp's errors may hold the whole address.
            raise DeliveryFailedError(f"{self._receiver} cannot be reached ({type(error).__name__})") from None

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            own = self._make_connector() if self._make_connector is not None else None
            self._session = aiohttp.ClientSession(
                connector=own or aiohttp.TCPConnector(ssl=self._ssl_context if self._ssl_context is not None else True),
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
                trust_env=True,
                headers=self._headers,
            )
        return self._session

    def _judge(self, response: aiohttp.ClientResponse, answer: bytes) -> None:
        status = response.status
        if 200 <= status < 300:
            return
        retry_after_s = _retry_after(response, answer)
        if status == 429:
            raise DeliveryFailedError(f"{self._receiver} asks for patience (429)", retry_after_s=retry_after_s)
        # 408 and 425 ask for the same request again. Source: RFC 9110 section 15.5.9, RFC 8470 section 5.2
        if status in {408, 425} or status >= 500:
            raise DeliveryFailedError(f"{self._receiver} answers {status}", retry_after_s=retry_after_s)
        hint = " It was deleted, or its address is wrong." if status in {401, 403, 404, 410} else ""
        raise DeliveryFailedError(f"{self._receiver} refuses the message ({status}).{hint}", is_permanent=True)


def _retry_after(response: aiohttp.ClientResponse, answer: bytes) -> float | None:
    """
    Seconds to wait. Discord's JSON has fractions; the header has whole seconds.

    Source: Discord's documentation, "Rate Limits"; RFC 9110 section 10.2.3.
    """
    try:
        return max(0.0, float(json.loads(answer)["retry_after"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        header = response.headers.get("Retry-After", "")
        return float(header[:9]) if header.isascii() and header.isdigit() else None
