"""
What asking has in common over all transports: a deadline, the time it took, and trouble of any kind made an answer.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import aiohttp

from ip_monitor.adapters.providers.replies import ReplyRefusedError
from ip_monitor.adapters.providers.resolver import HostRefusedError
from ip_monitor.domain.answers import EVIDENCE_LIMIT_BYTES, Answer, Failure, FailureKind, Source
from ip_monitor.resilience.clock import Clock, SystemClock, utc_now

if TYPE_CHECKING:
    from ip_monitor.adapters.providers.client import HTTPClient
    from ip_monitor.domain.addresses import Address
    from ip_monitor.domain.providers import ProviderSpec


class AskingProvider(ABC):
    """
    A provider that asks as its specification says. See `ProviderSpec` for what is checked.
    """

    def __init__(self, spec: ProviderSpec, *, client: HTTPClient, clock: Clock | None = None) -> None:
        self._spec = spec
        self._source = spec.source
        self._client = client
        self._clock = clock or SystemClock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._spec.name!r} {self._spec.url}>"

    @property
    def source(self) -> Source:
        return self._source

    @property
    def spec(self) -> ProviderSpec:
        return self._spec

    async def ask(self) -> Answer:
        """
        Ask once. Never raises but CancelledError.
        """
        started = self._clock.monotonic()
        raw = bytearray()
        address: Address | None = None
        failure: Failure | None = None
        try:
            async with asyncio.timeout(self._spec.timeout_s):
                address = await self._exchange(raw)
        except ReplyRefusedError as error:
            failure = Failure(kind=error.kind, detail=error.detail, retry_after_s=error.retry_after_s)
        except Exception as error:  # noqa: BLE001 - trouble of any kind is an answer, and must not end the panel
            failure = _failure_of(error, self._spec)
        return Answer(
            source=self._source,
            at=utc_now(self._clock),
            latency_s=max(0.0, self._clock.monotonic() - started),
            address=address,
            failure=failure,
            raw=bytes(raw[:EVIDENCE_LIMIT_BYTES]),
        )

    @abstractmethod
    async def _exchange(self, raw: bytearray) -> Address:
        """
        Ask and judge the reply; what came in goes into `raw` as it comes, so that it is evidence whatever happens then.
        """


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
        case ssl.SSLError():
            kind, detail = FailureKind.TLS, f"TLS to {host} failed: {_line(error)}"
        case socket.gaierror():
            kind, detail = FailureKind.UNREACHABLE, f"no address for {host}: {_line(error)}"
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
