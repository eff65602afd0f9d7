"""
Announcing to a Discord channel through its webhook: no bot, no gateway, and nothing of Discord's library.

A webhook honours no key, so a notice whose acknowledgement was lost arrives twice.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from yarl import URL

from ip_monitor import __version__
from ip_monitor.adapters.notifiers.posting import Poster, WebhookRefusedError, check_webhook_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import aiohttp

    from ip_monitor.domain.changes import Change
    from ip_monitor.domain.notices import Notice

__all__ = ["DiscordWebhookNotifier", "WebhookRefusedError"]


class DiscordWebhookNotifier:
    """
    Posts one message for a change, or for several that waited, and returns when Discord has stored it.

    Args:
        url: the webhook's address, a secret: it is in no log and in no error.
        embeds: shows changes, oldest first, as embeds within Discord's limits.
        proxy: URL of an HTTP proxy on the way; that of the environment when None.
        make_connector: gives the session its connector, inside the running loop; aiohttp's own when None.
        allow_plain_http: `http://` is fine, as for a proxy of one's own on the same machine.

    Raises:
        WebhookRefusedError: `url` is no web address, or plain HTTP without leave.
    """

    def __init__(
        self,
        url: str,
        *,
        embeds: Callable[[Sequence[Change]], Sequence[dict[str, Any]]],
        name: str = "discord-webhook",
        proxy: str | None = None,
        make_connector: Callable[[], aiohttp.BaseConnector | None] | None = None,
        allow_plain_http: bool = False,
    ) -> None:
        text = check_webhook_url(
            url,
            allow_plain_http=allow_plain_http,
            remedy="Copy it from the channel's settings, Integrations, Webhooks.",
        )
        self.name = name
        self._embeds = embeds
        # `wait` makes Discord answer with the stored message instead of before it is stored.
        self._url = URL(text).update_query(wait="true")
        agent = f"DiscordBot (ip-monitor, {__version__})"
        self._poster = Poster("Discord", proxy=proxy, make_connector=make_connector, headers={"User-Agent": agent})

    def __repr__(self) -> str:
        return f"<DiscordWebhookNotifier {self.name!r} at {self._url.host}>"

    async def send(self, notice: Notice) -> None:
        await self._tell([notice])

    async def send_digest(self, notices: Sequence[Notice]) -> None:
        await self._tell(notices)

    async def aclose(self) -> None:
        await self._poster.aclose()

    async def _tell(self, notices: Sequence[Notice]) -> None:
        embeds = self._embeds([notice.change for notice in notices])
        message: dict[str, object] = {"embeds": embeds, "allowed_mentions": {"parse": []}}
        await self._poster.post(self._url, json.dumps(message).encode())
