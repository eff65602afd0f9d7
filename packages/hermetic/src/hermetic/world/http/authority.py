"""
Certificates for servers, from an authority that exists only for the test.
"""

from __future__ import annotations

import datetime as dt
import ssl
from functools import cached_property
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path

# Names and addresses under which a loopback server is reached.
NAMES = ("localhost", "127.0.0.1", "::1")


class Authority:
    """
    A certificate authority with fresh keys, made in memory; nothing is written unless asked.

    Args:
        names: what the server's certificate is good for.
    """

    def __init__(self, *names: str) -> None:
        self.names = names or NAMES
        self._ca = trustme.CA()

    @property
    def pem(self) -> bytes:
        """
        The authority's own certificate, for clients to trust.
        """
        return self._ca.cert_pem.bytes()

    def write_pem(self, path: Path) -> Path:
        """
        Write `pem` to a file, for clients that take only a path (`verify=`, `REQUESTS_CA_BUNDLE`).
        """
        path.write_bytes(self.pem)
        return path

    def client_context(self) -> ssl.SSLContext:
        """
        A context that trusts this authority and nothing else.
        """
        context = ssl.create_default_context(cadata=self.pem.decode())
        context.check_hostname = True
        return context

    def context(self, how: str = "good") -> ssl.SSLContext:
        """
        A server's context: "good", or as a TLS fault names it: "expired", "wrong_host", "untrusted".
        """
        context: ssl.SSLContext = getattr(self, how)
        return context

    @cached_property
    def good(self) -> ssl.SSLContext:
        return _context(self._ca.issue_cert(*self.names))

    @cached_property
    def expired(self) -> ssl.SSLContext:
        """
        Of this authority, for the right names, and out of date since yesterday.
        """
        now = dt.datetime.now(dt.UTC)
        day = dt.timedelta(days=1)
        return _context(self._ca.issue_cert(*self.names, not_before=now - 30 * day, not_after=now - day))

    @cached_property
    def wrong_host(self) -> ssl.SSLContext:
        """
        Of this authority, in date, for another host.
        """
        return _context(self._ca.issue_cert("wrong.host.invalid"))

    @cached_property
    def untrusted(self) -> ssl.SSLContext:
        """
        For the right names, in date, of an authority that nobody trusts.
        """
        return _context(trustme.CA().issue_cert(*self.names))


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - it names pyOpenSSL's type too
    return context
