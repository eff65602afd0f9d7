"""
What all providers of a monitor share: the sessions for HTTP, and the guarded way from host names to addresses.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp

from ip_monitor import __version__
from ip_monitor.adapters.providers.resolver import GuardedResolver, HostRefusedError, look_up
from ip_monitor.adapters.providers.via import open_socket
from ip_monitor.domain.addresses import Address, AddressPolicy, Family

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.domain.way_out import WayOut

ADDRESS_FAMILIES = {Family.V4: socket.AF_INET, Family.V6: socket.AF_INET6}


class HTTPClient:
    """
    The sessions behind all HTTP providers: one for each family, and one more for those that may use private
    addresses. Sessions are made when first used, inside the running loop.

    Args:
        policy: which addresses count as public, for servers too.
        ssl_context: verifies servers; aiohttp's own default when None.
        look_up: the blocking name resolution.
        via: the interface or address to ask from; the system's own choice when None.
    """

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        ssl_context: ssl.SSLContext | None = None,
        look_up: Callable[[str, socket.AddressFamily], list[str]] = look_up,
        via: WayOut | None = None,
    ) -> None:
        self.via = via
        self.policy = policy
        self.ssl_context = ssl_context
        self._trust = ssl_context
        self._look_up = look_up
        self._sessions: dict[tuple[Family, bool], aiohttp.ClientSession] = {}
        self._resolvers: dict[tuple[Family, bool], GuardedResolver] = {}

    async def trust(self) -> ssl.SSLContext:
        """
        What verifies the servers that are asked over TLS alone. Reading the system's certificates takes tens of
        milliseconds, so a thread does it, once.
        """
        if self._trust is None:
            self._trust = await asyncio.to_thread(ssl.create_default_context)
        return self._trust

    def session(self, family: Family, *, allow_private: bool) -> aiohttp.ClientSession:
        key = (family, allow_private)
        if key not in self._sessions:
            connector = aiohttp.TCPConnector(
                family=ADDRESS_FAMILIES[family],
                resolver=self._resolver(family, allow_private=allow_private),
                ssl=self.ssl_context if self.ssl_context is not None else True,
                use_dns_cache=False,
                socket_factory=None if self.via is None else self._socket,
                force_close=True,
                limit=0,
            )
            self._sessions[key] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                # Deadlines are the providers' own; aiohttp's would round them.
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": f"ip-monitor/{__version__}", "Accept-Encoding": "identity", "Accept": "*/*"},
            )
        return self._sessions[key]

    async def connect(self, address: str, port: int, *, kind: socket.SocketKind) -> socket.socket:
        """
        A connected, non-blocking socket that goes `via`.

        Raises:
            OSError: it cannot be connected, or there is no such way out.
        """
        (family, *_, target) = socket.getaddrinfo(address, port, type=kind, flags=socket.AI_NUMERICHOST)[0]
        made = open_socket(self.via, family, kind)
        try:
            await asyncio.get_running_loop().sock_connect(made, target)
        except BaseException:
            made.close()
            raise
        return made

    def _socket(self, info: tuple[int, int, int, str, object]) -> socket.socket:
        return open_socket(self.via, info[0], info[1], info[2])

    def check_literal(self, spec: ProviderSpec) -> None:
        """
        No resolver is asked about an address in a URL, so this is its guard.

        Raises:
            HostRefusedError: the URL of `spec` names an address that is not public, and it may not.
        """
        literal = spec.literal_address
        if literal is not None and not spec.allow_private_address:
            reason = self.policy.refusal(literal)
            if reason is not None:
                raise HostRefusedError(spec.host, str(literal), reason)

    async def resolve(self, spec: ProviderSpec) -> str:
        """
        Where to send to for `spec`: an address of its family that was checked.

        Raises:
            HostRefusedError: it is not public, and may not be.
            OSError: the name has no address of the family.
        """
        self.check_literal(spec)
        if spec.literal_address is not None:
            return str(spec.literal_address)
        found = await self._resolver(spec.family, allow_private=spec.allow_private_address).resolve(spec.host)
        return found[0]["host"]

    def addresses_of(self, spec: ProviderSpec) -> frozenset[Address]:
        """
        Where the server of `spec` was when it was last asked; empty before.
        """
        if spec.literal_address is not None:
            return frozenset({spec.literal_address})
        resolver = self._resolvers.get((spec.family, spec.allow_private_address))
        return resolver.addresses_of(spec.host) if resolver else frozenset()

    async def aclose(self) -> None:
        """
        Close every session. Idempotent; the client may be used again afterwards.
        """
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()

    def _resolver(self, family: Family, *, allow_private: bool) -> GuardedResolver:
        key = (family, allow_private)
        if key not in self._resolvers:
            policy = None if allow_private else self.policy
            self._resolvers[key] = GuardedResolver(ADDRESS_FAMILIES[family], policy=policy, look_up=self._look_up)
        return self._resolvers[key]
