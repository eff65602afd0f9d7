"""
Announcing to a Discord channel through its webhook.

A webhook honours no key, so a notice whose acknowledgement was lost arrives twice.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from ip_monitor import __version__
from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.domain.wording import duration, headline
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    import ssl

    from ip_monitor.domain.notices import Notice

_COLOUR_FIRST = 0x3498DB
_COLOUR_CHANGED = 0xE67E22
_ANSWER_LIMIT_BYTES = 65_536


class WebhookRefusedError(IPMonitorError, ValueError):
    """
    A webhook address that cannot be used. The address itself is a secret and not in the text.
    """


class DiscordWebhookNotifier:
    """
    Posts one embed a change and waits for Discord to have stored it.

    Args:
        url: the webhook's address, a secret: it is in no log and in no error.
        ssl_context: verifies the server; aiohttp's default when None.
        allow_plain_http: `http://` is fine, as for a proxy of one's own on the same machine.

    Raises:
        WebhookRefusedError: `url` is no web address, or plain HTTP without leave.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "discord-webhook",
        ssl_context: ssl.SSLContext | None = None,
        allow_plain_http: bool = False,
    ) -> None:
        schemes = {"https", "http"} if allow_plain_http else {"https"}
        try:
            parts = urlsplit(url.strip())
            valid = parts.scheme in schemes and bool(parts.hostname)
        except ValueError:
            valid = False
        if not valid:
            raise WebhookRefusedError(
                f"the webhook's address must begin with {' or '.join(f'{s}://' for s in sorted(schemes))} and name a host. "
                "Copy it from the channel's settings, Integrations, Webhooks."
            )
        self.name = name
        # `wait` makes Discord answer with the stored message instead of before it is stored.
        self._url = URL(url.strip()).update_query(wait="true")
        self._ssl_context = ssl_context
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"<DiscordWebhookNotifier {self.name!r} at {self._url.host}>"

    async def send(self, notice: Notice) -> None:
        try:
            async with self._open_session().post(self._url, json=_message(notice), allow_redirects=False) as response:
                body = await response.content.read(_ANSWER_LIMIT_BYTES)
                self._judge(response, body)
        except (aiohttp.ClientError, OSError) as error:
            # Texts of aiohttp's errors may hold the whole address.
            raise DeliveryFailedError(f"Discord cannot be reached ({type(error).__name__})") from None

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._ssl_context if self._ssl_context is not None else True),
                timeout=aiohttp.ClientTimeout(total=10),
                trust_env=True,
                headers={"User-Agent": f"DiscordBot (ip-monitor, {__version__})"},
            )
        return self._session

    def _judge(self, response: aiohttp.ClientResponse, body: bytes) -> None:
        status = response.status
        if 200 <= status < 300:
            return
        if status == 429:
            raise DeliveryFailedError("Discord asks for patience (429)", retry_after_s=_retry_after(response, body))
        if status in {408, 425} or status >= 500:
            raise DeliveryFailedError(f"Discord answers {status}", retry_after_s=_retry_after(response, body))
        hint = " The webhook was deleted or its address is wrong." if status in {401, 403, 404} else ""
        raise DeliveryFailedError(f"Discord refuses the message ({status}).{hint}", is_permanent=True)


def _message(notice: Notice) -> dict[str, object]:
    change = notice.change
    moment = int(change.at.timestamp())
    fields = [{"name": "New", "value": f"`{change.address}`", "inline": True}]
    if change.previous is not None:
        fields.append({"name": "Old", "value": f"`{change.previous}`", "inline": True})
    if change.previous_lasted_s is not None:
        fields.append({"name": "Old one lasted", "value": duration(change.previous_lasted_s), "inline": True})
    if change.operators:
        fields.append({"name": "Seen by", "value": ", ".join(change.operators)[:1024], "inline": False})
    return {
        "embeds": [
            {
                "title": headline(change)[:256],
                "description": f"<t:{moment}:F> (<t:{moment}:R>)",
                "color": _COLOUR_FIRST if change.is_first else _COLOUR_CHANGED,
                "timestamp": change.at.isoformat(),
                "fields": fields,
                "footer": {"text": f"change {change.key}"},
            }
        ],
        "allowed_mentions": {"parse": []},
    }


def _retry_after(response: aiohttp.ClientResponse, body: bytes) -> float | None:
    """
    Seconds to wait. Discord's JSON has fractions; the header has whole seconds.

    Source: Discord's documentation, "Rate Limits".
    """
    try:
        value = json.loads(body)["retry_after"]
        return max(0.0, float(value))
    except (ValueError, TypeError, KeyError, RecursionError):
        header = response.headers.get("Retry-After", "")
        return float(header[:9]) if header.isascii() and header.isdigit() else None
