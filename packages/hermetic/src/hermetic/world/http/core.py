"""
The server as it lives on its loop: its connections, the requests in flight, and their common end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hermetic.world.http import reply as replies
from hermetic.world.http.behaviour import Behaviour, Plan, decide
from hermetic.world.http.decisions import ExchangeEnded
from hermetic.world.http.exchange import Exchange
from hermetic.world.http.outlet import Outlet
from hermetic.world.http.reply import Reply
from hermetic.world.http.report import InFlight, StopReport, Swallowed
from hermetic.world.http.shapes import Moment
from hermetic.world.http.wire import DateLine, Framing

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from hermetic.foundation.clock import Clock
    from hermetic.foundation.sink import Sink
    from hermetic.world.http.calls import Call, CallLog
    from hermetic.world.http.draws import SeededDraw, SeededDraws
    from hermetic.world.http.faults.model import Fault
    from hermetic.world.http.holds import Holds
    from hermetic.world.http.limits import Limits
    from hermetic.world.http.protocol import Connection
    from hermetic.world.http.request import Request
    from hermetic.world.http.route import Route
    from hermetic.world.http.router import Router

UNMATCHED = "(unmatched)"
# How long cancelled handlers may take to end before they are reported; and how often they are told again.
GRACE_S = 0.02
_TELLINGS = 3
# A TLS connection takes two turns to lose its transport after it was aborted; a few more cost nothing.
_TURNS = 20
_NO_PLAN = Plan()


class Core:
    """
    Made by `MockServer.start`, gone with its stop. Everything here happens on one loop.
    """

    def __init__(
        self,
        *,
        name: str,
        router: Router,
        behaviour: Behaviour,
        clock: Clock,
        sink: Sink,
        draws: SeededDraws,
        holds: Holds,
        unmatched: CallLog,
        limits: Limits,
        half_close: bool,
        keep_alive_s: float | None,
    ) -> None:
        self.name = name
        self.limits = limits
        self.half_close = half_close
        self.keep_alive_s = keep_alive_s
        self.router = router
        self.behaviour = behaviour
        self.clock = clock
        self.sink = sink
        self.draws = draws
        self.holds = holds
        self.unmatched = unmatched
        self.rejected: list[tuple[int, str]] = []
        self.connections: set[Connection] = set()
        self.exchanges: set[Exchange] = set()
        self.requests = 0
        self.accepted = 0
        self.started_at_s = clock.monotonic()
        self.is_stopping = False
        self._loop = asyncio.get_running_loop()
        self._date = DateLine(clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._forced: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ what connections ask

    def next_connection(self) -> int:
        self.accepted += 1
        return self.accepted

    def opened(self, connection: Connection) -> bool:
        self.connections.add(connection)
        if self.is_stopping:
            connection.reset()
            return False
        # An encrypted connection has met its fate before its handshake.
        if not connection.is_tls and not self.behaviour.is_plain:
            fault, delay_s = self.fate_of_connection()
            if fault is not None:
                self.cut(connection, fault)
                return False
            if delay_s and connection.transport is not None:
                connection.transport.pause_reading()
                self.background(self._read_later(connection, delay_s))
        return True

    def fate_of_connection(self) -> tuple[Fault | None, float]:
        """
        The fault that strikes a new connection, or None, and the seconds to hold it before anything is read.
        """
        rules = [rule for rule in self.behaviour.rules if rule.fault.phase in {"accept", "tls"}]
        delays = self.behaviour.delays
        if not rules and (delays is None or delays.connect is None):
            return None, 0.0
        now = self.clock.monotonic()
        draw = self.draws.next_of("connection", route="(connection)")
        struck = [rule.fault for rule in rules if rule.strikes(None, draw, now_s=now)]
        return (struck[0] if struck else None), (0.0 if delays is None else delays.plan(draw, "connect"))

    def cut(self, connection: Connection, fault: Fault) -> None:
        """
        End a fresh connection as the fault says.
        """
        if fault.how.endswith("rst"):
            connection.reset()
        else:
            connection.close_politely()

    async def _read_later(self, connection: Connection, delay_s: float) -> None:
        await self.clock.sleep(delay_s)
        if connection.transport is not None and not connection.transport.is_closing():
            connection.transport.resume_reading()

    def background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """
        A task that ends with the server.
        """
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def closed(self, connection: Connection) -> None:
        self.connections.discard(connection)

    def begin(self, connection: Connection, request: Request) -> Exchange | Held | None:
        if self.holds.in_force and self.holds.is_held(request.client, "requests"):
            held = Held(self, connection, request)
            self._tasks.add(held.task)
            held.task.add_done_callback(self._task_done)
            return held
        return self.serve(connection, request)

    def serve(self, connection: Connection, request: Request) -> Exchange | None:
        """
        The request has arrived.
        """
        now = self.clock.monotonic()
        route = self.router.find(request)
        if route is None:
            self._answer_unmatched(connection, request, now)
            return None
        call = route.log.add(request, at_s=now)
        draw = self.draws.draw_for(request, route=route.name)
        answer = route.advance()
        plan = _NO_PLAN
        if not (route.is_plain and self.behaviour.is_plain):
            plan = self._decide(call, route, draw)
        self.requests += 1
        out = Outlet(connection, request, call, clock=self.clock, date=self._date, holds=self.holds)
        if plan is _NO_PLAN and isinstance(answer, Reply) and not self.holds.in_force:
            data = out.prepare(answer)
            call.outcome = "replied"
            self._account(call, route.log, draw)
            out.send_prepared(answer, data)
            return None
        exchange = Exchange(
            connection=connection,
            request=request,
            call=call,
            out=out,
            answer=answer,
            plan=plan,
            on_end=lambda ended: self._ended(ended, route, draw),
        )
        self.exchanges.add(exchange)
        exchange.start(self._loop)
        if exchange.task is not None:
            self._tasks.add(exchange.task)
            exchange.task.add_done_callback(self._task_done)
        return exchange

    def _decide(self, call: Call, route: Route, draw: SeededDraw) -> Plan:
        moment = Moment(call.at_s - self.started_at_s, self.requests)
        try:
            plan = decide(call.request, draw, route=route, server=self.behaviour, moment=moment, at_s=call.at_s)
        except Exception as error:  # noqa: BLE001  # rates, shapes, keys and conditions may be the test's own functions
            call.error = f"{type(error).__name__}: {error}"
            reply = replies.fail(500, body=f"what {call.route} should do could not be decided: {call.error}")
            plan = Plan(refusal=reply, refused_by="error")
        call.planned_s, call.refused_by = plan.wait_s + plan.body_s, plan.refused_by
        return plan

    def reject(self, connection: Connection, *, status: int, why: str) -> None:
        """
        Answer what is no request, and close.
        """
        self.rejected.append((status, why))
        reply = replies.text(f"{why}\n", status=status, headers={"Connection": "close"})
        framing = Framing(reply, method="GET", version="1.1")
        connection.write(framing.lines(self._date, keep_alive=False, version="1.1") + framing.body)
        connection.close_politely()

    def _answer_unmatched(self, connection: Connection, request: Request, now: float) -> None:
        explanation = self.router.explain(request)
        call = self.unmatched.add(request, at_s=now)
        call.error = explanation
        draw = self.draws.draw_for(request, route=UNMATCHED)
        self.requests += 1
        out = Outlet(connection, request, call, clock=self.clock, date=self._date, holds=self.holds)
        reply = replies.text(explanation + "\n", status=404)
        data = out.prepare(reply)
        call.outcome = "replied"
        self._account(call, self.unmatched, draw)
        out.send_prepared(reply, data)

    # ------------------------------------------------------------ ends

    def _ended(self, exchange: Exchange, route: Route, draw: SeededDraw) -> None:
        self.exchanges.discard(exchange)
        self._account(exchange.call, route.log, draw)
        if exchange.connection.current is exchange:
            exchange.connection.finished()

    def _account(self, call: Call, log: CallLog, draw: SeededDraw) -> None:
        now = self.clock.monotonic()
        call.ended_s = now - call.at_s
        log.finish()
        request, identity = call.request, draw.identity
        self.sink.emit(
            ExchangeEnded(
                at_s=now,
                server=identity.server,
                route=identity.route,
                who=identity.who,
                nth=identity.nth,
                method=request.method,
                target=request.target,
                status=call.status,
                received_bytes=request.received_bytes,
                sent_bytes=call.sent_bytes,
                close=call.close,
                first_byte_s=call.first_byte_s,
                ended_s=call.ended_s,
                outcome=call.outcome,
                fault=call.fault,
                refused_by=call.refused_by or None,
                planned_s=call.planned_s,
            )
        )

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task in self._forced:
            # "cannot reuse already awaited coroutine": what a task says whose coroutine was closed under it.
            self._forced.discard(task)
            _ = None if task.cancelled() else task.exception()
        elif not task.cancelled() and (error := task.exception()) is not None:
            self._loop.call_exception_handler(
                {"message": f"server {self.name!r}: an exchange failed", "exception": error, "task": task}
            )

    def in_flight(self) -> tuple[InFlight, ...]:
        now = self.clock.monotonic()
        return tuple(
            InFlight(
                route=exchange.call.route,
                request=exchange.request.summary(),
                age_s=now - exchange.call.at_s,
                sent_bytes=exchange.call.sent_bytes,
                fault=exchange.call.fault,
            )
            for exchange in sorted(self.exchanges, key=lambda one: one.call.at_s)
        )

    async def stop(self) -> StopReport:
        """
        Cancel, reset, account. The listener is closed before. Never waits for a handler longer than the grace.
        """
        self.is_stopping = True
        in_flight = self.in_flight()
        connections = len(self.connections)
        for exchange in tuple(self.exchanges):
            exchange.call.close = "stopped"
            exchange.abandon("stopped")
        for task in self._tasks:
            task.cancel()
        for connection in tuple(self.connections):
            connection.reset()
        # Resets take one turn of the loop to close their sockets, cancellations one to arrive.
        await asyncio.sleep(0)
        swallowed = await self._end_stubborn()
        for _ in range(_TURNS):
            if not self.connections:
                break
            await asyncio.sleep(0)
        return StopReport(server=self.name, connections=connections, in_flight=in_flight, swallowed=swallowed)

    async def _end_stubborn(self) -> tuple[Swallowed, ...]:
        if not self._tasks:
            return ()
        _, stubborn = await asyncio.wait(tuple(self._tasks), timeout=GRACE_S)
        found = {task: (task.get_name().removeprefix("hermetic "), _where(task)) for task in stubborn}
        for _ in range(_TELLINGS):
            if not stubborn:
                break
            for task in stubborn:
                task.cancel()
            _, stubborn = await asyncio.wait(stubborn, timeout=GRACE_S)
        for task in stubborn:
            self._end_by_force(task)
        if stubborn:
            _, stubborn = await asyncio.wait(stubborn, timeout=GRACE_S)
        return tuple(
            Swallowed(route=route, where=where, is_ended=task not in stubborn) for task, (route, where) in found.items()
        )

    def _end_by_force(self, task: asyncio.Task[None]) -> None:
        """
        Close the coroutine under a task that swallows cancellation, then let the task find that out.
        """
        coroutine: Any = task.get_coro()
        try:
            coroutine.close()
        except (RuntimeError, ValueError):
            # It ignores GeneratorExit too, or runs at this moment.
            return
        self._forced.add(task)
        task.cancel()


class Held:
    """
    A request that has not arrived yet: it stands in for its exchange until nothing holds it.
    """

    def __init__(self, core: Core, connection: Connection, request: Request) -> None:
        self._core = core
        self._connection = connection
        self._request = request
        self.task = asyncio.get_running_loop().create_task(self._arrive(), name=f"hermetic held {request.target}")

    async def _arrive(self) -> None:
        await self._core.holds.pass_on(self._request.client, "requests")
        self._connection.current = self._core.serve(self._connection, self._request)
        if self._connection.current is None:
            self._connection.finished()

    def client_left(self) -> None:
        self.task.cancel()


def _where(task: asyncio.Task[Any]) -> str:
    """
    The innermost line of a waiting task that is not asyncio's own.
    """
    coroutine: Any = task.get_coro()
    found = "an unknown line"
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None)
        if frame is None:
            break
        if frame.f_globals.get("__name__", "").partition(".")[0] != "asyncio":
            found = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        coroutine = getattr(coroutine, "cr_await", None)
    return found
