"""
What a server or a route does to its requests beyond answering: latency, shapes, gates, faults.

A server and its routes have the same settings. A route's own latency takes the place of the server's; conditions,
gates and faults of both apply, the route's faults first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from hermetic.world.http.errors import BadFaultError, BoundsError
from hermetic.world.http.faults.content import instead
from hermetic.world.http.faults.model import Fault
from hermetic.world.http.faults.rules import FaultRule
from hermetic.world.http.gates import QueueGate, RateLimitGate, WeatherGate
from hermetic.world.http.latency import Latency, latency
from hermetic.world.http.ports import Refused
from hermetic.world.http.queueing import load
from hermetic.world.http.reply import Reply
from hermetic.world.http.shapes import FAIR, Conditions, Moment, Shape, together

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from hermetic.foundation.clock import Clock
    from hermetic.world.http.faults.rules import Rate
    from hermetic.world.http.limit_headers import HeaderStyle, RetryAfterForm
    from hermetic.world.http.ports import Distribution, Draw, Gate, RequestFacts
    from hermetic.world.http.rate_limits import Limit
    from hermetic.world.http.reply import HeaderPairs
    from hermetic.world.http.request import Request


@dataclass(slots=True)
class Plan:
    """
    What was decided about one request when it matched. Times are seconds.
    """

    wait_s: float = 0.0
    body_s: float = 0.0
    headers: HeaderPairs = ()
    refusal: Reply | None = None
    refused_by: str = ""
    fault: Fault | None = None


class Behaviour:
    """
    The settings, replaced as a whole when they change, so that the server's thread always sees a complete one.
    """

    scope: ClassVar[str] = ""

    def __init__(self, *, clock: Clock) -> None:
        self.clock = clock
        self.is_plain = True
        self.delays: Latency | None = None
        self.weather: WeatherGate | None = None
        self.gates: tuple[Gate, ...] = ()
        self.rules: tuple[FaultRule, ...] = ()
        self._made: dict[str, int] = {}

    def _changed(self) -> None:
        self.is_plain = self.delays is None and self.weather is None and not self.gates and not self.rules

    def latency(
        self,
        first_byte: float | Distribution | None = None,
        *,
        connect: float | Distribution | None = None,
        body: float | Distribution | None = None,
    ) -> Self:
        """
        How long things take: a number of seconds or a distribution for each part; nothing at all takes it away.

        Raises:
            BoundsError: a number is negative or not finite.
        """
        is_none = first_byte is None and connect is None and body is None
        self.delays = None if is_none else latency(first_byte, connect=connect, body=body)
        self._changed()
        return self

    def delay(self, seconds: float) -> Self:
        """
        The same constant time before every reply.
        """
        return self.latency(seconds)

    def shape(self, *shapes: Shape) -> Self:
        """
        How conditions change over time or over requests; without arguments they are fair again.
        """
        for shape in shapes:
            if not callable(getattr(shape, "at", None)):
                raise BoundsError(
                    where="shape(shapes)", value=shape, allowed="a shape, such as outage(begin=2, length=3)"
                )
        self.weather = WeatherGate(together(*shapes), clock=self.clock) if shapes else None
        self._changed()
        return self

    def gate(self, *gates: Gate) -> Self:
        """
        Rate limits and queues, asked in this order; without arguments there are none.
        """
        for gate in gates:
            if not callable(getattr(gate, "enter", None)):
                raise BoundsError(
                    where="gate(gates)", value=gate, allowed="a RateLimitGate, a QueueGate, or their like"
                )
        self.gates = gates
        self._changed()
        return self

    def rate_limit(
        self,
        *limits: Limit,
        key: Callable[[RequestFacts], str] | None = None,
        style: HeaderStyle = "ratelimit",
        form: RetryAfterForm = "seconds",
        reply: Reply | None = None,
    ) -> Self:
        """
        Refuse with 429 what goes beyond `limits`, in addition to the gates there are; arguments as for
        `RateLimitGate`.
        """
        return self.gate(
            *self.gates, RateLimitGate(*limits, clock=self.clock, key=key, style=style, form=form, reply=reply)
        )

    def load(
        self, workers: int, *, service_time: float | Distribution, queue: int | None = None, reply: Reply | None = None
    ) -> Self:
        """
        So many requests are worked on at once, so many may wait, the rest is refused with 503; in addition to the
        gates there are.
        """
        return self.gate(*self.gates, QueueGate(load(workers, service_time=service_time, queue=queue), reply=reply))

    def all_gates(self) -> tuple[Gate, ...]:
        return self.gates if self.weather is None else (self.weather, *self.gates)

    def conditions(self, moment: Moment) -> Conditions:
        return FAIR if self.weather is None else self.weather.shape.at(moment)

    def fault(
        self,
        fault: Fault | Reply,
        *,
        rate: Rate = 1.0,
        ttl: float | None = None,
        client: str | None = None,
        nth: int | Collection[int] | None = None,
        times: int | None = None,
        where: Callable[[Request], bool] | None = None,
    ) -> FaultRule:
        """
        Put a fault in force at once; `with route.fault(reset(), rate=0.2):` takes it away at the end of the block.

        A `Reply` is sent in place of the route's own. Arguments as for `FaultRule`. Faults of the listening socket,
        of new connections and of TLS are set on a server, not on a route.

        Raises:
            BadFaultError: a rate outside of 0 to 1, a time to live or a count that is not positive, or a fault that
                cannot be set here.
        """
        fault = _as_fault(fault)
        self._check_phase(fault)
        rule = FaultRule(
            fault,
            purpose=self._purpose_of(fault),
            set_at_s=self.clock.monotonic(),
            remove=self._remove,
            rate=rate,
            ttl=ttl,
            client=client,
            nth=nth,
            times=times,
            where=where,
        )
        self._add(rule)
        return rule

    def _check_phase(self, fault: Fault) -> None:
        if fault.phase != "reply":
            raise BadFaultError(
                what=f"{fault.name} on a route", why="it strikes before there is a request; set it on the server"
            )

    def _purpose_of(self, fault: Fault) -> str:
        # Two rules of one fault draw independently, and each draws the same in the next run.
        count = self._made[fault.name] = self._made.get(fault.name, 0) + 1
        return f"fault:{self.scope}{fault.name}" + (f".{count}" if count > 1 else "")

    def _add(self, rule: FaultRule) -> None:
        self.rules = (*self.rules, rule)
        self._changed()

    def _remove(self, rule: FaultRule) -> None:
        self.rules = tuple(one for one in self.rules if one is not rule)
        self._changed()


def _as_fault(given: Any) -> Fault:
    if isinstance(given, Reply):
        return instead(given)
    if isinstance(given, Fault):
        return given
    name = getattr(given, "__name__", None)
    hint = f"call it: {name}()" if callable(given) and name else "give a fault such as reset(), or a Reply"
    raise BadFaultError(what=repr(given) if name is None else name, why=f"this is no fault; {hint}")


def decide(request: Request, draw: Draw, *, route: Behaviour, server: Behaviour, moment: Moment, at_s: float) -> Plan:
    """
    Settle all that is up to chance or load for one request, at the moment it matched.
    """
    plan = Plan()
    for gate in (*server.all_gates(), *route.all_gates()):
        verdict = gate.enter(request, at_s=at_s, draw=draw)
        plan.wait_s += verdict.wait_s
        if isinstance(verdict, Refused):
            plan.refusal, plan.refused_by = verdict.reply, verdict.reason
            return plan
        plan.headers = (*plan.headers, *verdict.headers)
    conditions = server.conditions(moment).and_also(route.conditions(moment))
    delays = route.delays or server.delays
    if delays is not None or conditions.extra_s:
        delays = delays or Latency()
        plan.wait_s += delays.plan(draw, "first_byte", factor=conditions.factor, extra_s=conditions.extra_s)
        plan.body_s = delays.plan(draw, "body", factor=conditions.factor)
    plan.fault = _struck(request, draw, (*route.rules, *server.rules), at_s)
    return plan


def _struck(request: Request, draw: Draw, rules: tuple[FaultRule, ...], at_s: float) -> Fault | None:
    found: Fault | None = None
    for rule in rules:
        # Every rule looks at every request, so that what one counts does not depend on the others.
        if rule.fault.phase == "reply" and rule.strikes(request, draw, now_s=at_s) and found is None:
            found = rule.fault
    return found
