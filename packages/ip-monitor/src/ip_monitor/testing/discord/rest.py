"""
The REST interface: finding the route, checking token and limits, carrying out, and failing on demand.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ip_monitor.testing.discord import refusal
from ip_monitor.testing.discord.calls import Answer, Call, Route, read_body
from ip_monitor.testing.discord.checking import Checking
from ip_monitor.testing.discord.exchanges import Exchange
from ip_monitor.testing.discord.faults import Drop, Fault, FaultRule, Faults, Hang, RateLimit, Scope, Slow, Status
from ip_monitor.testing.discord.limits import Limits
from ip_monitor.testing.discord.nonces import Nonces
from ip_monitor.testing.discord.refusal import Refusal
from ip_monitor.testing.discord.replies import failing, limited, unsent, written
from ip_monitor.testing.discord.resetting import reset
from ip_monitor.testing.discord.routes import ROUTES

if TYPE_CHECKING:
    from aiohttp import web

    from ip_monitor.testing.discord.posting import Posting
    from ip_monitor.testing.discord.world import World

_PREFIX = re.compile(r"^/api(?:/v(?P<version>\d+))?(?P<rest>/.*)$")


class Rest:
    """
    Attributes:
        exchanges: every request so far with its answer, in the order in which they came.
    """

    def __init__(self, world: World, posting: Posting) -> None:
        self.exchanges: list[Exchange] = []
        self.checking = Checking()
        self.limits = Limits(world.clock)
        self.defects: list[Exception] = []
        self.nonces = Nonces(world.clock)
        self.faults = Faults(self._release)
        self._world = world
        self._posting = posting
        self._routes = [(_pattern(route.template), route) for route in ROUTES]
        self._held: dict[FaultRule | None, set[asyncio.Future[None]]] = {}
        self._is_stopping = False

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        found = _PREFIX.match(request.rel_url.raw_path)
        path = found["rest"] if found else request.path
        route, params = self._find(request.method, path)
        name = route.name if route else f"{request.method} {path}"
        exchange = Exchange(request.method, path, name, self._world.clock.monotonic(), query=dict(request.query))
        self.exchanges.append(exchange)
        self._world.pulse.beat()
        rule = self.faults.for_request(f"{request.method} {path}", name)
        fault = rule.take() if rule else None
        exchange.fault = None if fault is None else str(fault)
        try:
            return await self._under(fault, rule, request, exchange, (route, params))
        except ConnectionError:
            # Withheld on demand, or the client is gone.
            raise
        except Exception as error:
            # Told at the end of the test: a 500 alone would look like Discord's trouble.
            self.defects.append(error)
            raise
        finally:
            self._world.pulse.beat()

    async def _under(
        self,
        fault: Fault | None,
        rule: FaultRule | None,
        request: web.BaseRequest,
        exchange: Exchange,
        target: tuple[Route | None, dict[str, str]],
    ) -> web.StreamResponse:
        if isinstance(fault, Status):
            exchange.status = fault.status
            return failing(fault)
        if isinstance(fault, RateLimit):
            exchange.status = 429
            return limited(fault)
        if isinstance(fault, Slow):
            await self._world.clock.sleep(fault.by_s)
        if isinstance(fault, Drop | Hang) and not fault.after:
            return await self._withhold(fault, rule, request)
        verdict = self.limits.judge(exchange.route, target[1])
        if verdict.retry_after_s is not None:
            exchange.status = 429
            scope: Scope = "global" if verdict.is_global else "user"
            return limited(RateLimit(verdict.retry_after_s, scope), verdict.headers)
        answer = await self._answer(request, exchange, *target)
        exchange.answer = answer.body
        if isinstance(fault, Drop | Hang):
            return await self._withhold(fault, rule, request)
        exchange.status = answer.status
        return written(answer, verdict.headers)

    async def _answer(
        self, request: web.BaseRequest, exchange: Exchange, route: Route | None, params: dict[str, str]
    ) -> Answer:
        try:
            if route is None:
                raise refusal.no_such_route()
            exchange.body, files = await read_body(request)
            if not route.is_open and request.headers.get("Authorization") != f"Bot {self._world.token}":
                raise refusal.unauthorized()
            query = dict(request.query)
            self.checking.request(route.name, exchange.body, files, query)
            call = Call(self._world, self._posting, self.nonces, params, query, exchange.body, files)
            answer = await route.handle(call)
            self.checking.answer(route.name, answer)
        except Refusal as refused:
            return Answer(refused.status, refused.payload())
        return answer

    def _find(self, method: str, path: str) -> tuple[Route | None, dict[str, str]]:
        for pattern, route in self._routes:
            if route.method == method and (match := pattern.fullmatch(path)):
                return route, {name: unquote(text) for name, text in match.groupdict().items()}
        return None, {}

    # ------------------------------------------------------------ withholding

    async def _withhold(self, fault: Drop | Hang, rule: FaultRule | None, request: web.BaseRequest) -> web.Response:
        """
        Wait as the fault demands, then reset the connection.
        """
        if isinstance(fault, Hang) and not self._is_stopping:
            await self.hold(rule)
        reset(request.transport)
        return unsent()

    async def hold(self, rule: FaultRule | None = None) -> None:
        """
        Return when the rule is stopped, or the double.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        held = self._held.setdefault(rule, set())
        held.add(future)
        try:
            await future
        finally:
            held.discard(future)

    def stop(self) -> None:
        self._is_stopping = True
        for rule in tuple(self._held):
            self._release(rule)

    def _release(self, rule: FaultRule | None) -> None:
        for future in self._held.get(rule, ()):
            if not future.done():
                future.set_result(None)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))
