"""
What is needed to ask one source: a URL, and what its reply looks like.

The scheme of the URL says how:

    https://host/path                                the body of the reply; `http` only when allowed by name
    dns://server/?name=…&type=TXT&class=CH           one question over UDP
    dot://server/?name=…&type=TXT&class=CH           the same over TLS (RFC 7858)
    doh://server/dns-query?name=…&type=TXT&class=CH  the same over HTTPS (RFC 8484)
    stun://server:3478                               a Binding request (RFC 8489)
    interface://any                                  the address this machine itself would send from
"""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit

from ip_monitor.domain.addresses import Address, Family, Network, family_of
from ip_monitor.domain.answers import Source, SourceRefusedError, Transport

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}")
NAME_RULE = "1 to 40 letters, digits, spaces, '.', '_' or '-', a letter or digit first"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9.])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_URL_PUNCTUATION = frozenset("!#$%&'()*+,-./:;=?@[]_~")
_LONGEST_URL = 2048
_SHOWN_URL = 80
MAX_TIMEOUT_S = 30.0
USUAL_TIMEOUT_S = 4.5
_TRANSPORTS = {transport.value: transport for transport in Transport}
_WEIGHTS = {Transport.STUN: 0.5, Transport.DNS: 0.25, Transport.INTERFACE: 0.0}
_DNS = frozenset({Transport.DNS, Transport.DOT, Transport.DOH})
_DNS_TYPES = frozenset({"A", "AAAA", "TXT"})
_DNS_CLASSES = frozenset({"IN", "CH"})


@dataclass(frozen=True, slots=True)
class DNSQuestion:
    """
    A question of the DNS, with type and class by their usual names.
    """

    name: str
    type: str
    class_: str


