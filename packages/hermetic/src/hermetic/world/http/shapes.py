"""
How a server's behaviour changes over its time, or over the requests it has had.

A shape answers one question: what are the conditions at this moment? It has no state and reads no clock; the server
passes the moment in. Windows are [begin, begin + length): the first instant belongs to them, the last does not.

Shapes run over seconds since the server's start, or with `by="requests"` over the requests it has received, which
makes a test independent of time altogether.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal, Protocol

from hermetic.world.http import bounds
from hermetic.world.http.errors import BoundsError

By = Literal["time", "requests"]
_BY = ("time", "requests")


@dataclass(frozen=True, slots=True)
class Moment:
    """
    When a request arrives: seconds since the start, and how many requests came before it.
    """

    elapsed_s: float
    requests: int

    def at(self, by: By) -> float:
        return self.elapsed_s if by == "time" else float(self.requests)


@dataclass(frozen=True, slots=True)
class Conditions:
    """
    What a shape does to a request: delays times `factor`, plus `extra_s`; an error at `error_rate`; held for
    `paused_s` first; refused if `is_down`.
    """

    factor: float = 1.0
    extra_s: float = 0.0
    error_rate: float = 0.0
    paused_s: float = 0.0
    is_down: bool = False

    def and_also(self, other: Conditions) -> Conditions:
        """
        Both at once: delays multiply and add, errors strike independently, the longer pause counts.
        """
        return Conditions(
            factor=self.factor * other.factor,
            extra_s=self.extra_s + other.extra_s,
            error_rate=1 - (1 - self.error_rate) * (1 - other.error_rate),
            paused_s=max(self.paused_s, other.paused_s),
            is_down=self.is_down or other.is_down,
        )


FAIR = Conditions()


class Shape(Protocol):
    """
    Conditions as a function of the moment.
    """

    def at(self, moment: Moment, /) -> Conditions: ...


@dataclass(frozen=True, slots=True)
class Together:
    """
    Several shapes at once.
    """

    shapes: tuple[Shape, ...]

    def at(self, moment: Moment, /) -> Conditions:
        conditions = FAIR
        for shape in self.shapes:
            conditions = conditions.and_also(shape.at(moment))
        return conditions


@dataclass(frozen=True, slots=True)
class Slope:
    """
    One condition going in a straight line from `start` to `end`, resting at each before and after.
    """

    what: Literal["factor", "extra_s", "error_rate"]
    start: float
    end: float
    begin: float
    length: float
    by: By

    def at(self, moment: Moment, /) -> Conditions:
        done = (moment.at(self.by) - self.begin) / self.length
        value = self.start + (self.end - self.start) * min(max(done, 0.0), 1.0)
        match self.what:
            case "factor":
                return Conditions(factor=value)
            case "extra_s":
                return Conditions(extra_s=value)
            case "error_rate":
                return Conditions(error_rate=value)


@dataclass(frozen=True, slots=True)
class Window:
    """
    Fixed conditions inside a window that may come again every `every`; fair outside.
    """

    inside: Conditions
    begin: float
    length: float
    every: float = math.inf
    by: By = "time"

    def at(self, moment: Moment, /) -> Conditions:
        return FAIR if self.left(moment) <= 0 else self.inside

    def left(self, moment: Moment) -> float:
        """
        How much of the window is still to come, 0 outside of it.
        """
        since = moment.at(self.by) - self.begin
        if since < 0:
            return 0.0
        into = since if math.isinf(self.every) else since % self.every
        return max(0.0, self.length - into)


@dataclass(frozen=True, slots=True)
class Pause:
    """
    The server stands still: who arrives in the window waits for its end, as in a stop-the-world collection.
    """

    window: Window

    def at(self, moment: Moment, /) -> Conditions:
        return Conditions(paused_s=self.window.left(moment))


def together(*shapes: Shape) -> Shape:
    """
    All of these at once.
    """
    return Together(shapes)


def warm_up(over: float, *, factor: float, by: By = "time") -> Shape:
    """
    Cold at first: delays `factor` times as long, coming down to normal over `over` seconds or requests.
    """
    bounds.one_of(by, _BY, where="warm_up(by)")
    _positive(over, "warm_up(over)")
    return Slope("factor", bounds.duration(factor, where="warm_up(factor)"), 1.0, 0.0, over, by)


def ramp(over: float, *, factor: float = 1.0, extra_s: float = 0.0, begin: float = 0.0, by: By = "time") -> Shape:
    """
    Slowly worse: delays grow to `factor` times plus `extra_s` seconds over `over` seconds or requests, and stay.
    """
    bounds.one_of(by, _BY, where="ramp(by)")
    _positive(over, "ramp(over)")
    _not_negative(begin, "ramp(begin)")
    return together(
        Slope("factor", 1.0, bounds.duration(factor, where="ramp(factor)"), begin, over, by),
        Slope("extra_s", 0.0, bounds.duration(extra_s, where="ramp(extra_s)"), begin, over, by),
    )


def brown_out(
    begin: float,
    length: float,
    *,
    factor: float = 1.0,
    extra_s: float = 0.0,
    error_rate: float = 0.0,
    every: float = math.inf,
    by: By = "time",
) -> Shape:
    """
    A window in which the server is slow and makes errors, but answers.
    """
    inside = Conditions(
        factor=bounds.duration(factor, where="brown_out(factor)"),
        extra_s=bounds.duration(extra_s, where="brown_out(extra_s)"),
        error_rate=bounds.rate(error_rate, where="brown_out(error_rate)"),
    )
    return _window(inside, begin, length, every=every, by=by, name="brown_out")


def outage(begin: float, length: float, *, every: float = math.inf, by: By = "time") -> Shape:
    """
    A window in which nobody is served.
    """
    return _window(Conditions(is_down=True), begin, length, every=every, by=by, name="outage")


def pause(begin: float, length: float, *, every: float = math.inf) -> Shape:
    """
    A window, in seconds, whose requests are all held until it ends.
    """
    return Pause(_window(FAIR, begin, length, every=every, by="time", name="pause"))


def recovery(begin: float, length: float, *, over: float, error_rate: float = 1.0, by: By = "time") -> Shape:
    """
    An outage and the way back: down for `length`, then errors at `error_rate` that fade away over `over`.
    """
    _positive(over, "recovery(over)")
    fading = Slope("error_rate", bounds.rate(error_rate, where="recovery(error_rate)"), 0.0, begin + length, over, by)
    return _Recovery(_window(Conditions(is_down=True), begin, length, every=math.inf, by=by, name="recovery"), fading)


@dataclass(frozen=True, slots=True)
class Correlated:
    """
    Outages that strike every server with the same `seed` and `zone` at the same time.
    """

    seed: int
    zone: str
    rate: float
    slot_s: float

    def at(self, moment: Moment, /) -> Conditions:
        slot = int(moment.elapsed_s // self.slot_s)
        key = f"{len(self.zone)}:{self.zone},{slot}".encode("utf-8", "surrogateescape")
        drawn = int.from_bytes(blake2b(key, key=b"%d" % self.seed, digest_size=8).digest(), "big") / 2**64
        return Conditions(is_down=True) if drawn < self.rate else FAIR


def correlated_outage(zone: str, *, rate: float, slot_s: float, seed: int) -> Shape:
    """
    Time is cut into slots of `slot_s` seconds; in a share `rate` of them the whole zone is down. Give all servers
    of a zone the same shape.
    """
    _positive(slot_s, "correlated_outage(slot_s)")
    return Correlated(seed, zone, bounds.rate(rate, where="correlated_outage(rate)"), slot_s)


@dataclass(frozen=True, slots=True)
class _Recovery:
    down: Window
    fading: Slope

    def at(self, moment: Moment, /) -> Conditions:
        # The slope rests at its start before the outage too, where all is still well.
        if moment.at(self.down.by) < self.down.begin:
            return FAIR
        down = self.down.at(moment)
        return down if down.is_down else self.fading.at(moment)


def _window(inside: Conditions, begin: float, length: float, *, every: float, by: By, name: str) -> Window:
    bounds.one_of(by, _BY, where=f"{name}(by)")
    _not_negative(begin, f"{name}(begin)")
    _positive(length, f"{name}(length)")
    if math.isnan(every) or every <= length:
        raise BoundsError(
            where=f"{name}(every)", value=every, allowed=f"more than the window's length, which is {length:g}"
        )
    return Window(inside, begin, length, every, by)


def _positive(value: float, where: str) -> None:
    bounds.duration(value, where=where, zero=False)


def _not_negative(value: float, where: str) -> None:
    bounds.duration(value, where=where)
