"""
`MockServer`: a server to be started, told what to answer, asked what it saw, and stopped at once.
"""

from __future__ import annotations

import secrets
import warnings
from typing import TYPE_CHECKING, ClassVar, Self

from hermetic.foundation.clock import SystemClock
from hermetic.foundation.stream import stream
from hermetic.world.http.draws import SeededDraws
from hermetic.world.http.errors import (
    BadFaultError,
    NotRunningError,
    ServerError,
)
from hermetic.world.http.hosting import LoopHosting, Run, ThreadHosting
from hermetic.world.http.lifetime import Lifetime
from hermetic.world.http.limits import Limits
from hermetic.world.http.observation import Observation
from hermetic.world.http.options import check_options
from hermetic.world.http.reachability import Reachability
from hermetic.world.http.route import Route
from hermetic.world.http.routing import Routing

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from hermetic.foundation.clock import Clock
    from hermetic.foundation.sink import Sink
    from hermetic.world.http.authority import Authority
    from hermetic.world.http.faults.model import Fault
    from hermetic.world.http.faults.rules import FaultRule
    from hermetic.world.http.listener import Listener
    from hermetic.world.http.matchers import Criteria
    from hermetic.world.http.report import StopReport
    from hermetic.world.http.schedule import Schedule


class MockServer(Routing, Reachability, Observation, Lifetime):
    """
    An HTTP/1.1 server on real sockets, in a thread of its own.

    Usable as a context manager, plain or asynchronous, whose block fails at its end if there were requests that no
    route takes. Routes may be made before, while and after it runs. The settings inherited here hold for all routes.

    Args:
        name: in reports, the ledger, and the seeds of draws; two servers of a test should differ in it.
        host: an address, or several that share the port, such as ("127.0.0.1", "::1").
        port: 0 takes a free one when it first starts; later starts take the same again.
        unix: listen on this path in place of TCP.
        tls: True for a certificate authority of its own, or an `Authority` to share.
        seed: of all draws; None takes a random one, kept in `seed`.
        schedule: an explicit schedule to follow in place of draws.
        in_loop: run on the loop that calls `start`, which the code under test then may distort.
        allow_unmatched: requests without a route are answered with 404 and otherwise ignored. Else the end of the
            `with` block raises `UnmatchedRequestsError`, unless the block failed by itself.
        keep_alive_s: close connections idle for so many seconds; None never does.
        half_close: go on serving a client that has shut down its sending side; else that counts as gone.
        limits: what requests may weigh.
        clock: where time comes from. With a thread of its own it is called from there.
        sink: where the ledger goes; by default into the stream of the process, which a run with a journal keeps.
        loop_factory: makes the loop of the server's thread, such as `uvloop.new_event_loop`.

    Raises:
        BoundsError: an option is nothing that could work, such as a port that is no number.
    """

    scope: ClassVar[str] = "server."

    def __init__(
        self,
        name: str = "server",
        *,
        host: str | tuple[str, ...] = "127.0.0.1",
        port: int = 0,
        unix: str | None = None,
        tls: bool | Authority = False,
        seed: int | None = None,
        schedule: Schedule | None = None,
        in_loop: bool = False,
        allow_unmatched: bool = False,
        keep_alive_s: float | None = None,
        half_close: bool = False,
        limits: Limits | None = None,
        clock: Clock | None = None,
        sink: Sink | None = None,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        Routing.__init__(self, clock=clock or SystemClock())
        Reachability.__init__(self)
        Observation.__init__(self)
        check_options(name=name, host=host, port=port, tls=tls, seed=seed, keep_alive_s=keep_alive_s)
        self.name = name
        self.hosts = (host,) if isinstance(host, str) else tuple(host)
        self.unix = unix
        self.seed = secrets.randbits(32) if seed is None else seed
        self.schedule = schedule
        self.in_loop = in_loop
        self.allow_unmatched = allow_unmatched
        self._port = port
        self._sink = sink or stream
        # Kept over restarts: the first request after one is not the first of the run.
        self._draws = SeededDraws(self.seed, server=name, clock=self.clock, sink=self._sink, schedule=schedule)
        self._tls = tls
        self._authority: Authority | None = None
        self._limits = limits
        self._half_close = half_close
        self._keep_alive_s = keep_alive_s
        self._hosting = LoopHosting(name=name) if in_loop else ThreadHosting(name=name, loop_factory=loop_factory)

    def __repr__(self) -> str:
        state = self.url if self.is_running else "not running"
        core = self._core
        open_now = f"{len(core.connections)} connections, {len(core.exchanges)} in flight" if core else "closed"
        return f"<MockServer {self.name!r} {state}, seed {self.seed} [{len(self._router.routes)} routes | {open_now}]>"

    def __del__(self, _warn: Callable[..., None] = warnings.warn) -> None:
        # A constructor that failed leaves no attributes.
        if getattr(getattr(self, "_hosting", None), "run", None) is not None:
            _warn(f"{self!r} was never stopped", ResourceWarning, source=self, stacklevel=2)

    # ------------------------------------------------------------ where it is

    @property
    def is_running(self) -> bool:
        return self._core is not None

    @property
    def port(self) -> int:
        """
        The port; 0 before the first start if none was given.
        """
        return self._port

    @property
    def url(self) -> str:
        """
        Scheme, address and port, without a slash at the end.

        Raises:
            NotRunningError: there is no port yet.
        """
        if self.unix is None and not self._port:
            raise self._not_running("its address")
        host = self.hosts[0]
        shown = f"[{host}]" if ":" in host else host
        scheme = "https" if self._tls else "http"
        return f"{scheme}://localhost" if self.unix is not None else f"{scheme}://{shown}:{self._port}"

    def url_for(self, path: str = "/") -> str:
        return self.url + (path if path.startswith("/") else f"/{path}")

    @property
    def authority(self) -> Authority:
        """
        The certificate authority of this server; made on first use.

        Raises:
            NotRunningError: the server does not speak TLS.
        """
        if not self._tls:
            raise NotRunningError(server=self.name, asked="its certificate authority", state="made without tls=True")
        if self._authority is None:
            from hermetic.world.http.authority import Authority  # noqa: PLC0415  # cryptography takes 60 ms to import

            self._authority = self._tls if isinstance(self._tls, Authority) else Authority()
        return self._authority

    def _new_route(self, criteria: Criteria, name: str) -> Route:
        route = Route(criteria, name=name, owner=self)
        route.describe_others_with(self._others)
        route.name_connections_with(self.open_connections)
        return route

    # ------------------------------------------------------------ life

    async def start(self) -> Self:
        """
        Listen. Does nothing when it runs.

        Raises:
            PortTakenError: the address is in use.
            StartFailedError: the address cannot be had.
        """
        if isinstance(self._hosting, LoopHosting):
            await self._hosting.start(self._open)
        else:
            self._hosting.start(self._open)
        return self

    def start_blocking(self) -> Self:
        """
        `start` for code without a loop; takes about a millisecond.
        """
        self._threaded("start").start(self._open)
        return self

    async def stop(self) -> StopReport:
        """
        Close the listener, cancel, reset, account. Waits for no handler; does nothing when it does not run.

        Returns:
            What was cut off; of the last stop when it was stopped before.
        """
        if isinstance(self._hosting, LoopHosting):
            return await self._hosting.stop()
        return await self._hosting.stop_waiting()

    def stop_blocking(self) -> StopReport:
        """
        `stop` for code without a loop.
        """
        return self._threaded("stop").stop()

    def _threaded(self, asked: str) -> ThreadHosting:
        if isinstance(self._hosting, LoopHosting):
            raise ServerError(
                f"server {self.name!r} was made with in_loop=True and cannot {asked} without a running loop. "
                f"Use `async with` or `await {asked}()`, or leave in_loop out."
            )
        return self._hosting

    async def _open(self) -> Run:
        # On the server's loop. httptools takes 15 ms to import, so importing this module does not.
        from hermetic.world.http.core import Core  # noqa: PLC0415
        from hermetic.world.http.listener import Listener  # noqa: PLC0415
        from hermetic.world.http.protocol import Connection  # noqa: PLC0415

        core = Core(
            name=self.name,
            router=self._router,
            behaviour=self,
            clock=self.clock,
            sink=self._sink,
            draws=self._draws,
            holds=self.holds,
            unmatched=self._unmatched,
            limits=self._limits or Limits(),
            half_close=self._half_close,
            keep_alive_s=self._keep_alive_s,
        )
        factory: Callable[[], asyncio.Protocol]
        if self._tls:
            from hermetic.world.http.tls_front import TLSFront  # noqa: PLC0415

            authority = self.authority
            # Made now, so that the first connection does not wait for its keys.
            authority.context()
            factory = lambda: TLSFront(core, authority)  # noqa: E731
        else:
            factory = lambda: Connection(core)  # noqa: E731
        listener = Listener(server=self.name, hosts=self.hosts, port=self._port, unix=self.unix, factory=factory)
        for behaviour in (self, *self._router.routes):
            if behaviour.weather is not None:
                behaviour.weather.begin()
        for app in self._apps:
            await app.start()
        listener.open()
        self._port = listener.port
        self._listen_as_told(listener)
        return Run(core, listener, apps=self._apps)

    def _check_phase(self, fault: Fault) -> None:
        if fault.phase == "tls" and not self._tls:
            raise BadFaultError(what=f"{fault.name} on {self.name!r}", why="the server was made without tls=True")
        if fault.phase == "listen" and self.unix is not None and fault.how == "swallow":
            raise BadFaultError(what=f"{fault.name} on a Unix socket", why="only TCP connects can be left unanswered")

    def _add(self, rule: FaultRule) -> None:
        if rule.fault.phase == "listen" and (rule.is_selective or rule.ttl is not None):
            raise BadFaultError(
                what=f"{rule.fault.name} with a rate, client, nth, times, where or ttl",
                why="the listening socket is one for all connections; set and remove the rule, or use cut_on_accept()",
            )
        super()._add(rule)
        self._listening_changed(rule)

    def _remove(self, rule: FaultRule) -> None:
        super()._remove(rule)
        self._listening_changed(rule)

    def _listening_changed(self, rule: FaultRule) -> None:
        run = self._hosting.run
        if rule.fault.phase == "listen" and run is not None:
            self._hosting.carry_out(lambda: self._listen_as_told(run.listener))

    def _listen_as_told(self, listener: Listener) -> None:
        hows = [rule.fault.how for rule in self.rules if rule.fault.phase == "listen"]
        if not hows:
            if listener.mode != "open":
                listener.reopen()
        elif hows[-1] == "refuse":
            listener.refuse()
        else:
            listener.swallow()

    def _not_running(self, asked: str) -> NotRunningError:
        return NotRunningError(server=self.name, asked=asked, state="not running")
