"""
Asking the DNS: services that answer a question with the address it came from.

Plain UDP is evidence and a cheap probe, never proof: a resolver on the way answers for itself. DoT and DoH are
authenticated by TLS like HTTPS.

Source: RFC 1035 (messages), RFC 7858 (DoT), RFC 8484 (DoH); message format by dnspython.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from ip_monitor.adapters.providers.asking import AskingProvider
from ip_monitor.adapters.providers.datagram import ask_over_udp
from ip_monitor.adapters.providers.http import check_status, read_body
from ip_monitor.adapters.providers.replies import ReplyRefusedError, accept
from ip_monitor.domain.answers import EVIDENCE_LIMIT_BYTES, FailureKind, Transport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ip_monitor.domain.addresses import Address
    from ip_monitor.domain.providers import ProviderSpec

_PORT = 53
_TLS_PORT = 853
_REPEAT_AFTER_S = (1.0, 2.0)
_LENGTH = struct.Struct("!H")


def make_question(spec: ProviderSpec, *, with_id: bool = True) -> dns.message.QueryMessage:
    """
    The question of a specification, with a random id; with id 0 for DoH (RFC 8484 section 4.1).
    """
    asked = spec.question
    message = dns.message.make_query(asked.name, asked.type, asked.class_)
    if not with_id:
        message.id = 0
    return message


def read_answer(data: bytes, question: dns.message.Message) -> str | None:
    """
    The one address that a response to `question` gives; None when it is not a response to it.

    Of TXT records those that name another subnet (`edns0-client-subnet`) are left out, and the same text twice is one:
    resolvers repeat and reorder.

    Raises:
        ReplyRefusedError: truncated, an error code, no answer, or several addresses.
    """
    try:
        message = dns.message.from_wire(data, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        return None
    if not question.is_response(message):
        return None
    if message.flags & dns.flags.TC:
        raise ReplyRefusedError(FailureKind.TOO_LARGE, "the DNS response is truncated")
    code = message.rcode()
    if code != dns.rcode.NOERROR:
        raise ReplyRefusedError(FailureKind.STATUS, f"the DNS server answers {dns.rcode.to_text(code)}")
    texts = list(dict.fromkeys(_texts(message)))
    if not texts:
        raise ReplyRefusedError(FailureKind.EMPTY, "the DNS response has no answer")
    if len(texts) > 1:
        raise ReplyRefusedError(FailureKind.SEVERAL, f"{len(texts)} answers came back: {', '.join(texts)[:60]}")
    return texts[0]


def _texts(message: dns.message.Message) -> list[str]:
    found: list[str] = []
    for rrset in message.answer:
        for record in cast("Iterable[object]", rrset):
            if isinstance(record, TXT):
                text = b"".join(record.strings).decode("ascii", "replace")
                if not text.startswith("edns0-client-subnet"):
                    found.append(text)
            elif isinstance(record, A | AAAA):
                found.append(record.address)
    return found


class DNSProvider(AskingProvider):
    """
    Asks one DNS server over UDP, TLS or HTTPS, as the scheme of its URL says.
    """

    async def _exchange(self, raw: bytearray) -> Address:
        match self._spec.transport:
            case Transport.DOT:
                text = await self._over_tls(raw)
            case Transport.DOH:
                text = await self._over_https(raw)
            case _:
                text = await self._over_udp(raw)
        return accept(text, self._spec, self._client.policy)

    async def _over_udp(self, raw: bytearray) -> str:
        host = await self._client.resolve(self._spec)
        question = make_question(self._spec)

        def take(data: bytes) -> str | None:
            raw[:] = data
            return read_answer(data, question)

        port = self._spec.port or _PORT
        connected = await self._client.connect(host, port, kind=socket.SOCK_DGRAM)
        return await ask_over_udp(connected, question.to_wire(), accept=take, repeat_after_s=_REPEAT_AFTER_S)

    async def _over_tls(self, raw: bytearray) -> str:
        host = await self._client.resolve(self._spec)
        context = await self._client.trust()
        question = make_question(self._spec)
        wire = question.to_wire()
        connected = await self._client.connect(host, self._spec.port or _TLS_PORT, kind=socket.SOCK_STREAM)
        try:
            reader, writer = await asyncio.open_connection(sock=connected, ssl=context, server_hostname=self._spec.host)
        except BaseException:
            connected.close()
            raise
        try:
            writer.write(_LENGTH.pack(len(wire)) + wire)
            (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
            raw += await reader.readexactly(min(length, EVIDENCE_LIMIT_BYTES))
        except asyncio.IncompleteReadError as error:
            raw += error.partial
            raise ReplyRefusedError(FailureKind.MALFORMED, "the DNS response ends too early") from error
        finally:
            # Nothing more is wanted from the server, not even its farewell.
            writer.transport.abort()
        return _taken(read_answer(bytes(raw), question))

    async def _over_https(self, raw: bytearray) -> str:
        spec = self._spec
        self._client.check_literal(spec)
        question = make_question(spec, with_id=False)
        url = "https" + spec.url.removeprefix("doh").partition("?")[0]
        session = self._client.session(spec.family, allow_private=spec.allow_private_address)
        headers = {"Accept": "application/dns-message", "Content-Type": "application/dns-message"}
        async with session.post(url, data=question.to_wire(), headers=headers, allow_redirects=False) as response:
            await read_body(response, raw)
            check_status(response, now=self._clock.time())
            if len(raw) > EVIDENCE_LIMIT_BYTES:
                raise ReplyRefusedError(FailureKind.TOO_LARGE, f"the reply is larger than {EVIDENCE_LIMIT_BYTES} bytes")
            if response.content_type != "application/dns-message":
                raise ReplyRefusedError(FailureKind.MARKUP, f"a reply of type {response.content_type!r} came back")
        return _taken(read_answer(bytes(raw), question))


def _taken(text: str | None) -> str:
    if text is None:
        raise ReplyRefusedError(FailureKind.MALFORMED, "not a response to the question")
    return text
