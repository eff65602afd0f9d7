"""
Whether something in between answers for the internet: a captive portal.

A plain HTTP question with a known empty reply is asked of two operators. A portal has to answer it itself, with a
redirect or a page, because the question carries no TLS that would stop it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from ip_monitor.adapters.providers.client import HTTPClient
    from ip_monitor.domain.addresses import Family

# Both answer 204 with an empty body.
PROBE_URLS = ("http://cp.cloudflare.com/generate_204", "http://www.gstatic.com/generate_204")


class PortalProbe:
    """
    Args:
        urls: plain HTTP addresses that answer 204 when nothing stands in between.
        timeout_s: for all of them together, seconds.
        allow_private: they may be on addresses that are not public.
    """

    def __init__(
        self,
        client: HTTPClient,
        *,
        urls: tuple[str, ...] = PROBE_URLS,
        timeout_s: float = 3.0,
        allow_private: bool = False,
    ) -> None:
        self._client = client
        self._urls = urls
        self._timeout_s = timeout_s
        self._allow_private = allow_private

    async def is_captive(self, family: Family) -> bool:
        """
        True when every probe that got a reply got another one than 204, and there was one. Silence is not a portal.
        """
        session = self._client.session(family, allow_private=self._allow_private)
        results = await asyncio.gather(*(self._probe(session, url) for url in self._urls))
        answered = [captive for captive in results if captive is not None]
        return bool(answered) and all(answered)

    async def _probe(self, session: aiohttp.ClientSession, url: str) -> bool | None:
        try:
            async with asyncio.timeout(self._timeout_s), session.get(url, allow_redirects=False) as response:
                # A provider's own trouble is no portal.
                return None if response.status >= 500 and response.status != 511 else response.status != 204
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None
