"""
One request on its way to its end: waiting, asking the handler, sending, being accounted for.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

from hermetic.world.http.faults.model import Sender
from hermetic.world.http.reply import Reply, fail, reply_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.world.http.behaviour import Plan
    from hermetic.world.http.calls import Call
    from hermetic.world.http.outlet import Outlet
    from hermetic.world.http.protocol import Connection
    from hermetic.world.http.request import Request


class Exchange:
    """
    Runs as one task on the server's loop; immediate replies never become one.
    """

    __slots__ = ("_answer", "_on_end", "_plan", "call", "connection", "is_over", "out", "request", "task")

    def __init__(
        self,
        *,
        connection: Connection,
        request: Request,
        call: Call,
        out: Outlet,
        answer: Any,
        plan: Plan,
        on_end: Callable[[Exchange], None],
    ) -> None:
        self.connection = connection
        self.request = request
        self.call = call
        self.out = out
        self.task: asyncio.Task[None] | None = None
        self.is_over = False
        self._answer = answer
        self._plan = plan
        self._on_end = on_end

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self.task = loop.create_task(self._run(), name=f"hermetic {self.call.route} #{self.call.nth}")

    def client_left(self) -> None:
        """
        The connection is gone; what still runs for it is cancelled.
        """
        if self.call.close in {"kept", "half"}:
            self.call.close = "peer"
        self.abandon("client gone")

    def abandon(self, outcome: str) -> None:
        """
        Account for it now, and cancel the task. A task that swallows that goes on without an exchange.
        """
        if self.call.outcome == "in flight":
            self.call.outcome = outcome
        if self.task is not None and not self.task.done():
            self.task.cancel(outcome)
        self._settle()

    async def _run(self) -> None:
        try:
            await self._serve()
        except asyncio.CancelledError:
            # Cancelled by abandon(), which has settled it; or by a handler that cancels its own task.
            if not self.is_over:
                self.call.outcome = "handler failed"
                self.call.error = "the handler cancelled its own task"
                self.out.reset()
            raise
        finally:
            self._settle()

    async def _serve(self) -> None:
        plan, call = self._plan, self.call
        # Until the moment that was drawn, counted from the match: this task began somewhat later.
        remaining = plan.wait_s and call.at_s + plan.wait_s - self.out.clock.monotonic()
        if remaining > 0:
            await self.out.sleep(remaining)
        if plan.refusal is not None:
            await self.out.pass_on()
            call.outcome = "refused" if call.error is None else "handler failed"
            await self.out.send(plan.refusal)
            return
        reply, fault = await self._resolve()
        await self.out.pass_on()
        if plan.headers:
            reply = reply.with_headers(plan.headers)
        if fault is None:
            if not plan.body_s:
                # Before the write, after which the client may be ahead of this thread.
                self._set_outcome("replied")
            await self.out.send(reply, over_s=plan.body_s)
            self._set_outcome("replied")
        else:
            call.fault = fault.label if fault.is_fault else None
            await fault.send(self.out, reply)
            self._set_outcome("faulted" if fault.is_fault else "replied")

    def _set_outcome(self, outcome: str) -> None:
        if self.call.outcome == "in flight":
            self.call.outcome = outcome

    async def _resolve(self) -> tuple[Reply, Sender | None]:
        answer, fault = self._answer, self._plan.fault
        if isinstance(answer, Reply):
            return answer, fault
        try:
            if isinstance(answer, Sender):
                whole = None if fault is None else await answer.whole(self.request)
                return whole or Reply(), fault or answer
            value = answer(self.request)
            if inspect.isawaitable(value):
                value = await value
            if isinstance(value, Sender):
                return Reply(), fault or value
            return reply_from(value), fault
        except Exception as error:  # noqa: BLE001  # whatever a handler raises is a reply, never the server's end
            self.call.error = f"{type(error).__name__}: {error}"
            self.call.outcome = "handler failed"
            return fail(500, body=f"the handler of {self.call.route} failed: {self.call.error}"), fault

    def _settle(self) -> None:
        if not self.is_over:
            self.is_over = True
            self._on_end(self)
