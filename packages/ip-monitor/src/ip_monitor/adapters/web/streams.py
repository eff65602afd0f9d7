"""
Live updates over server-sent events, to as many as look.

What a client has not taken yet is kept by topic, and the newest of a topic takes the place of an older one. So what waits
for a slow client is bounded by the number of topics, whatever happens, and what it gets late is still the truth.

Source: WHATWG HTML, "Server-sent events".
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from ip_monitor.application.ports import Clock

HEARTBEAT_S = 15.0
MOST_STREAMS = 600
# Answers of one panel arrive within milliseconds of each other; they are one picture.
GATHER_S = 0.05
_BEAT = b": still here\n\n"
# A browser that lost the stream asks again after so long.
RETRY = b"retry: 2000\n\n"


class TooManyStreamsError(IPMonitorError):
    """
    Nobody else can look live; reading works all the same.
    """

    def __init__(self) -> None:
        super().__init__(f"{MOST_STREAMS} streams are open, and more are not held; ask /api/v1/status instead.")


def message(topic: str, data: Any, *, key: str | None = None) -> bytes:
    """
    One event; `key` is what a client that was cut off brings along.
    """
    head = "" if key is None else f"id: {key}\n"
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{head}event: {topic}\ndata: {text}\n\n".encode()


class Stream:
    """
    One client. `variant` says which of the pictures it gets; `is_allowed` whether it still may.
    """

    __slots__ = ("_ended", "_news", "_waiting", "is_allowed", "variant")

    def __init__(self, variant: str, is_allowed: Callable[[], bool]) -> None:
        self.variant = variant
        self.is_allowed = is_allowed
        self._waiting: dict[str, bytes] = {}
        self._news = asyncio.Event()
        self._ended = False

    def put(self, topic: str, data: bytes) -> None:
        self._waiting[topic] = data
        self._news.set()

    def end(self) -> None:
        self._ended = True
        self._news.set()

    async def take(self) -> bytes:
        """
        What there is to send, waiting for it; empty at the end.
        """
        await self._news.wait()
        self._news.clear()
        waiting, self._waiting = self._waiting, {}
        return b"" if self._ended else b"".join(waiting.values())


class Streams:
    """
    Args:
        picture: from a variant and sections to events by topic; called when something changed and somebody looks.
    """

    def __init__(self, picture: Callable[[str, Iterable[str]], Awaitable[dict[str, bytes]]], *, clock: Clock) -> None:
        self._picture = picture
        self._clock = clock
        self._streams: set[Stream] = set()
        self._changed: set[str] = set()
        self._news = asyncio.Event()
        self._last: dict[tuple[str, str], bytes] = {}

    def __len__(self) -> int:
        return len(self._streams)

    def join(self, variant: str, *, is_allowed: Callable[[], bool]) -> Stream:
        """
        Raises:
            TooManyStreamsError: there is no room.
        """
        if len(self._streams) >= MOST_STREAMS:
            raise TooManyStreamsError
        stream = Stream(variant, is_allowed)
        self._streams.add(stream)
        return stream

    def leave(self, stream: Stream) -> None:
        self._streams.discard(stream)

    def tell(self, sections: Iterable[str]) -> None:
        """
        These changed. Returns at once; clients hear of it within `GATHER_S` and the time to draw it.
        """
        self._changed.update(sections)
        self._news.set()

    def review(self) -> None:
        """
        End the streams of those who may not look any more.
        """
        for stream in tuple(self._streams):
            if not stream.is_allowed():
                stream.end()

    def aclose(self) -> None:
        """
        End all streams.
        """
        for stream in self._streams:
            stream.end()

    async def run(self) -> None:
        """
        Send news and heartbeats until cancelled.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send_news(), name="ip-monitor-page-news")
            group.create_task(self._beat(), name="ip-monitor-page-heartbeat")

    async def _send_news(self) -> None:
        while True:
            await self._news.wait()
            await self._clock.sleep(GATHER_S)
            self._news.clear()
            changed, self._changed = self._changed, set()
            self.review()
            variants = {stream.variant for stream in self._streams}
            self._last = {key: data for key, data in self._last.items() if key[0] in variants}
            for variant in variants:
                # A database that cannot be read is told elsewhere; the next event draws anew.
                with contextlib.suppress(IPMonitorError):
                    self._send(variant, await self._picture(variant, changed))

    def _send(self, variant: str, events: dict[str, bytes]) -> None:
        news = {topic: data for topic, data in events.items() if self._last.get((variant, topic)) != data}
        self._last.update({(variant, topic): data for topic, data in news.items()})
        for stream in self._streams:
            if stream.variant == variant:
                for topic, data in news.items():
                    stream.put(topic, data)

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(HEARTBEAT_S)
            self.review()
            for stream in self._streams:
                stream.put("beat", _BEAT)