class ReplyFormat(StrEnum):
    """
    What a reply looks like. `AUTO` tries the others in the order JSON, trace, text.
    """

    TEXT = "text"
    JSON = "json"
    TRACE = "trace"  # lines of `key=value`
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """
    One way to ask one operator.

    Attributes:
        name: 1 to 40 letters, digits, spaces, dots, underscores or hyphens, and the family, which may follow; unique
            among a monitor's sources.
        operator: who runs it; the same characters. Sources of one operator share a vote.
        json_path: where in a JSON reply the address is, keys and list positions joined by dots; empty for the usual
            names ("ip" and its like).
        weight: of the vote through this source; None takes the transport's own: 0.5 for STUN, 0.25 for plain DNS, 0 for
            interfaces (evidence only), 1 for the others.
        require_fields: fields of a trace that must have this value.
        forbid_fields: fields of a trace that must not have this value.
        refused_ranges: addresses that cannot be true from this source, such as its operator's own.
        timeout_s: for the whole question, above 0 to 30 seconds.
        allow_plain_http: `http://` is fine. Without TLS anybody on the way can forge the reply.
        allow_private_address: the server may be on a private, loopback or other address that is not public.

    Raises:
        SourceRefusedError: a field out of range, with the field, its value and what is allowed.
    """

    name: str
    url: str
    operator: str
    family: Family
    format: ReplyFormat = ReplyFormat.AUTO
    json_path: str = ""
    weight: float | None = None
    require_fields: tuple[tuple[str, str], ...] = ()
    forbid_fields: tuple[tuple[str, str], ...] = ()
    refused_ranges: tuple[Network, ...] = ()
    timeout_s: float = USUAL_TIMEOUT_S
    allow_plain_http: bool = False
    allow_private_address: bool = False

    def __post_init__(self) -> None:
        for field, value in (("name", self.bare_name), ("operator", self.operator)):
            if not NAME.fullmatch(value):
                raise self._refusal(field, value, f"use {NAME_RULE}")
        if not (math.isfinite(self.timeout_s) and 0 < self.timeout_s <= MAX_TIMEOUT_S):
            raise self._refusal("timeout_s", self.timeout_s, f"give seconds above 0 and up to {MAX_TIMEOUT_S:g}")
        if self.json_path and self.format not in {ReplyFormat.JSON, ReplyFormat.AUTO}:
            raise self._refusal("json_path", self.json_path, f"only format 'json' has a path, not '{self.format}'")
        self._check_url()
        _ = self.source  # weighs

    @property
    def transport(self) -> Transport:
        return _TRANSPORTS[urlsplit(self.url).scheme]

    @property
    def bare_name(self) -> str:
        """
        The name without the family: what settings and people call it.
        """
        return self.name.removesuffix(f" {self.family.label}")

    @property
    def host(self) -> str:
        """
        The host of the URL in lower case, an IPv6 literal without its brackets.
        """
        return urlsplit(self.url).hostname or ""

    @property
    def literal_address(self) -> Address | None:
        """
        The address when the URL names one instead of a host name.
        """
        return _literal(self.host)

    @property
    def source(self) -> Source:
        transport = self.transport
        weight = _WEIGHTS.get(transport, 1.0) if self.weight is None else self.weight
        return Source(name=self.name, operator=self.operator, family=self.family, transport=transport, weight=weight)

    @property
    def port(self) -> int | None:
        """
        The port of the URL when it names one.
        """
        return urlsplit(self.url).port

    @property
    def question(self) -> DNSQuestion:
        """
        What a DNS source is asked.
        """
        return _question(urlsplit(self.url).query)

    def _refusal(self, field: str, value: object, remedy: str) -> SourceRefusedError:
        shown = str(value)
        shown = shown if len(shown) <= _SHOWN_URL else shown[:_SHOWN_URL] + "…"
        return SourceRefusedError(f"provider {self.bare_name[:40]!r}: {field} is {shown!r}; {remedy}.")

    def _check_url(self) -> None:
        # urlsplit drops tabs and newlines, and parsers differ about backslashes: what two readers of one URL could
        # read differently is refused before it is split.
        if len(self.url) > _LONGEST_URL or not all(
            c.isascii() and (c.isalnum() or c in _URL_PUNCTUATION) for c in self.url
        ):
            raise self._refusal(
                "url",
                self.url,
                f"use at most {_LONGEST_URL} printable ASCII characters (host names beyond it as xn--…)",
            )
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError as error:
            raise self._refusal("url", self.url, f"it cannot be read ({error})") from error
        if parts.scheme not in _TRANSPORTS:
            raise self._refusal("url", self.url, f"the scheme must be one of {', '.join(sorted(_TRANSPORTS))}")
        if parts.scheme == "http" and not self.allow_plain_http:
            raise self._refusal(
                "url",
                self.url,
                "plain HTTP can be forged on the way; use https, or allow it: --plain-http, plain_http = true in the file",
            )
        if parts.username is not None or parts.password is not None:
            raise self._refusal("url", "…@…", "leave out user name and password")
        if port == 0:
            raise self._refusal("url", self.url, "give a port from 1 to 65535")
        self._check_host(parts)
        if _TRANSPORTS[parts.scheme] in _DNS:
            self._check_question(parts)

    def _check_question(self, parts: SplitResult) -> None:
        question = _question(parts.query)
        if not _HOST.fullmatch(question.name) or question.type not in _DNS_TYPES or question.class_ not in _DNS_CLASSES:
            raise self._refusal(
                "url",
                self.url,
                "its query needs name=…, type=A, AAAA or TXT, and class=IN or CH, as in ?name=whoami.cloudflare&type=TXT&class=CH",
            )

    def _check_host(self, parts: SplitResult) -> None:
        host = parts.hostname or ""
        literal = _literal(host)
        if literal is None and not _HOST.fullmatch(host):
            raise self._refusal("url", self.url, "it needs a host name or an address")
        if literal is None and _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            # "2130706433" and "127.1" are addresses to some resolvers.
            raise self._refusal("url", self.url, "write an address in full, four numbers with dots")
        if literal is not None and family_of(literal) is not self.family:
            raise self._refusal(
                "url", self.url, f"its address is not of the family {self.family.label} it is asked for"
            )


def _question(query: str) -> DNSQuestion:
    fields = dict(parse_qsl(query))
    return DNSQuestion(fields.get("name", ""), fields.get("type", "A").upper(), fields.get("class", "IN").upper())


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def field_rules(rules: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """
    Rules written as a mapping, in the frozen form a specification keeps.
    """
    return tuple(sorted(rules.items()))
