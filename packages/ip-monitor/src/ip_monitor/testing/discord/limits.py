"""
Rate limits: a bucket for each route and place, and one for the bot altogether.

Source: Discord developer documentation, Topics / Rate Limits (headers, scopes, major parameters, the global limit).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ip_monitor.resilience.clock import Clock

# What share a bucket only with their like: the same route in another channel has a bucket of its own.
_MAJOR = ("channel_id", "guild_id", "webhook_id", "webhook_token")
# Enough for every test that does not ask for less.
_PLENTY = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """
    So many requests in so many seconds.
    """

    requests: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    Attributes:
        headers: to be sent whether it was allowed or not.
        retry_after_s: None when it was allowed.
    """

    headers: dict[str, str]
    retry_after_s: float | None = None
    is_global: bool = False


@dataclass(eq=False, slots=True)
class _Window:
    begun: float
    used: int = 0


class Limits:
    """
    Without a limit of its own a route has plenty, and says so in its headers as Discord does.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._limits: dict[str, Limit] = {}
        self._everything: Limit | None = None
        self._windows: dict[tuple[str, ...], _Window] = {}

    def set(self, route: str, *, requests: int, per_s: float) -> None:
        """
        Limit one route, as `POST /channels/{channel_id}/messages`; Discord's own number there is 5 in 5 seconds.
        """
        self._limits[route] = Limit(requests, per_s)

    def set_global(self, *, requests: int = 50, per_s: float = 1.0) -> None:
        """
        Limit the bot over all routes; answers to interactions do not count. Discord's number is the default.
        """
        self._everything = Limit(requests, per_s)

    def judge(self, route: str, params: Mapping[str, str]) -> Verdict:
        """
        Count a request, and say whether it may pass.
        """
        is_interaction = route.startswith(("POST /interactions/", "POST /webhooks/", "PATCH /webhooks/"))
        if self._everything is not None and not is_interaction:
            wait = self._count(("global",), self._everything)
            if wait is not None:
                return Verdict({}, wait, is_global=True)
        limit = self._limits.get(route, Limit(_PLENTY, 1.0))
        major = [params[name] for name in _MAJOR if name in params]
        key = (route, *major)
        wait = self._count(key, limit)
        window = self._windows[key]
        reset_after = max(0.0, window.begun + limit.per_s - self._clock.monotonic())
        headers = {
            "X-RateLimit-Limit": str(limit.requests),
            "X-RateLimit-Remaining": str(max(0, limit.requests - window.used)),
            "X-RateLimit-Reset": f"{self._clock.time() + reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{reset_after:.3f}",
            # The name says nothing about the place, as Discord's does not.
            "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
        }
        return Verdict(headers, wait)

    def _count(self, key: tuple[str, ...], limit: Limit) -> float | None:
        now = self._clock.monotonic()
        window = self._windows.get(key)
        if window is None or now >= window.begun + limit.per_s:
            window = self._windows[key] = _Window(now)
        if window.used >= limit.requests:
            return window.begun + limit.per_s - now
        window.used += 1
        return None
