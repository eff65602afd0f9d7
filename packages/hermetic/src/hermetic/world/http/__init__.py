"""
Mock HTTP servers on real sockets.

Everything is imported when it is first asked for, so that a program pays for what it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hermetic.world.http.authority import Authority
    from hermetic.world.http.calls import Call
    from hermetic.world.http.context import MockServerContext
    from hermetic.world.http.distributions import (
        constant,
        gamma,
        lognormal,
        normal,
        percentiles,
        recorded,
        uniform,
    )
    from hermetic.world.http.faults.model import Fault
    from hermetic.world.http.faults.rules import FaultRule
    from hermetic.world.http.protocol import Limits
    from hermetic.world.http.reply import Reply, chunked, data, fail, html, json, ok, redirect, text
    from hermetic.world.http.report import StopReport
    from hermetic.world.http.request import Request
    from hermetic.world.http.route import Route
    from hermetic.world.http.server import MockServer

_HOMES = {
    "Authority": "authority",
    "Call": "calls",
    "Fault": "faults.model",
    "FaultRule": "faults.rules",
    "Limits": "protocol",
    "MockServer": "server",
    "MockServerContext": "context",
    "Reply": "reply",
    "Request": "request",
    "Route": "route",
    "StopReport": "report",
    "chunked": "reply",
    "constant": "distributions",
    "data": "reply",
    "fail": "reply",
    "gamma": "distributions",
    "html": "reply",
    "json": "reply",
    "lognormal": "distributions",
    "normal": "distributions",
    "ok": "reply",
    "percentiles": "distributions",
    "recorded": "distributions",
    "redirect": "reply",
    "text": "reply",
    "uniform": "distributions",
}

__all__ = [
    "Authority",
    "Call",
    "Fault",
    "FaultRule",
    "Limits",
    "MockServer",
    "MockServerContext",
    "Reply",
    "Request",
    "Route",
    "StopReport",
    "chunked",
    "constant",
    "data",
    "fail",
    "gamma",
    "html",
    "json",
    "lognormal",
    "normal",
    "ok",
    "percentiles",
    "recorded",
    "redirect",
    "text",
    "uniform",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
