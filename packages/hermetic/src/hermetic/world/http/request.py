"""
A request as the server read it.
"""

from __future__ import annotations

import json as jsonlib
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

# The header by which a client names itself to the server, for faults, partitions and draws by client.
CLIENT_HEADER = b"hermetic-client"
_SHOWN_BODY = 200


class Request:
    """
    One parsed request with its whole body. Made on the server's loop, and not changed after it was matched.

    Attributes:
        method: as sent, in capitals where the client sent capitals.
        target: the request target, undecoded: path and query, an absolute address, or `*`.
        raw_headers: names and values as sent, in order.
        version: "1.0" or "1.1".
        is_tls: the connection is encrypted.
        peer: the client's socket address as text; "" on a Unix socket without a name.
        connection: number of the connection on this server, from 1.
        nth_on_connection: number of the request on its connection, from 1.
        params: what the route's path pattern captured, decoded.
    """

    def __init__(
        self,
        *,
        method: str,
        target: str,
        raw_headers: list[tuple[bytes, bytes]],
        body: bytes = b"",
        version: str = "1.1",
        is_tls: bool = False,
        peer: str = "",
        connection: int = 0,
        nth_on_connection: int = 1,
    ) -> None:
        self.method = method
        self.target = target
        self.raw_headers = raw_headers
        self.body = body
        self.version = version
        self.is_tls = is_tls
        self.peer = peer
        self.connection = connection
        self.nth_on_connection = nth_on_connection
        self.params: dict[str, str] = {}
        self.keep_alive = True
        self.received_bytes = 0

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target} [{len(self.body)} bytes, connection {self.connection}]>"

    @cached_property
    def _parts(self) -> tuple[str, str]:
        # Only the first "?" begins the query. Source: RFC 3986, 3.4. The absolute form carries scheme and
        # authority before the path; servers must accept it. Source: RFC 9112, 3.2.2.
        target = self.target
        if not target.startswith(("/", "*")) and "://" in target:
            parts = urlsplit(target)
            return parts.path or "/", parts.query
        path, _, query = target.partition("?")
        return path, query

    @property
    def path(self) -> str:
        """
        The path, still percent-encoded.
        """
        return self._parts[0]

    @property
    def query_string(self) -> str:
        return self._parts[1]

    @cached_property
    def decoded_path(self) -> str:
        return unquote(self.path)

    @cached_property
    def query(self) -> dict[str, str]:
        """
        The query decoded; of a repeated name the last value. `query_pairs` has all of them.
        """
        return dict(self.query_pairs)

    @cached_property
    def query_pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query_string, keep_blank_values=True)

    @cached_property
    def headers(self) -> dict[str, str]:
        """
        Headers by lower-case name; repeated ones joined by ", ". Source: RFC 9110, 5.2.
        """
        joined: dict[str, str] = {}
        for raw_name, raw_value in self.raw_headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined

    def header(self, name: str, default: str | None = None) -> str | None:
        return self.headers.get(name.lower(), default)

    @property
    def client(self) -> str | None:
        """
        The label the client gave itself in the header `Hermetic-Client`, or None.
        """
        for name, value in self.raw_headers:
            if len(name) == len(CLIENT_HEADER) and name.lower() == CLIENT_HEADER:
                return value.decode("latin-1")
        return None

    def text(self) -> str:
        """
        The body as text by the charset of its Content-Type, else UTF-8; wrong bytes become U+FFFD.
        """
        charset = "utf-8"
        for part in (self.header("content-type") or "").split(";")[1:]:
            key, _, value = part.strip().partition("=")
            if key.lower() == "charset":
                charset = value.strip('"') or charset
        try:
            return self.body.decode(charset, "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """
        The body as JSON.

        Raises:
            ValueError: it is none.
        """
        return jsonlib.loads(self.body)

    def summary(self) -> str:
        """
        One line for reports: method, target, and the beginning of a body.
        """
        if not self.body:
            return f"{self.method} {self.target}"
        shown = self.body[:_SHOWN_BODY]
        more = f"… ({len(self.body)} bytes)" if len(self.body) > len(shown) else ""
        return f"{self.method} {self.target} {shown!r}{more}"
