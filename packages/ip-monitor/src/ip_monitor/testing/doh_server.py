"""
A DNS server over HTTPS on loopback, true or false in the same ways as the one over UDP.

Source: RFC 8484, sections 4.1 (POST with the message as body, GET with it in `dns`) and 6 (the media type).
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from hermetic.world.http import MockServer, Reply, fail, faults

from ip_monitor.testing.dns_server import MockDNSServer

if TYPE_CHECKING:
    from hermetic.world.http import Authority, Fault, Request

    from ip_monitor.domain.addresses import Address
    from ip_monitor.testing.dns_server import DNSFault

PATH = "/dns-query"
MEDIA_TYPE = "application/dns-message"


class MockDoHServer(MockServer):
    """
    Everything a `MockServer` can do (latency, faults of HTTP and TLS, recording) works on it too. Speaks TLS, with a
    certificate that only `authority` vouches for.

    Args:
        address: what it says; can be changed while it runs.
        name: in reports and the seeds of draws.
        faults_to_come: one for each question in turn, then none; a silent one leaves the request without an answer.
        tls: an authority to share, or False to speak plain HTTP.
        options: as for `MockServer`.

    Attributes:
        media_type: of its answers; a page has another.
    """

    def __init__(
        self,
        address: Address,
        name: str = "doh",
        *,
        faults_to_come: list[DNSFault] | None = None,
        tls: bool | Authority = True,
        **options: Any,
    ) -> None:
        super().__init__(name, tls=tls, **options)
        self.media_type = MEDIA_TYPE
        # It answers one message; the sockets that it could listen on are never opened.
        self._resolver = MockDNSServer(address, faults=faults_to_come)
        self.post(PATH).call(lambda request: self._answer(request, request.body))
        self.get(PATH).call(self._answer_get)

    @property
    def address(self) -> Address:
        return self._resolver.address

    @address.setter
    def address(self, address: Address) -> None:
        self._resolver.address = address

    @property
    def questions(self) -> list[str]:
        """
        The texts of the questions that came, in order.
        """
        return self._resolver.questions

    def fault_next(self, *faults_to_come: DNSFault) -> None:
        """
        Let the next questions go wrong, one each.
        """
        self._resolver.faults[:] = faults_to_come

    def _answer_get(self, request: Request) -> Reply | Fault:
        text = request.query.get("dns", "")
        try:
            message = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except binascii.Error:
            return fail(400, body="no DNS message")
        return self._answer(request, message)

    def _answer(self, request: Request, message: bytes) -> Reply | Fault:
        if request.method == "POST" and request.header("Content-Type") != MEDIA_TYPE:
            return fail(415, body=f"send {MEDIA_TYPE}")
        asked = len(self.questions)
        response = self._resolver.reply(message)
        if response is None:
            return fail(400, body="no DNS message") if len(self.questions) == asked else faults.stall()
        return Reply(headers=(("Content-Type", self.media_type),), body=response)
