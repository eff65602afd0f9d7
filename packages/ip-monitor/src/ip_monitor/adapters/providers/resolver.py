"""
Host names to addresses, for one family, with every address checked before anything connects to it.

The addresses given here are the ones connected to, so what was checked cannot be swapped between check and use. The
system resolver may block for many seconds when the network is away; it runs in a daemon thread that nobody waits
for, so that neither a deadline nor the end of the process has to.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from typing import TYPE_CHECKING

from aiohttp.abc import AbstractResolver, ResolveResult

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.domain.addresses import Address, AddressPolicy

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class HostRefusedError(IPMonitorError, OSError):
    """
    A host that must not be connected to: it is, or resolves to, an address that is not public.
    """

    def __init__(self, host: str, address: str, reason: str) -> None:
        self.host = host
        self.address = address
        self.reason = reason
        super().__init__(
            f"{host} is at {address}, which is no public address: {reason}. "
            "If it is meant, allow it for this provider: --private-address, private_address = true in the file."
        )


def look_up(host: str, family: socket.AddressFamily) -> list[str]:
    """
    The addresses of `host` in one family, as the system resolver gives them. Blocks.
    """
    found = socket.getaddrinfo(host, None, family=family, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class GuardedResolver(AbstractResolver):
    """
    Resolves for one family, whatever family it is asked for.

    Args:
        family: AF_INET or AF_INET6.
        policy: what counts as public; None lets every address pass.
        look_up: a blocking function from host and family to addresses.
    """

    def __init__(
        self,
        family: socket.AddressFamily,
        *,
        policy: AddressPolicy | None,
        look_up: Callable[[str, socket.AddressFamily], list[str]] = look_up,
    ) -> None:
        self._family = family
        self._policy = policy
        self._look_up = look_up
        self._last: dict[str, frozenset[Address]] = {}

    def addresses_of(self, host: str) -> frozenset[Address]:
        """
        What `host` resolved to last; empty before.
        """
        return self._last.get(host, frozenset())

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - the family is forced
    ) -> list[ResolveResult]:
        """
        Raises:
            HostRefusedError: one of its addresses is not public; the others might be reached next time, so all fall.
            OSError: the name cannot be resolved.
        """
        addresses = await _in_daemon_thread(lambda: self._look_up(host, self._family))
        for address in addresses:
            reason = self._policy.refusal(ipaddress.ip_address(address)) if self._policy else None
            if reason is not None:
                raise HostRefusedError(host, address, reason)
        self._last[host] = frozenset(ipaddress.ip_address(address) for address in addresses)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=self._family, proto=0, flags=_NUMERIC)
            for address in addresses
        ]

    async def close(self) -> None:
        pass


async def _in_daemon_thread(work: Callable[[], list[str]]) -> list[str]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[str]] = loop.create_future()

    def settle(result: list[str] | BaseException) -> None:
        if future.done():
            return
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)

    def run() -> None:
        try:
            result: list[str] | BaseException = work()
        except Exception as error:  # noqa: BLE001 - it is raised again where the result is awaited
            result = error
        # The loop may be closed by now: then nobody waits for the result.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=run, daemon=True, name="ip-monitor-resolver").start()
    return await future
