"""
Asking over HTTP and HTTPS with aiohttp.

Each question opens a connection of its own: a kept connection would stay on the line it was opened on, and report the
old address after a switch to another. Proxies from the environment are not used, because their address would come
back. Redirects are refused, cookies are not kept, and no more than 4 KiB of a reply is read.
"""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import aiohttp

from ip_monitor import __version__
from ip_monitor.adapters.providers.replies import Reply, ReplyRefusedError, read_address
from ip_monitor.adapters.providers.resolver import GuardedResolver, HostRefusedError, look_up
from ip_monitor.domain.addresses import Address, AddressPolicy, Family
from ip_monitor.domain.answers import EVIDENCE_LIMIT_BYTES, Answer, Failure, FailureKind, Source
from ip_monitor.resilience.clock import Clock, SystemClock, utc_now

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from ip_monitor.domain.providers import ProviderSpec

_FAMILIES = {Family.V4: socket.AF_INET, Family.V6: socket.AF_INET6}
_LONGEST_RETRY_AFTER_S = 86_400.0


class HTTPClient:
    """
    The sessions behind all HTTP providers: one for each family, and one more for those that may use private
    addresses. Sessions are made when first used, inside the running loop.

    Args:
        policy: which addresses count as public, for servers too.
        ssl_context: verifies servers; aiohttp's own default when None.
        look_up: the blocking name resolution.
    """

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        ssl_context: ssl.SSLContext | None = None,
        look_up: Callable[[str, socket.AddressFamily], list[str]] = look_up,
    ) -> None:
        self.policy = policy
        self._ssl_context = ssl_context
        self._look_up = look_up
        self._sessions: dict[tuple[Family, bool], aiohttp.ClientSession] = {}
        self._resolvers: dict[tuple[Family, bool], GuardedResolver] = {}

    def session(self, family: Family, *, allow_private: bool) -> aiohttp.ClientSession:
        key = (family, allow_private)
        if key not in self._sessions:
            address_family = _FAMILIES[family]
            policy = None if allow_private else self.policy
            resolver = GuardedResolver(address_family, policy=policy, look_up=self._look_up)
            self._resolvers[key] = resolver
            connector = aiohttp.TCPConnector(
                family=address_family,
                resolver=resolver,
                ssl=self._ssl_context if self._ssl_context is not None else True,
                use_dns_cache=False,
                force_close=True,
                limit=0,
            )
            self._sessions[key] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                # Deadlines are the providers' own; aiohttp's would round them.
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": f"ip-monitor/{__version__}", "Accept-Encoding": "identity", "Accept": "*/*"},
            )
        return self._sessions[key]

    def addresses_of(self, spec: ProviderSpec) -> frozenset[Address]:
        """
        Where the server of `spec` was when it was last asked; empty before.
        """
        if spec.literal_address is not None:
            return frozenset({spec.literal_address})
        resolver = self._resolvers.get((spec.family, spec.allow_private_address))
        return resolver.addresses_of(spec.host) if resolver else frozenset()

    async def aclose(self) -> None:
        """
        Close every session. Idempotent; the client may be used again afterwards.
        """
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()


class HTTPProvider:
    """
    Asks one URL. See `ProviderSpec` for what is checked.
    """

    def __init__(self, spec: ProviderSpec, *, client: HTTPClient, clock: Clock | None = None) -> None:
        self._spec = spec
        self._source = spec.source
        self._client = client
        self._clock = clock or SystemClock()

    def __repr__(self) -> str:
        return f"<HTTPProvider {self._spec.name!r} {self._spec.url}>"

    @property
    def source(self) -> Source:
        return self._source

    @property
    def spec(self) -> ProviderSpec:
        return self._spec

    async def ask(self) -> Answer:
        started = self._clock.monotonic()
        body = bytearray()
        address: Address | None = None
        failure: Failure | None = None
        try:
            async with asyncio.timeout(self._spec.timeout_s):
                address = await self._exchange(body)
        except _RefusedError as error:
            failure = error.failure
        except ReplyRefusedError as error:
            failure = Failure(kind=error.kind, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - trouble of any kind is an answer, and must not end the panel
            failure = _failure_of(error, self._spec)
        return Answer(
            source=self._source,
            at=utc_now(self._clock),
            latency_s=max(0.0, self._clock.monotonic() - started),
            address=address,
            failure=failure,
            raw=bytes(body[:EVIDENCE_LIMIT_BYTES]),
        )

    async def _exchange(self, body: bytearray) -> Address:
        spec = self._spec
        self._check_literal()
        session = self._client.session(spec.family, allow_private=spec.allow_private_address)
        async with session.get(spec.url, allow_redirects=False) as response:
            async for chunk in response.content.iter_chunked(EVIDENCE_LIMIT_BYTES):
                body += chunk
                if len(body) > EVIDENCE_LIMIT_BYTES:
                    break
            self._check_status(response)
            if len(body) > EVIDENCE_LIMIT_BYTES:
                kind = FailureKind.MARKUP if response.content_type == "text/html" else FailureKind.TOO_LARGE
                raise ReplyRefusedError(kind, f"the reply is larger than {EVIDENCE_LIMIT_BYTES} bytes")
            address = read_address(Reply(bytes(body), response.content_type), spec, self._client.policy)
            # A server that answers with its own address echoes the wrong end. Where private servers are allowed, both
            # ends can well be the same machine.
            if not spec.allow_private_address and address in self._client.addresses_of(spec):
                raise ReplyRefusedError(FailureKind.RULE, f"{address} is the address of the server that was asked")
            return address

    def _check_literal(self) -> None:
        # aiohttp asks no resolver about an address in the URL, so the guard is here.
        literal = self._spec.literal_address
        if literal is not None and not self._spec.allow_private_address:
            reason = self._client.policy.refusal(literal)
            if reason is not None:
                raise HostRefusedError(self._spec.host, str(literal), reason)

    def _check_status(self, response: aiohttp.ClientResponse) -> None:
        status = response.status
        if status == 200:
            return
        retry_after_s = _retry_after(response.headers.get("Retry-After"), now=self._clock.time())
        if 300 <= status < 400:
            where = response.headers.get("Location", "nowhere")[:80]
            raise _RefusedError(
                FailureKind.REDIRECT, f"status {status}: redirected to {where!r}, which is not followed"
            )
        if status == 511:
            # RFC 6585 section 6: the network itself asks for a login.
            raise _RefusedError(FailureKind.REDIRECT, "status 511: the network wants a login")
        if status == 429:
            raise _RefusedError(FailureKind.RATE_LIMITED, "status 429: asked too often", retry_after_s)
        raise _RefusedError(FailureKind.STATUS, f"status {status}", retry_after_s)


class _RefusedError(Exception):
    def __init__(self, kind: FailureKind, detail: str, retry_after_s: float | None = None) -> None:
        self.failure = Failure(kind=kind, detail=detail, retry_after_s=retry_after_s)
        super().__init__(detail)


def _retry_after(value: str | None, *, now: float) -> float | None:
    """
    Seconds to wait, at most a day; None when absent or unreadable.

    Source: RFC 9110 section 10.2.3, a number of seconds or an HTTP date.
    """
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_RETRY_AFTER_S)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return min(max(0.0, (when - datetime.fromtimestamp(now, UTC)).total_seconds()), _LONGEST_RETRY_AFTER_S)


def _failure_of(error: Exception, spec: ProviderSpec) -> Failure:
    """
    The failure that an exception of aiohttp or of the system stands for.
    """
    host = spec.host
    match error:
        case TimeoutError():
            kind, detail = FailureKind.TIMEOUT, f"no answer within {spec.timeout_s:g} s"
        case HostRefusedError():
            kind, detail = FailureKind.UNREACHABLE, str(error)
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            kind, detail = FailureKind.TLS, f"TLS to {host} failed: {_line(error)}"
        case aiohttp.ClientConnectorDNSError():
            kind, detail = FailureKind.UNREACHABLE, f"no address for {host}: {_line(error.os_error)}"
        case aiohttp.ClientConnectorError():
            kind, detail = FailureKind.UNREACHABLE, f"no connection to {host}: {_line(error.os_error)}"
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            kind, detail = FailureKind.MALFORMED, f"the reply breaks HTTP: {_line(error)}"
        case aiohttp.ClientError() | OSError():
            kind, detail = FailureKind.UNREACHABLE, f"the connection to {host} broke: {_line(error)}"
        case _:
            kind, detail = FailureKind.INTERNAL, f"{type(error).__name__}: {_line(error)}"
    return Failure(kind=kind, detail=detail)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
