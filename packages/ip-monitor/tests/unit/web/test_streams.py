"""
Live updates: what waits is bounded, what is sent is the newest, and who may not look is sent away.
"""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from ip_monitor.adapters.web.streams import GATHER_S, HEARTBEAT_S, MOST_STREAMS, Streams, TooManyStreamsError, message
from ip_monitor.application.ports import StorageUnavailableError


class Clock:
    """
    Each sleep ends when the test says so.
    """

    def __init__(self):
        self.gates = {GATHER_S: asyncio.Semaphore(0), HEARTBEAT_S: asyncio.Semaphore(0)}

    async def sleep(self, delay):
        await self.gates[delay].acquire()

    def pass_(self, delay):
        self.gates[delay].release()


@contextlib.asynccontextmanager
async def running(picture):
    clock = Clock()
    streams = Streams(picture, clock=clock)
    task = asyncio.create_task(streams.run())
    try:
        yield streams, clock
    finally:
        task.cancel()
        await asyncio.wait([task])


def look(streams, variant="json", *, is_allowed=lambda: True):
    return streams.join(variant, is_allowed=is_allowed)


async def taken(stream):
    async with asyncio.timeout(10):
        return await stream.take()


async def test_what_happens_together_is_drawn_once_for_each_kind_of_reader():
    """
    However many events there were and however many look.
    """
    drawn = []

    async def picture(variant, sections):
        drawn.append((variant, sorted(sections)))
        return {"status": f"{variant} {len(drawn)}".encode()}

    async with running(picture) as (streams, clock):
        first, second, other = look(streams), look(streams), look(streams, "html")
        streams.tell(["address"])
        streams.tell(["address", "log"])
        clock.pass_(GATHER_S)
        found = [await taken(one) for one in (first, second, other)]

    assert sorted(drawn) == [("html", ["address", "log"]), ("json", ["address", "log"])]
    assert found[0] == found[1] != found[2]


async def test_a_slow_client_gets_the_newest_and_not_all_that_was():
    """
    What waits for it is one event of each topic.
    """
    async with running(None) as (streams, _):
        stream = look(streams)
        for number in range(10_000):
            stream.put("status", b"%d" % number)
        stream.put("change", b" c")

        assert await taken(stream) == b"9999 c"


async def test_the_same_again_is_not_sent():
    """
    A section that was drawn anew and looks as before is no news.
    """

    async def picture(_variant, sections):
        return {name: name.encode() for name in sections}

    async with running(picture) as (streams, clock):
        stream = look(streams)
        for sections in (["log"], ["log", "health"]):
            streams.tell(sections)
            clock.pass_(GATHER_S)
            found = await taken(stream)

    assert found == b"health"


async def test_a_quiet_stream_has_a_heartbeat():
    """
    So that proxies keep it, and the dead are noticed.
    """
    async with running(None) as (streams, clock):
        stream = look(streams)
        clock.pass_(HEARTBEAT_S)

        assert await taken(stream) == b": still here\n\n"


async def test_who_may_not_look_any_more_is_sent_away():
    """
    At the next news or heartbeat.
    """
    allowed = True
    async with running(None) as (streams, clock):
        stream = look(streams, is_allowed=lambda: allowed)
        allowed = False
        clock.pass_(HEARTBEAT_S)

        assert await taken(stream) == b""


async def test_there_are_only_so_many():
    """
    The next one is told where to ask instead; when one leaves there is room.
    """
    streams = Streams(None, clock=Clock())
    some = [look(streams) for _ in range(MOST_STREAMS)]
    with pytest.raises(TooManyStreamsError, match="ask /api/v1/status instead"):
        look(streams)
    streams.leave(some[0])

    assert look(streams)


async def test_a_database_that_cannot_be_read_ends_no_stream():
    """
    The next event draws anew.
    """
    broken = True

    async def picture(_variant, _sections):
        if broken:
            raise StorageUnavailableError("disk is full")
        return {"status": b"well"}

    async with running(picture) as (streams, clock):
        stream = look(streams)
        streams.tell(["address"])
        clock.pass_(GATHER_S)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        broken = False
        streams.tell(["address"])
        clock.pass_(GATHER_S)

        assert await taken(stream) == b"well"


def test_an_event_is_written_as_browsers_read_it():
    """
    Lines of its own for id, name and data, and an empty one at its end; no line break of the data can end it early.
    """
    assert (
        message("change", {"a": "b\n\nevent: x"}, key="7") == b'id: 7\nevent: change\ndata: {"a":"b\\n\\nevent: x"}\n\n'
    )
