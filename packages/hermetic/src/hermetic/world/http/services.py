"""
What real services answer when they do not serve: bodies and headers by which clients tell them apart.

Each is a `Reply`, for `route.reply(…)`, for a step of `route.then(…)`, or as a fault by `instead(…)`. The texts are
written after the shape of the originals (status, headers, the words and markers that programs look for), not copied.
"""

from __future__ import annotations

import json
from typing import Literal

from hermetic.world.http import bounds
from hermetic.world.http.errors import BadReplyError
from hermetic.world.http.limit_headers import FORMS, retry_after
from hermetic.world.http.reply import HeaderPairs, Reply

_HTML = ("Content-Type", "text/html; charset=UTF-8")
_CLOUDFLARE: HeaderPairs = (("Server", "cloudflare"), ("CF-RAY", "8f0000000000abcd-FRA"), ("Cache-Control", "no-store"))
# The phrases that Cloudflare's pages carry; it sends an empty reason phrase with them.
_CLOUDFLARE_PHRASES = {
    520: "Web server is returning an unknown error",
    521: "Web server is down",
    522: "Connection timed out",
    523: "Origin is unreachable",
    524: "A timeout occurred",
    525: "SSL handshake failed",
    526: "Invalid SSL certificate",
}


def _page(title: str, *paragraphs: str) -> bytes:
    inner = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        f'<!DOCTYPE html>\n<html lang="en-US">\n<head><title>{title}</title></head>\n'
        f"<body><h1>{title}</h1>{inner}</body>\n</html>\n"
    ).encode()


def too_many_requests(
    retry_after_s: float = 30,
    *,
    form: Literal["seconds", "date", "none"] = "seconds",
    now: float | None = None,
    style: Literal["plain", "ipify", "ipinfo", "discord"] = "plain",
) -> Reply:
    """
    429 with Retry-After in either form (RFC 9110, 10.2.3). A date counts from `now`, seconds since the epoch, which
    that form needs.

    Raises:
        BadReplyError: a date without `now`.
        BoundsError: a negative time, another form or style.
    """
    bounds.duration(retry_after_s, where="too_many_requests(retry_after_s)")
    bounds.one_of(form, FORMS, where="too_many_requests(form)")
    bounds.one_of(style, ("plain", "ipify", "ipinfo", "discord"), where="too_many_requests(style)")
    if form == "date" and now is None:
        raise BadReplyError(
            what="too_many_requests(form='date')", why="a date counts from now=…, such as clock.time() or time.time()"
        )
    again = tuple(retry_after(retry_after_s, form=form, epoch_s=now or 0.0))
    bodies: dict[str, tuple[str, str]] = {
        "plain": ("text/plain", "Too Many Requests"),
        "ipify": ("application/json", json.dumps({"error": "Too Many Requests"})),
        "ipinfo": (
            "application/json; charset=utf-8",
            json.dumps(
                {
                    "status": 429,
                    "error": {"title": "Rate limit exceeded", "message": "Upgrade to increase your usage limits."},
                }
            ),
        ),
        "discord": (
            "application/json",
            json.dumps({"message": "You are being rate limited.", "retry_after": retry_after_s, "global": False}),
        ),
    }
    kind, body = bodies[style]
    via: HeaderPairs = (("Via", "1.1 google"),) if style == "discord" else ()
    return Reply(status=429, headers=(("Content-Type", kind), *via, *again), body=body.encode())


def cloudflare(status: int = 522, *, host: str = "api.example.com") -> Reply:
    """
    The error page between Cloudflare and an origin, 520 to 526, with Cloudflare's empty reason phrase.

    Raises:
        BadReplyError: another status.
    """
    if status not in _CLOUDFLARE_PHRASES:
        raise BadReplyError(what=f"cloudflare({status})", why="Cloudflare's own statuses are 520 to 526")
    phrase = _CLOUDFLARE_PHRASES[status]
    body = _page(f"{host} | {status}: {phrase}", f"Error code {status}", "Cloudflare Ray ID: 8f0000000000abcd")
    return Reply(status=status, reason="", headers=(_HTML, *_CLOUDFLARE), body=body)


def cloudflare_rate_limited() -> Reply:
    """
    Error 1015, which comes with status 429 and, unlike most rate limits, HTML.
    """
    body = _page("Access denied | Error 1015", "You are being rate limited", "Cloudflare Ray ID: 8f0000000000abcd")
    return Reply(status=429, headers=(_HTML, *_CLOUDFLARE, ("Retry-After", "10")), body=body)


def cloudflare_blocked(code: int = 1020) -> Reply:
    """
    403 of the firewall: 1020 by a rule, 1010 by the browser's signature, 1006 to 1008 by address.
    """
    body = _page(f"Attention Required! | Cloudflare | Error {code}", "Sorry, you have been blocked", "Ray ID: 8f00abcd")
    return Reply(status=403, headers=(_HTML, *_CLOUDFLARE), body=body)


def javascript_challenge() -> Reply:
    """
    403 with a page that only a browser gets past; programs tell it by `cf-mitigated: challenge`.
    """
    body = (
        b'<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body>'
        b"<noscript>Enable JavaScript and cookies to continue</noscript>"
        b"<script>window._cf_chl_opt={cvId:'3'};</script></body></html>"
    )
    return Reply(status=403, headers=(_HTML, *_CLOUDFLARE, ("cf-mitigated", "challenge")), body=body)


def heroku() -> Reply:
    """
    503 of a router whose application does not answer: HTML for every client, JSON APIs included.
    """
    body = _page("Application error", "An error occurred in the application and your page could not be served.")
    return Reply(
        status=503,
        headers=(("Server", "Cowboy"), ("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-cache")),
        body=body,
    )


def nginx(status: int = 502) -> Reply:
    """
    The bare page of nginx: 502 with a dead upstream, 504 with a slow one, 503 when told so.
    """
    title = {502: "502 Bad Gateway", 503: "503 Service Temporarily Unavailable", 504: "504 Gateway Time-out"}.get(
        status
    )
    if title is None:
        raise BadReplyError(what=f"nginx({status})", why="as a proxy nginx answers 502, 503 or 504")
    body = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    body += "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    reason = title.partition(" ")[2]
    return Reply(
        status=status, reason=reason, headers=(("Server", "nginx"), ("Content-Type", "text/html")), body=body.encode()
    )


def captive_portal(login: str = "http://login.hotspot.invalid/", *, redirects: bool = False) -> Reply:
    """
    A hotspot before login: 200 with its own page for every address, or a redirect to it.
    """
    if redirects:
        return Reply(status=302, headers=(("Location", login), ("Content-Type", "text/html")))
    body = _page("Welcome to Free Wi-Fi", f'Please <a href="{login}">sign in</a> to use this network.')
    return Reply(headers=(_HTML, ("Cache-Control", "no-store")), body=body)
