"""
One of Discord's addresses on loopback: TLS in front of aiohttp's server, reachable or not as the test says.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web
from hermetic.world.http.early_data import EarlyData
from hermetic.world.http.listener import Listener

from ip_monitor.testing.discord.resetting import reset

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable


class _Connection(EarlyData, web.RequestHandler):
    """
    aiohttp's, with what the client sends together with the end of its handshake.
    """

    def __init__(self, server: web.Server) -> None:
        # None means no log, as aiohttp's documentation says and its types do not.
        no_log: Any = None
        super().__init__(server, loop=asyncio.get_running_loop(), access_log=no_log)


class Site:
    """
    Args:
        name: for messages, and what tests call it: "rest" or "gateway".
        hosts: the names that lead here.
        tls: with a certificate for these names.
        handler: answers requests.

    Attributes:
        handshakes_failed: clients that did not trust the certificate or went away.
    """

    def __init__(
        self,
        name: str,
        *,
        hosts: tuple[str, ...],
        tls: ssl.SSLContext,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    ) -> None:
        self.name = name
        self.hosts = hosts
        self.handshakes_failed = 0
        self._tls = tls
        self._server: web.Server | None = None
        self._handler = handler
        self._transports: set[asyncio.Transport] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener = Listener(
            server=f"Discord's {name}", hosts=("127.0.0.1",), port=0, unix=None, factory=lambda: _Front(self)
        )

    def __repr__(self) -> str:
        return f"<Site {self.name} [{self._listener.mode}, {len(self._transports)} connections]>"

    @property
    def port(self) -> int:
        return self._listener.port

    @property
    def is_reachable(self) -> bool:
        return self._listener.mode == "open"

    @property
    def is_swallowing(self) -> bool:
        return self._listener.mode == "black hole"

    def serves(self, host: str) -> bool:
        return any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in self.hosts)

    # ------------------------------------------------------------ what a test does to it

    def refuse(self) -> None:
        """
        New connections are refused, those that are open are reset.
        """
        self._listener.refuse()
        self.reset()

    def swallow(self) -> None:
        """
        New connections get no answer at all, those that are open are reset.
        """
        self._listener.swallow()
        self.reset()

    def restore(self) -> None:
        """
        Reachable again.
        """
        self._listener.reopen()

    def reset(self) -> None:
        """
        Reset every open connection, and accept new ones as before.
        """
        for transport in tuple(self._transports):
            reset(transport)

    # ------------------------------------------------------------ running

    def start(self) -> None:
        self._server = web.Server(self._handler, access_log=None)
        self._listener.open()

    async def stop(self) -> None:
        self._listener.close()
        await self._listener.settled()
        self.reset()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._server is not None:
            await self._server.shutdown(0.5)
        # The sockets are closed by the loop's next turn.
        await asyncio.sleep(0)

    def take_over(self, transport: asyncio.Transport) -> None:
        """
        Shake hands on a connection that has said nothing yet, and serve it.
        """
        transport.pause_reading()
        self._transports.add(transport)
        task = asyncio.get_running_loop().create_task(self._shake_hands(transport))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def lost(self, transport: asyncio.Transport) -> None:
        self._transports.discard(transport)

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        if self._server is None:
            raise RuntimeError(f"Discord's {self.name} got a connection before it was started")
        connection = _Connection(self._server)
        try:
            encrypted = await asyncio.get_running_loop().start_tls(transport, connection, self._tls, server_side=True)
        except OSError:
            # ssl.SSLError among them: a client that does not trust us, or is gone.
            self.handshakes_failed += 1
            transport.abort()
        else:
            if encrypted is not None:
                connection.connection_made(encrypted)
        finally:
            self._forget_closed()

    def _forget_closed(self) -> None:
        # After the hand-over TLS reports to aiohttp and no longer to the front.
        self._transports = {each for each in self._transports if not each.is_closing()}


class _Front(asyncio.Protocol):
    def __init__(self, site: Site) -> None:
        self._site = site
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._site.take_over(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        with contextlib.suppress(KeyError):
            if self._transport is not None:
                self._site.lost(self._transport)
