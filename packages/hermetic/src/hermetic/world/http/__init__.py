"""
Mock HTTP servers on real sockets.

Everything is imported when it is first asked for, so that a program pays for what it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hermetic.world.http.authority import Authority
    from hermetic.world.http.calls import Call
    from hermetic.world.http.cluster import MockCluster, MockServerCluster
    from hermetic.world.http.conduct import Conduct
    from hermetic.world.http.context import MockServerContext
    from hermetic.world.http.distributions import constant, gamma, lognormal, normal, percentiles, recorded, uniform
    from hermetic.world.http.faults.model import Fault
    from hermetic.world.http.faults.rules import FaultRule
    from hermetic.world.http.fixture import HTTPMockFixture
    from hermetic.world.http.latency import latency
    from hermetic.world.http.limits import Limits
    from hermetic.world.http.queueing import load
    from hermetic.world.http.rate_limits import fixed_window, quota, sliding_window, token_bucket
    from hermetic.world.http.recording import Recording
    from hermetic.world.http.reply import Reply, chunked, data, fail, html, json, ok, redirect, text
    from hermetic.world.http.report import StopReport
    from hermetic.world.http.request import Request
    from hermetic.world.http.route import Route
    from hermetic.world.http.schedule import Schedule
    from hermetic.world.http.scrubbing import Scrubber
    from hermetic.world.http.server import MockServer
    from hermetic.world.http.shapes import (
        brown_out,
        correlated_outage,
        outage,
        pause,
        ramp,
        recovery,
        together,
        warm_up,
    )
    from hermetic.world.http.shrinking import ashrink, shrink

_HOMES = {
    "Authority": "authority",
    "Call": "calls",
    "Conduct": "conduct",
    "Fault": "faults.model",
    "FaultRule": "faults.rules",
    "HTTPMockFixture": "fixture",
    "Limits": "limits",
    "MockCluster": "cluster",
    "MockServer": "server",
    "MockServerCluster": "cluster",
    "MockServerContext": "context",
    "Recording": "recording",
    "Reply": "reply",
    "Request": "request",
    "Route": "route",
    "Schedule": "schedule",
    "Scrubber": "scrubbing",
    "StopReport": "report",
    "ashrink": "shrinking",
    "brown_out": "shapes",
    "chunked": "reply",
    "constant": "distributions",
    "correlated_outage": "shapes",
    "data": "reply",
    "fail": "reply",
    "fixed_window": "rate_limits",
    "gamma": "distributions",
    "html": "reply",
    "json": "reply",
    "latency": "latency",
    "load": "queueing",
    "lognormal": "distributions",
    "normal": "distributions",
    "ok": "reply",
    "outage": "shapes",
    "pause": "shapes",
    "percentiles": "distributions",
    "quota": "rate_limits",
    "ramp": "shapes",
    "recorded": "distributions",
    "recovery": "shapes",
    "redirect": "reply",
    "shrink": "shrinking",
    "sliding_window": "rate_limits",
    "text": "reply",
    "together": "shapes",
    "token_bucket": "rate_limits",
    "uniform": "distributions",
    "warm_up": "shapes",
}

__all__ = [
    "Authority",
    "Call",
    "Conduct",
    "Fault",
    "FaultRule",
    "HTTPMockFixture",
    "Limits",
    "MockCluster",
    "MockServer",
    "MockServerCluster",
    "MockServerContext",
    "Recording",
    "Reply",
    "Request",
    "Route",
    "Schedule",
    "Scrubber",
    "StopReport",
    "ashrink",
    "brown_out",
    "chunked",
    "constant",
    "correlated_outage",
    "data",
    "fail",
    "fixed_window",
    "gamma",
    "html",
    "json",
    "latency",
    "load",
    "lognormal",
    "normal",
    "ok",
    "outage",
    "pause",
    "percentiles",
    "quota",
    "ramp",
    "recorded",
    "recovery",
    "redirect",
    "shrink",
    "sliding_window",
    "text",
    "together",
    "token_bucket",
    "uniform",
    "warm_up",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
