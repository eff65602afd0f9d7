"""
How well-known services answer, as far as it matters to whoever reads them: bodies to the byte, telling headers, and
the failures each has been seen with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermetic.world.http import Reply, json, text

from ip_monitor.domain.providers import ReplyFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hermetic.world.http import Request

    from ip_monitor.domain.addresses import Address

_HTML = (("Content-Type", "text/html; charset=utf-8"),)
_CLOUDFLARE = (("Server", "cloudflare"), ("CF-RAY", "8e0000000000abcd-FRA"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """
    One service.

    Attributes:
        paths: where it tells the address; the first is the one a monitor asks.
        answer: the reply for an address and a request.
        failures: replies it gives in trouble, by a name for the trouble.
        format: what a monitor reads the first path's reply as.
    """

    name: str
    paths: tuple[str, ...]
    answer: Callable[[Address, Request], Reply]
    failures: Mapping[str, Reply] = field(default_factory=dict[str, Reply])
    format: ReplyFormat = ReplyFormat.TEXT


def _html(status: int, title: str, *, headers: tuple[tuple[str, str], ...] = (), reason: str | None = None) -> Reply:
    page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Reply(status=status, headers=(*_HTML, *headers), body=page.encode(), reason=reason)


# A Heroku application that is down or overloaded: Heroku's router answers in its place.
HEROKU_DOWN = _html(503, "Application Error", headers=(("Server", "Cowboy"), ("Cache-Control", "no-cache, no-store")))
CLOUDFLARE_FORBIDDEN = _html(403, "Attention Required! | Cloudflare", headers=_CLOUDFLARE)
CLOUDFLARE_LIMITED = text("error code: 1015", status=429, headers=(*_CLOUDFLARE, ("Retry-After", "30")))
# Cloudflare's own statuses carry an empty reason phrase.
CLOUDFLARE_UNREACHABLE = _html(521, "521: Web server is down", headers=_CLOUDFLARE, reason="")
NGINX_BAD_GATEWAY = _html(502, "502 Bad Gateway", headers=(("Server", "nginx"),))
CAPTIVE_PORTAL = _html(200, "Welcome! Please sign in to use this network")
LOGIN_REDIRECT = Reply(status=302, headers=(("Location", "http://portal.example/login"), ("Content-Length", "0")))
JAVASCRIPT_CHALLENGE = _html(200, "Just a moment...", headers=_CLOUDFLARE)


def _ipify(address: Address, request: Request) -> Reply:
    if request.query.get("format") == "json":
        return json({"ip": str(address)}, headers={"Vary": "Origin"})
    return text(str(address), headers={"Content-Type": "text/plain", "Vary": "Origin"})


def _line(address: Address, _request: Request) -> Reply:
    return text(f"{address}\n", headers={"Content-Type": "text/plain"})


def _bare(address: Address, _request: Request) -> Reply:
    return text(str(address), headers={"Content-Type": "text/plain"})


def _amazon(address: Address, request: Request) -> Reply:
    # It echoes what a proxy in front of it claims, before the address it sees.
    claimed = request.header("X-Forwarded-For")
    return text(f"{claimed}, {address}\n" if claimed else f"{address}\n", headers={"Content-Type": "text/plain"})


def _ident_me(address: Address, request: Request) -> Reply:
    if request.path == "/json":
        return json({"ip": str(address)})
    return _bare(address, request)


def _httpbin(address: Address, request: Request) -> Reply:
    claimed = request.header("X-Forwarded-For")
    return json({"origin": f"{claimed}, {address}" if claimed else str(address)})


def _ipinfo(address: Address, request: Request) -> Reply:
    if request.path == "/json":
        return json({"ip": str(address), "city": "Example", "org": "AS64496 Example"})
    return _bare(address, request)


def _cloudflare_trace(address: Address, request: Request) -> Reply:
    host = (request.header("Host") or "").rsplit(":", 1)[0]
    fields = {
        "fl": "123f456",
        "h": host,
        "ip": str(address),
        "ts": "1700000000.123",
        "visit_scheme": "https",
        "uag": request.header("User-Agent") or "",
        "colo": "FRA",
        "http": f"http/{request.version}",
        "loc": "XX",
        "tls": "TLSv1.3",
        "sni": "plaintext",
        "warp": "off",
    }
    body = "".join(f"{name}={value}\n" for name, value in fields.items())
    return text(body, headers={"Content-Type": "text/plain", "Server": "cloudflare"})


IPIFY = Profile(
    name="ipify",
    paths=("/",),
    answer=_ipify,
    failures={
        "rate_limited": json({"error": "Too Many Requests"}, status=429),
        "down": HEROKU_DOWN,
    },
)
ICANHAZIP = Profile(
    name="icanhazip",
    paths=("/",),
    answer=_line,
    failures={
        "bad_gateway": NGINX_BAD_GATEWAY,
        "forbidden": CLOUDFLARE_FORBIDDEN,
        "rate_limited": CLOUDFLARE_LIMITED,
        "wrong_family": text("2001:db8::2\n", headers={"Content-Type": "text/plain"}),
    },
)
IFCONFIG_ME = Profile(name="ifconfig_me", paths=("/ip", "/"), answer=_bare, failures={"bad_gateway": NGINX_BAD_GATEWAY})
AWS = Profile(name="aws", paths=("/",), answer=_amazon, failures={"bad_gateway": NGINX_BAD_GATEWAY})
CLOUDFLARE_TRACE = Profile(
    name="cloudflare_trace",
    paths=("/cdn-cgi/trace",),
    answer=_cloudflare_trace,
    format=ReplyFormat.TRACE,
    failures={
        "forbidden": CLOUDFLARE_FORBIDDEN,
        "limited": CLOUDFLARE_LIMITED,
        "unreachable": CLOUDFLARE_UNREACHABLE,
    },
)
IDENT_ME = Profile(name="ident_me", paths=("/", "/json"), answer=_ident_me, failures={"bad_gateway": NGINX_BAD_GATEWAY})
IPINFO = Profile(
    name="ipinfo",
    paths=("/ip", "/json"),
    answer=_ipinfo,
    failures={
        "rate_limited": json(
            {"status": 429, "error": {"title": "Rate limit exceeded", "message": "Upgrade to increase your limit"}},
            status=429,
        )
    },
)
HTTPBIN = Profile(name="httpbin", paths=("/ip",), answer=_httpbin, format=ReplyFormat.JSON)
IFCONFIG_CO = Profile(name="ifconfig_co", paths=("/ip",), answer=_line, failures={"challenge": JAVASCRIPT_CHALLENGE})

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        AWS,
        CLOUDFLARE_TRACE,
        HTTPBIN,
        ICANHAZIP,
        IDENT_ME,
        IFCONFIG_CO,
        IFCONFIG_ME,
        IPIFY,
        IPINFO,
    )
}


def profile_named(name: str) -> Profile:
    """
    Raises:
        KeyError: there is none; the text names those that there are.
    """
    if name not in PROFILES:
        raise KeyError(f"no profile {name!r}; there are: {', '.join(PROFILES)}")
    return PROFILES[name]
