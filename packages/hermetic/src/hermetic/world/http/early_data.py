"""
What a client sends together with the end of its TLS handshake.
"""

from __future__ import annotations

import asyncio
from typing import Any


class EarlyData(asyncio.Protocol):
    """
    To be put before a server's protocol among the bases of a class: what arrives before there is an encrypted transport to
    answer on, as it does before `start_tls` returns, is kept and then delivered.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._early: list[bytes] | None = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        early, self._early = self._early or [], None
        super().connection_made(transport)
        for data in early:
            super().data_received(data)

    def data_received(self, data: bytes) -> None:
        if self._early is None:
            super().data_received(data)
        else:
            self._early.append(data)
