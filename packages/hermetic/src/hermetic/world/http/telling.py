"""
Requests that mock servers of this process have not finished, in lines for a capture.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import TYPE_CHECKING

from hermetic.world.http.server import MockServer

if TYPE_CHECKING:
    from collections.abc import Sequence

_TRIES = 5


def requests_in_flight() -> tuple[str, Sequence[str]]:
    """
    A title and a line for each request, the oldest of each server first. Callable from any thread.

    Servers are found among all objects, some tens of milliseconds, so that none must be registered for the case of a
    hang.
    """
    lines: list[str] = []
    for one in gc.get_objects():
        if isinstance(one, MockServer) and one.is_running:
            lines += [f"{one.name}: {request}" for request in _of(one)]
    return "mock requests in flight", lines


def _of(server: MockServer) -> list[str]:
    for _ in range(_TRIES):
        with suppress(RuntimeError):  # the server's own thread added one meanwhile
            return [str(one) for one in server.in_flight]
    return []
