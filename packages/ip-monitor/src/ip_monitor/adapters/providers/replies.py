"""
From the bytes of a reply to the text of one address, in the formats that services use.

Nothing is searched for: a reply that is not what its format says is refused, because an address fished out of a
page is how captive portals and error pages become "the address".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeAlias, Union

from ip_monitor.domain.addresses import Address, AddressPolicy, AddressRefusedError, Family, parse
from ip_monitor.domain.answers import FailureKind
from ip_monitor.domain.providers import ProviderSpec, ReplyFormat
from ip_monitor.errors import IPMonitorError

_JSON: TypeAlias = Union[dict[str, "_JSON"], list["_JSON"], str, int, float, bool, None]  # noqa: UP007 - recursive
# Where services put the address when nobody says where: ipify and most others, httpbin, ip-api and the rest.
_USUAL_KEYS = ("ip", "origin", "address", "ip_addr", "ip_address", "query", "ipv4", "ipv6")
_SHOWN = 60


class ReplyRefusedError(IPMonitorError, ValueError):
    """
    A reply that holds no address that counts; `kind` and `detail` say why, `retry_after_s` how long its sender wants to be
    left alone.
    """

    def __init__(self, kind: FailureKind, detail: str, *, retry_after_s: float | None = None) -> None:
        self.kind = kind
        self.detail = detail
        self.retry_after_s = retry_after_s
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Reply:
    """
    A reply as it came: its body, whole, and the media type its sender claims ("" when none).
    """

    body: bytes
    media_type: str = ""

    def text(self) -> str:
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ReplyRefusedError(FailureKind.MALFORMED, "the reply is not text") from error


def read_address(reply: Reply, spec: ProviderSpec, policy: AddressPolicy) -> Address:
    """
    The public address that a reply gives.

    Raises:
        ReplyRefusedError: empty, a page, not in the expected format, several addresses, the other family, not public,
            or against a rule of this source.
    """
    text = reply.text()
    if not text.strip():
        raise ReplyRefusedError(FailureKind.EMPTY, "the reply is empty")
    return accept(_extract(text, spec, is_page=_is_page(reply, text)), spec, policy)


def accept(text: str, spec: ProviderSpec, policy: AddressPolicy) -> Address:
    """
    The public address that `text` alone writes.

    Raises:
        ReplyRefusedError: not an address, of the other family, not public, or in a range that this source refuses.
    """
    address = _parse(text, spec.family)
    reason = policy.refusal(address)
    if reason is not None:
        raise ReplyRefusedError(FailureKind.NOT_PUBLIC, f"{address} is no public address: {reason}")
    own = next((network for network in spec.refused_ranges if address in network), None)
    if own is not None:
        raise ReplyRefusedError(FailureKind.RULE, f"{address} is in {own}, which belongs to a provider's own network")
    return address


def _is_page(reply: Reply, text: str) -> bool:
    return reply.media_type in {"text/html", "application/xhtml+xml"} or text.lstrip().startswith("<")


def _extract(text: str, spec: ProviderSpec, *, is_page: bool) -> str:
    try:
        match spec.format:
            case ReplyFormat.TEXT:
                return _from_text(text)
            case ReplyFormat.JSON:
                return _from_json(text, spec.json_path)
            case ReplyFormat.TRACE:
                return _from_trace(text, spec)
            case ReplyFormat.AUTO:
                return _from_any(text, spec)
    except ReplyRefusedError:
        # Some services send a bare address as text/html, so being a page matters only when the format does not fit.
        if is_page:
            raise ReplyRefusedError(FailureKind.MARKUP, f"a page came back: {_shown(text)}") from None
        raise


def _from_any(text: str, spec: ProviderSpec) -> str:
    start = text.lstrip()[:1]
    if start in {"{", "[", '"'}:
        return _from_json(text, spec.json_path)
    if "=" in text:
        return _from_trace(text, spec)
    return _from_text(text)


def _from_text(text: str) -> str:
    words = text.replace(",", " ").split()
    if len(words) > 1 and all(_is_address(word) for word in words):
        raise ReplyRefusedError(FailureKind.SEVERAL, f"{len(words)} addresses came back: {_shown(text)}")
    if len(words) != 1:
        raise ReplyRefusedError(FailureKind.MALFORMED, f"not the text of one address: {_shown(text)}")
    return words[0]


def _from_json(text: str, path: str) -> str:
    try:
        value: _JSON = json.loads(text)
    except (ValueError, RecursionError) as error:
        # A few kilobytes of "[" are enough for a RecursionError.
        raise ReplyRefusedError(FailureKind.MALFORMED, f"not JSON: {_shown(text)}") from error
    if path:
        value = _walk(value, path)
    elif isinstance(value, dict):
        value = next((value[key] for key in _USUAL_KEYS if key in value), None)
    if not isinstance(value, str):
        where = f"at {path!r}" if path else f"under any of {', '.join(_USUAL_KEYS)}"
        raise ReplyRefusedError(FailureKind.MALFORMED, f"no text {where} in {_shown(text)}")
    return _from_text(value)


def _walk(value: _JSON, path: str) -> _JSON:
    for step in path.split("."):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise ReplyRefusedError(FailureKind.MALFORMED, f"nothing at {path!r} in the JSON reply")
    return value


def _from_trace(text: str, spec: ProviderSpec) -> str:
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if not equals:
            if key:
                raise ReplyRefusedError(FailureKind.MALFORMED, f"not a line of key=value: {_shown(line)}")
            continue
        if key in fields:
            raise ReplyRefusedError(FailureKind.MALFORMED, f"the field {key[:20]!r} comes twice")
        fields[key] = value
    for key, wanted in spec.require_fields:
        if fields.get(key) != wanted:
            raise ReplyRefusedError(FailureKind.RULE, f"{key} is {_shown(fields.get(key, ''))}, not {wanted!r}")
    for key, forbidden in spec.forbid_fields:
        if fields.get(key) == forbidden:
            raise ReplyRefusedError(FailureKind.RULE, f"{key} is {forbidden!r}: the question went through a tunnel")
    if "ip" not in fields:
        raise ReplyRefusedError(FailureKind.MALFORMED, f"no line ip=… in {_shown(text)}")
    return fields["ip"]


def _is_address(word: str) -> bool:
    for family in Family:
        try:
            parse(word, family)
        except AddressRefusedError:
            continue
        return True
    return False


def _parse(text: str, family: Family) -> Address:
    try:
        return parse(text, family)
    except AddressRefusedError as error:
        kind = FailureKind.WRONG_FAMILY if _is_address(text) else FailureKind.MALFORMED
        raise ReplyRefusedError(kind, f"{_shown(text)}: {error.reason}") from error


def _shown(text: str) -> str:
    cut = text.strip()
    return repr(cut if len(cut) <= _SHOWN else cut[:_SHOWN] + "…")
