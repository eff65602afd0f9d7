"""
Listening to the kernel: an address or a route of this machine changed, so the public address may have.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from typing import TYPE_CHECKING

from ip_monitor.adapters.network.messages import (
    GROUPS,
    NLMSG_DONE,
    NLMSG_ERROR,
    RTM_GETADDR,
    RTM_GETROUTE,
    dump_request,
    read_fact,
    read_messages,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.resilience.clock import Clock

_LOG = logging.getLogger("ip_monitor")
_NETLINK_ROUTE = 0
_BUFFER_BYTES = 65_536
_DUMP_TIMEOUT_S = 2.0
SETTLE_S = 1.0
"""
A line that comes up changes several things at once; so long after the last of them is asked, seconds.
"""
LEAST_GAP_S = 10.0
"""
Between two alarms, seconds: interfaces that come and go all the time must not have the world asked all the time.
"""


class NetworkWatch:
    """
    Args:
        alarm: called when something changed.
        settle_s, least_gap_s: see `SETTLE_S` and `LEAST_GAP_S`.
    """

    def __init__(
        self,
        alarm: Callable[[], None],
        *,
        clock: Clock,
        settle_s: float = SETTLE_S,
        least_gap_s: float = LEAST_GAP_S,
    ) -> None:
        self._alarm = alarm
        self._clock = clock
        self._settle_s = settle_s
        self._least_gap_s = least_gap_s
        self._facts: set[tuple[object, ...]] = set()
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """
        Until cancelled. Where there is no such socket, as on other systems or in a tight sandbox, it only waits: the
        schedule and the canary do without.
        """
        try:
            listener = _listen()
        except OSError as error:
            _LOG.debug("the kernel tells nothing of addresses and routes here: %s", error)
            await asyncio.Event().wait()
            return
        with listener:
            self._facts = _present()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(listener), name="ip-monitor-netlink")
                group.create_task(self._tell(), name="ip-monitor-network-changes")

    async def _hear(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                data = await loop.sock_recv(listener, _BUFFER_BYTES)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                # More came than the kernel keeps: something changed, and nobody knows what.
                self._facts = _present()
                self._changed.set()
                continue
            if self._learn(data):
                self._changed.set()

    def _learn(self, data: bytes) -> bool:
        is_news = False
        for kind, body in read_messages(data):
            fact = read_fact(kind, body)
            if fact is None or fact.is_there == (fact.key in self._facts):
                continue
            is_news = True
            if fact.is_there:
                self._facts.add(fact.key)
            else:
                self._facts.discard(fact.key)
        return is_news

    async def _tell(self) -> None:
        while True:
            await self._changed.wait()
            while self._changed.is_set():
                self._changed.clear()
                await self._clock.sleep(self._settle_s)
            self._alarm()
            await self._clock.sleep(self._least_gap_s)


def _listen() -> socket.socket:
    """
    Raises:
        OSError: there is no rtnetlink here.
    """
    if not hasattr(socket, "AF_NETLINK"):
        raise OSError(errno.EAFNOSUPPORT, "no netlink sockets on this system")
    listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_ROUTE)
    try:
        listener.bind((0, GROUPS))
        listener.settimeout(0)
    except OSError:
        listener.close()
        raise
    return listener


def _present() -> set[tuple[object, ...]]:
    """
    The addresses and routes there are now. What cannot be read is taken for news when it is told.
    """
    facts: set[tuple[object, ...]] = set()
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_ROUTE) as asker:
            asker.settimeout(_DUMP_TIMEOUT_S)
            for sequence, kind in enumerate((RTM_GETADDR, RTM_GETROUTE), 1):
                asker.send(dump_request(kind, sequence=sequence))
                facts |= _answer(asker)
    except OSError as error:
        _LOG.debug("the kernel does not list addresses and routes: %s", error)
    return facts


def _answer(asker: socket.socket) -> set[tuple[object, ...]]:
    facts: set[tuple[object, ...]] = set()
    while True:
        for kind, body in read_messages(asker.recv(_BUFFER_BYTES)):
            if kind in {NLMSG_DONE, NLMSG_ERROR}:
                return facts
            fact = read_fact(kind, body)
            if fact is not None:
                facts.add(fact.key)
