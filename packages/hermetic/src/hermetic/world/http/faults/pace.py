"""
Faults of pace: replies that come, but slowly. Time is the server's clock's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.world.http.faults.model import Fault, count, seconds

if TYPE_CHECKING:
    from hermetic.world.http.outlet import Outlet
    from hermetic.world.http.reply import Reply

# A limited bandwidth is kept by pieces of this length of time.
_TICK_S = 0.05


def slow_drip(*, every: float = 0.1, size: int = 1, head_too: bool = False) -> Fault:
    """
    The body in pieces of `size` bytes, one every so many seconds; each piece resets a client's read time-out.
    With `head_too` the head drips as well.
    """
    seconds(every, fault="slow_drip", name="every")
    count(size, fault="slow_drip", name="size", least=1)

    async def play(out: Outlet, reply: Reply) -> None:
        head, body = out.head(reply), out.body(reply)
        out.call.told(reply)
        slow = body
        if head_too:
            slow = head + body
        else:
            await out.write(head)
        for begin in range(0, len(slow), size):
            await out.sleep(every)
            await out.write(slow[begin : begin + size])
        out.end(reply)

    return Fault("slow_drip", play, settings=(("every", every), ("size", size)))


def bandwidth(bytes_per_s: float) -> Fault:
    """
    No more than so many bytes a second, head and body alike.
    """
    seconds(bytes_per_s, fault="bandwidth", name="bytes_per_s")

    async def play(out: Outlet, reply: Reply) -> None:
        whole = out.head(reply) + out.body(reply)
        out.call.told(reply)
        piece = max(1, int(bytes_per_s * _TICK_S))
        for begin in range(0, len(whole), piece):
            part = whole[begin : begin + piece]
            await out.sleep(len(part) / bytes_per_s)
            await out.write(part)
        out.end(reply)

    return Fault("bandwidth", play, settings=(("bytes_per_s", bytes_per_s),))
