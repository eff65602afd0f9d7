"""
Replies as bytes. Written by hand, since a mock server must also be able to say what no correct library would.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hermetic.world.http.reply import BODILESS, HeaderPairs, Reply

if TYPE_CHECKING:
    from hermetic.foundation.clock import Clock

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def http_date(epoch_s: float) -> str:
    """
    An IMF-fixdate, in English whatever the locale. Source: RFC 9110, 5.6.7.
    """
    t = time.gmtime(epoch_s)
    return (
        f"{_DAYS[t.tm_wday]}, {t.tm_mday:02} {_MONTHS[t.tm_mon - 1]} {t.tm_year} "
        f"{t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} GMT"
    )


class DateLine:
    """
    The Date header of now, made once a second: origin servers with a clock send one. Source: RFC 9110, 6.6.1.
    """

    __slots__ = ("_clock", "_line", "_second")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._line = b""

    def now(self) -> bytes:
        second = int(self._clock.time())
        if second != self._second:
            self._second = second
            self._line = f"Date: {http_date(second)}\r\n".encode()
        return self._line


def field_lines(pairs: HeaderPairs) -> bytes:
    return b"".join(b"%b: %b\r\n" % (_octets(name), _octets(value)) for name, value in pairs)


def _octets(text: str) -> bytes:
    # Field values are octets; beyond Latin-1 real servers send UTF-8. Source: RFC 9110, 5.5.
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


class Framing:
    """
    How a reply is delimited, decided once and kept with it: the head without Date and Connection, and whether the
    connection must be closed to end the body.
    """

    __slots__ = ("body", "closes", "has_date", "head", "says_connection")

    def __init__(self, reply: Reply, *, method: str, version: str) -> None:
        names = {name.lower(): value for name, value in reply.headers}
        self.has_date = "date" in names
        self.says_connection = "connection" in names
        self.closes = names.get("connection", "").lower() == "close"
        lines = [b"HTTP/1.1 %d %b\r\n" % (reply.status, _octets(reply.phrase)), field_lines(reply.headers)]
        body = reply.body
        if reply.chunks is not None:
            if version == "1.0":
                # No chunked coding for 1.0 clients: the end of the connection ends the body. RFC 9112, 6.1.
                body, self.closes = b"".join(reply.chunks), True
            else:
                if "transfer-encoding" not in names:
                    lines.append(b"Transfer-Encoding: chunked\r\n")
                body = chunked_body(reply)
        elif "transfer-encoding" in names:
            pass
        elif "content-length" in names:
            # A length that is wrong on purpose leaves the connection out of step; it cannot be used again.
            self.closes = self.closes or (method != "HEAD" and names["content-length"] != str(len(body)))
        elif reply.status not in BODILESS:
            lines.append(b"Content-Length: %d\r\n" % len(body))
        self.head = b"".join(lines)
        self.body = b"" if method == "HEAD" or reply.status in BODILESS else body

    def lines(self, date: DateLine, *, keep_alive: bool, version: str) -> bytes:
        """
        The complete head.
        """
        tail = b"" if self.has_date else date.now()
        if not self.says_connection:
            if not keep_alive:
                tail += b"Connection: close\r\n"
            elif version == "1.0":
                tail += b"Connection: keep-alive\r\n"
        return b"%b%b\r\n" % (self.head, tail)


def chunk(piece: bytes) -> bytes:
    """
    One chunk. Source: RFC 9112, 7.1.
    """
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def chunked_body(reply: Reply) -> bytes:
    """
    All chunks, the last one, and the trailers.
    """
    pieces = [chunk(piece) for piece in reply.chunks or ()]
    return b"".join((*pieces, b"0\r\n", field_lines(reply.trailers), b"\r\n"))
