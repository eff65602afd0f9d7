"""
What a rate limit tells the client, in the header fields that services really send.

    "ratelimit"     RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10)
    "ratelimit-3"   RateLimit-Limit, -Remaining, -Reset, the reset in seconds (the same draft's versions 3 to 6)
    "x-ratelimit"   X-RateLimit-Limit, -Remaining, -Reset, the reset in seconds from now
    "x-epoch"       the same, the reset in seconds since the Unix epoch, as GitHub does
    "none"          nothing but Retry-After

Retry-After has two forms (RFC 9110 10.2.3), seconds and a date. Both have a resolution of one second; they are
rounded up, since a client that does as told must not be refused again.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hermetic.world.http.rate_limits import Allowance, Instant

HeaderStyle = Literal["ratelimit", "ratelimit-3", "x-ratelimit", "x-epoch", "none"]
RetryAfterForm = Literal["seconds", "date", "none"]
STYLES: tuple[HeaderStyle, ...] = ("ratelimit", "ratelimit-3", "x-ratelimit", "x-epoch", "none")
FORMS: tuple[RetryAfterForm, ...] = ("seconds", "date", "none")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(epoch_s: float) -> str:
    """
    IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT", in English whatever the locale (RFC 9110 5.6.7).
    """
    t = time.gmtime(epoch_s)
    clock = f"{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02}"
    return f"{_DAYS[t.tm_wday]}, {t.tm_mday:02} {_MONTHS[t.tm_mon - 1]} {t.tm_year:04} {clock} GMT"


def retry_after(seconds: float, *, form: RetryAfterForm = "seconds", epoch_s: float) -> list[tuple[str, str]]:
    """
    The Retry-After field, `seconds` from now, which is `epoch_s`; rounded up to a whole second.
    """
    match form:
        case "none":
            return []
        case "seconds":
            return [("Retry-After", str(math.ceil(seconds)))]
        case "date":
            return [("Retry-After", http_date(math.ceil(epoch_s + seconds)))]


def headers_of(allowance: Allowance, now: Instant, *, style: HeaderStyle = "ratelimit") -> list[tuple[str, str]]:
    """
    The fields that tell the standing, for a reply that was allowed or refused.
    """
    limit, standing = allowance.tightest
    reset = math.ceil(standing.reset_s)
    match style:
        case "none":
            return []
        case "ratelimit":
            policies = ", ".join(
                f'"{rule.name}";q={rule.quota};w={math.ceil(rule.window_s)}' for rule, _ in allowance.standings
            )
            return [
                ("RateLimit-Policy", policies),
                ("RateLimit", f'"{limit.name}";r={standing.remaining};t={reset}'),
            ]
        case "x-epoch":
            reset = math.ceil(now.epoch_s + standing.reset_s)
        case "ratelimit-3" | "x-ratelimit":
            pass
    prefix = "RateLimit" if style == "ratelimit-3" else "X-RateLimit"
    return [
        (f"{prefix}-Limit", str(standing.limit)),
        (f"{prefix}-Remaining", str(standing.remaining)),
        (f"{prefix}-Reset", str(reset)),
    ]
