"""
Who asks, and what they may see: the one place where reading and controlling are allowed or refused.
"""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ip_monitor.adapters.web.sessions import Session, Sessions
    from ip_monitor.adapters.web.tokens import TokenFile
    from ip_monitor.domain.addresses import Address
    from ip_monitor.resilience.rate_limiter import RateLimiter
    from ip_monitor.settings import Settings

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
_BEARER = "bearer "
_REMEMBERED = 64
# A name has at most 253 characters. Source: RFC 1035, section 2.3.4.
_LONGEST_HOST = 300


@dataclass(frozen=True, slots=True)
class Visit:
    """
    Attributes:
        may_read: whether anything but the state of the service is told.
        is_masked: whether addresses are shown in part only.
        session: of somebody who signed in with a browser.
        is_bearer: a program brought the token along.
        is_secure: the browser reached the page over TLS.
    """

    may_read: bool
    is_masked: bool
    session: Session | None
    is_bearer: bool
    is_secure: bool

    @property
    def is_signed_in(self) -> bool:
        return self.session is not None or self.is_bearer


class Doorkeeper:
    """
    Args:
        settings: those that apply now.
        attempts: how often a token may be tried.
        is_tls: whether this server itself speaks TLS.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        *,
        sessions: Sessions,
        token: TokenFile,
        attempts: RateLimiter,
        is_tls: bool,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._token = token
        self._attempts = attempts
        self._is_tls = is_tls

    def is_known_host(self, host: str) -> bool:
        """
        Whether a `Host` header names this page. A name that the settings do not give is refused, because whoever owns a
        name can point it at this machine and have a browser read the page for them (DNS rebinding). An IP address cannot
        be pointed elsewhere.
        """
        name = host_name(host)
        return name is not None and (is_address(name) or _is_local_name(name) or name in self._names())

    def is_own_origin(self, origin: str, host: str) -> bool:
        """
        Whether a form comes from this page itself.
        """
        scheme = "https" if self._is_tls else "http"
        return origin in {f"{scheme}://{host}", *self._settings().web_origins}

    def admit(self, *, peer: str, host: str, headers: Mapping[str, str], cookie: str | None) -> Visit:
        """
        Judge one request. A token that is not the right one makes nobody.

        Raises:
            RateLimitedError: too many tokens were tried.
        """
        session = None if cookie is None else self._sessions.find(cookie)
        authorization = headers.get("Authorization", "")
        is_bearer = authorization[: len(_BEARER)].lower() == _BEARER and self.is_token(authorization[len(_BEARER) :])
        is_secure = self._is_tls or f"https://{host}" in self._settings().web_origins
        reading = self._settings().web_reading
        is_signed_in = is_bearer or session is not None
        may_read = is_signed_in or reading in {"masked", "public"}
        may_read = may_read or (reading == "local" and self._is_here(peer=peer, host=host, headers=headers))
        is_masked = reading == "masked" and not is_signed_in
        return Visit(may_read, is_masked, session, is_bearer, is_secure)

    def is_token(self, given: str) -> bool:
        """
        Compares in constant time; wrong tokens are counted, and so many of them make this raise for everybody.

        Raises:
            RateLimitedError: too many were tried.
        """
        if self._attempts.retry_in_s() > 0:
            self._attempts.acquire_nowait()
        if self._token.matches(given.strip()):
            return True
        self._attempts.acquire_nowait()
        return False

    def is_still(self, visit: Visit, *, peer: str, host: str, headers: Mapping[str, str]) -> bool:
        """
        Whether what was allowed to a stream still is: settings change, and people sign out.
        """
        if visit.session is not None:
            return self._sessions.is_open(visit.session)
        if visit.is_bearer:
            return self._token.matches(headers.get("Authorization", "")[len(_BEARER) :].strip())
        return self.admit(peer=peer, host=host, headers=headers, cookie=None) == visit

    def _is_here(self, *, peer: str, host: str, headers: Mapping[str, str]) -> bool:
        # A proxy on this machine connects from here for people who are not.
        is_forwarded = any(name in headers for name in _FORWARDED)
        name = host_name(host) or ""
        return not is_forwarded and (_is_local_name(name) or is_loopback(name)) and is_loopback(peer)

    def _names(self) -> set[str | None]:
        return {urlsplit(origin).hostname for origin in self._settings().web_origins}


# The same few names come with every request, and taking one apart costs as much as the rest of the door.
@functools.lru_cache(maxsize=_REMEMBERED)
def host_name(host: str) -> str | None:
    """
    The name or address in a `Host` header, in small letters; None when there is none to read.

    Source: RFC 9110, section 7.2.
    """
    if len(host) > _LONGEST_HOST:
        return None
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises for one that cannot be
    except ValueError:
        return None
    is_plain = parts.netloc == host and "@" not in host and not parts.path
    return parts.hostname if is_plain and parts.hostname else None


def is_address(name: str) -> bool:
    return _address(name) is not None


def is_loopback(name: str) -> bool:
    """
    Whether it is an address of this machine alone.
    """
    address = _address(name)
    return address is not None and address.is_loopback


@functools.lru_cache(maxsize=_REMEMBERED)
def _address(name: str) -> Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _is_local_name(name: str) -> bool:
    # Browsers resolve these to loopback themselves. Source: RFC 6761, section 6.3.
    return name == "localhost" or name.endswith(".localhost")
