"""
One WebSocket between a client and the gateway: frames in and out, in order, compressed as the client asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web

    from ip_monitor.testing.discord.compression import Stream
    from ip_monitor.testing.discord.sessions import Session


class GatewayConnection:
    """
    Attributes:
        session: None until IDENTIFY or RESUME.
        is_ending: the double closes it, so the close code says nothing about what the client wants.
        is_silent: nothing is sent any more, not even acknowledgements; what is waiting is kept.
    """

    def __init__(self, socket: web.WebSocketResponse, stream: Stream) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.heartbeats = 0
        self.is_ending = False
        self._audible = asyncio.Event()
        self._audible.set()
        self._stream = stream
        self._waiting: asyncio.Queue[dict[str, Any] | int] = asyncio.Queue()

    @property
    def is_silent(self) -> bool:
        return not self._audible.is_set()

    def send(self, payload: dict[str, Any]) -> None:
        self._waiting.put_nowait(payload)

    def close_soon(self, code: int) -> None:
        """
        Close with this code after everything sent so far.
        """
        self.is_ending = True
        self._waiting.put_nowait(code)

    def silence(self) -> None:
        self._audible.clear()

    def speak(self) -> None:
        self._audible.set()

    async def write(self) -> None:
        """
        Send what is waiting, until the connection is closed.
        """
        while True:
            item = await self._waiting.get()
            await self._audible.wait()
            with contextlib.suppress(ConnectionError):
                if isinstance(item, int):
                    # Not awaiting the client's own close: it may be gone, and the reader sees it anyway.
                    await self.socket.close(code=item, drain=False)
                    return
                frame = self._stream.compress(json.dumps(item))
                if isinstance(frame, str):
                    await self.socket.send_str(frame)
                else:
                    await self.socket.send_bytes(frame)
