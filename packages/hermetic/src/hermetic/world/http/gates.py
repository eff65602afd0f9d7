"""
What a request must pass before it is answered: rate limits, the queue of a loaded server, and the weather.

Each gate decides at once, from the moment of arrival; the server does the waiting. Each verdict goes through the
request's draw, so it is in the ledger, and an explicit schedule can repeat it where the circumstances differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.world.http import bounds
from hermetic.world.http.limit_headers import FORMS, STYLES, HeaderStyle, RetryAfterForm, headers_of, retry_after
from hermetic.world.http.ports import Admitted, Refused
from hermetic.world.http.queueing import Load, Queue
from hermetic.world.http.rate_limits import Instant, Limit, RateLimiter
from hermetic.world.http.reply import Reply, fail
from hermetic.world.http.shapes import Conditions, Moment, Shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.foundation.clock import Clock
    from hermetic.world.http.ports import Draw, RequestFacts


class RateLimitGate:
    """
    Refuses with 429 what goes beyond the limits, and tells every client where it stands.

    Args:
        limits: all of them must allow a request.
        clock: for dates and calendar quotas.
        key: whose count it is; by default the client's label, and all clients without one together.
        style: which header fields tell the standing.
        form: Retry-After in seconds, as a date, or not at all.
        reply: what is answered to a refused request, before the fields are added.
    """

    def __init__(
        self,
        *limits: Limit,
        clock: Clock,
        key: Callable[[RequestFacts], str] | None = None,
        style: HeaderStyle = "ratelimit",
        form: RetryAfterForm = "seconds",
        reply: Reply | None = None,
    ) -> None:
        bounds.one_of(style, STYLES, where="rate_limit(style)")
        bounds.one_of(form, FORMS, where="rate_limit(form)")
        self.limiter = RateLimiter(*limits)
        self._clock = clock
        self._key = key or _client_of
        self._style: HeaderStyle = style
        self._form: RetryAfterForm = form
        self._reply = fail(429) if reply is None else reply

    def enter(self, request: RequestFacts, *, at_s: float, draw: Draw) -> Admitted | Refused:
        now = Instant(at_s, self._clock.time())
        allowance = self.limiter.take(self._key(request), now)
        rule = allowance.tightest[0]
        held_off = draw.verdict(
            "rate_limit",
            f"{rule.name} {rule.quota}/{rule.window_s:g} s",
            lambda: allowance.retry_after_if_refused,
            nothing=0.0,
        )
        fields = tuple(headers_of(allowance, now, style=self._style))
        if held_off == 0.0:
            return Admitted(headers=fields)
        again = tuple(retry_after(held_off, form=self._form, epoch_s=now.epoch_s))
        return Refused(self._reply.with_headers((*fields, *again)), reason=f"rate limit {rule.name}")

    def __repr__(self) -> str:
        return f"<RateLimitGate {self.limiter!r}>"


class QueueGate:
    """
    Lets a request wait for a worker and be worked on; refuses with 503 what finds the queue full.
    """

    def __init__(self, load: Load, *, reply: Reply | None = None) -> None:
        self.queue = Queue(load)
        self._reply = fail(503) if reply is None else reply

    def enter(self, request: RequestFacts, *, at_s: float, draw: Draw) -> Admitted | Refused:  # noqa: ARG002  # the protocol's arguments
        service = draw.seconds("queue.service", self.queue.load.service_time)
        place = self.queue.arrive(at_s, service_s=service)
        asked = f"{self.queue.load.workers} workers, {place.ahead} waiting"
        held_off = draw.verdict("queue.full", asked, lambda: place.wait_s if place.is_refused else 0.0, nothing=0.0)
        if held_off:
            again = tuple(retry_after(held_off, epoch_s=0.0))
            return Refused(self._reply.with_headers(again), reason="queue full")
        wait = draw.verdict("queue.wait", asked, lambda: place.wait_s, nothing=0.0)
        return Admitted(wait_s=wait + service)

    def __repr__(self) -> str:
        return f"<QueueGate {self.queue!r}>"


class WeatherGate:
    """
    A shape over the server's life: holds requests in a pause, refuses them in an outage, errs at its error rate, and
    stretches delays (`apply`).

    Args:
        shape: the conditions.
        clock: the server's.
        down: the answer in an outage.
        error: the answer of an error that the shape's rate brings about.
    """

    def __init__(self, shape: Shape, *, clock: Clock, down: Reply | None = None, error: Reply | None = None) -> None:
        self.shape = shape
        self._clock = clock
        self._began = clock.monotonic()
        self._requests = 0
        self._down = fail(503) if down is None else down
        self._error = fail(500) if error is None else error

    def begin(self) -> None:
        """
        Now is second 0 and the next request number 0.
        """
        self._began = self._clock.monotonic()
        self._requests = 0

    def enter(self, request: RequestFacts, *, at_s: float, draw: Draw) -> Admitted | Refused:  # noqa: ARG002  # the protocol's arguments
        conditions = self.shape.at(Moment(at_s - self._began, self._requests))
        self._requests += 1
        if draw.verdict("weather.down", str(self.shape), lambda: conditions.is_down, nothing=False):
            return Refused(self._down, reason="outage")
        if draw.happens("weather.error", conditions.error_rate):
            return Refused(self._error, reason="error in bad weather")
        return Admitted(wait_s=draw.verdict("weather.pause", "pause", lambda: conditions.paused_s, nothing=0.0))

    def apply(self, delay_s: float, *, elapsed_s: float, nth: int) -> float:
        """
        The delay under the shape's factor and extra. Pauses are waited for at the gate.
        """
        conditions: Conditions = self.shape.at(Moment(elapsed_s, nth))
        return delay_s * conditions.factor + conditions.extra_s

    def __repr__(self) -> str:
        return f"<WeatherGate {self.shape} [{self._requests} requests]>"


def _client_of(request: RequestFacts) -> str:
    return request.client or ""
