"""
Announcing to a Discord channel through its webhook.

A webhook honours no key, so a notice whose acknowledgement was lost arrives twice.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from yarl import URL

from ip_monitor import __version__
from ip_monitor.adapters.notifiers.posting import Poster, WebhookRefusedError, check_webhook_url
from ip_monitor.domain.wording import duration, headline

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from ip_monitor.domain.notices import Notice

__all__ = ["DiscordWebhookNotifier", "WebhookRefusedError"]

# Source: Discord's documentation, "Execute Webhook": up to 10 embeds, 6,000 characters in all; one of ours has some 300.
_MOST_EMBEDS = 10
_COLOUR_FIRST = 0x3498DB
_COLOUR_CHANGED = 0xE67E22


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
        text = check_webhook_url(
            url,
            allow_plain_http=allow_plain_http,
            remedy="Copy it from the channel's settings, Integrations, Webhooks.",
        )
        self.name = name
        # `wait` makes Discord answer with the stored message instead of before it is stored.
        self._url = URL(text).update_query(wait="true")
        agent = f"DiscordBot (ip-monitor, {__version__})"
        self._poster = Poster("Discord", ssl_context=ssl_context, headers={"User-Agent": agent})

    def __repr__(self) -> str:
        return f"<DiscordWebhookNotifier {self.name!r} at {self._url.host}>"

    async def send(self, notice: Notice) -> None:
        await self._poster.post(self._url, json.dumps(_message(notice)).encode())

    async def send_digest(self, notices: Sequence[Notice]) -> None:
        await self._poster.post(self._url, json.dumps(_digest(notices)).encode())

    async def aclose(self) -> None:
        await self._poster.aclose()


def _digest(notices: Sequence[Notice]) -> dict[str, object]:
    """
    One message for many: the newest changes whole, as many as Discord takes embeds, and how many there were.
    """
    shown = notices[-_MOST_EMBEDS:]
    left_out = len(notices) - len(shown)
    content = f"{len(notices)} changes that waited"
    if left_out:
        content += f"; the first {left_out} are in the history"
    return {
        "content": content,
        "embeds": [_embed(notice) for notice in shown],
        "allowed_mentions": {"parse": []},
    }


def _message(notice: Notice) -> dict[str, object]:
    return {"embeds": [_embed(notice)], "allowed_mentions": {"parse": []}}


def _embed(notice: Notice) -> dict[str, object]:
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
        "title": headline(change)[:256],
        "description": f"<t:{moment}:F> (<t:{moment}:R>)",
        "color": _COLOUR_FIRST if change.is_first else _COLOUR_CHANGED,
        "timestamp": change.at.isoformat(),
        "fields": fields,
        "footer": {"text": f"change {change.key}"},
    }
