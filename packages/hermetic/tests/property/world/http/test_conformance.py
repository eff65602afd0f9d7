"""
RFC 9110 and 9112: requests written by chance, read by the server and by h11, and what the two see differently.
"""

from __future__ import annotations

import socket
from itertools import pairwise

import h11
import pytest
from hermetic.world.http import Limits, MockServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
# What has a meaning of its own in framing is written by the strategy, not by chance.
FRAMING = {"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "hermetic-client", "te"}

names = st.text(TOKEN, min_size=1, max_size=12).filter(lambda name: name.lower() not in FRAMING)
values = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=30)
targets = st.text("abcxyz0123456789-._~%41/?=&", max_size=30).map(lambda text: "/" + text)
bodies = st.binary(max_size=300)


def chunked(body: bytes, cuts: list[int]) -> bytes:
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    pieces = [body[begin:end] for begin, end in pairwise(edges)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"


@st.composite
def requests(draw) -> bytes:
    """
    One well-formed request: any method, target, fields, and a body by length, in chunks or none.
    """
    method = draw(st.sampled_from(METHODS))
    lines = [f"{method} {draw(targets)} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in draw(st.lists(st.tuples(names, values), max_size=8))]
    body, kind = draw(bodies), draw(st.sampled_from(("none", "length", "chunked")))
    sent = b""
    if kind == "length":
        lines.append(f"Content-Length: {len(body)}")
        sent = body
    elif kind == "chunked":
        lines.append("Transfer-Encoding: chunked")
        sent = chunked(body, draw(st.lists(st.integers(1, 300), max_size=5)))
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + sent


def by_h11(data: bytes) -> list[tuple[bytes, bytes, list[tuple[bytes, bytes]], bytes]]:
    """
    The requests as h11 reads them, one connection each, since h11 wants a reply before the next.
    """
    found = []
    while data:
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(data)
        head, body = None, b""
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                raise AssertionError(event)  # noqa: TRY004  # h11 refuses what was written to be well-formed
        found.append((head.method, head.target, list(head.headers), body))
        data = connection.trailing_data[0]
    return found


def exchange(api: MockServer, data: bytes) -> bytes:
    """
    Send in one piece, say that it was all, and read to the end.
    """
    with socket.create_connection(("127.0.0.1", api.port)) as sock:
        sock.settimeout(10)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        got = b""
        try:
            while piece := sock.recv(65536):
                got += piece
        except ConnectionResetError:
            pass
        return got


@pytest.fixture(scope="module")
def api():
    with MockServer("conformance", half_close=True, allow_unmatched=True, limits=Limits(body_bytes=4096)) as server:
        server.any("/{rest:path}").text("ok")
        yield server


class TestAgreement:
    @given(sent=st.lists(requests(), min_size=1, max_size=4))
    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_well_formed_requests_are_read_as_h11_reads_them(self, api, sent):
        """
        Method, target, fields and body, alone and pipelined; each gets its reply.
        """
        api.forget_calls()
        data = b"".join(sent)
        got = exchange(api, data)
        seen = [
            (
                call.request.method.encode(),
                call.request.target.encode("latin-1"),
                [(name.lower(), value) for name, value in call.request.raw_headers],
                call.request.body,
            )
            for call in api.calls
        ]

        assert seen == by_h11(data)
        assert got.count(b"HTTP/1.1 200 OK\r\n") == len(sent)

    @given(
        data=st.one_of(
            st.binary(max_size=300),
            st.builds(lambda r, n, b: r[:n] + b, requests(), st.integers(0, 200), st.binary(max_size=50)),
        )
    )
    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_garbage_neither_crashes_nor_hangs_the_server(self, api, data):
        """
        It is answered with a reply or an end, within the time-out, and the next client is served.
        """
        got = exchange(api, data)

        assert got == b"" or got.startswith(b"HTTP/1.1 ")
        assert b"200 OK" in exchange(api, b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")


class TestRules:
    """
    Where llhttp and h11 differ, or the RFCs leave a server to decide: what this one does, and who is right.
    """

    @pytest.mark.parametrize(
        "data, status",
        [
            # RFC 9112, 3.2: a 1.1 request without Host, or with two, is answered with 400. h11 refuses the first only.
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            (b"GET / HTTP/1.0\r\n\r\n", 200),
            # RFC 9112, 6.3: both lengths are a smuggling attempt and may be refused; h11 takes the chunks.
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc", 400),
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3x\r\n\r\nabc", 400),
            (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
            # RFC 9112, 5.1: no space before the colon. Both refuse.
            (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n", 400),
            # RFC 9112, 2.3: 0.9 has no head, and a server may refuse it like any other version. h11 refuses it with 400.
            (b"GET /\r\n\r\n", 505),
            (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
            # RFC 9110, 9.1: an unknown method is answered with 501. h11 takes any token.
            (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
            # RFC 9110, 10.1.1: an expectation that is not known may be answered with 417. h11 leaves it to the server.
            (b"GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417),
            (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"h" * 70_000 + b"\r\n\r\n", 431),
            (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + b"b" * 5000, 413),
            # RFC 9112, 3.2.2: a server must take the absolute form.
            (b"GET http://x/abs HTTP/1.1\r\nHost: x\r\n\r\n", 200),
            # RFC 9112, 2.2: empty lines before a request are ignored.
            (b"\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 200),
            # RFC 9110, 7.8: a server may ignore Upgrade.
            (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 200),
        ],
    )
    def test_request_gets_its_status(self, api, data, status):
        """
        The status line says it, and refused ones close the connection.
        """
        got = exchange(api, data)

        assert got.split(b" ")[1] == b"%d" % status, got[:200]
        assert (b"Connection: close\r\n" in got) == (status != 200 or b"HTTP/1.0" in data)

    def test_head_has_the_length_and_no_body(self, api):
        """
        Source: RFC 9110, 9.3.2.
        """
        got = exchange(api, b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")

        assert b"Content-Length: 2\r\n" in got
        assert got.endswith(b"\r\n\r\n")

    def test_expected_client_is_told_to_go_on_before_its_body(self, api):
        """
        Source: RFC 9110, 10.1.1.
        """
        with socket.create_connection(("127.0.0.1", api.port)) as sock:
            sock.settimeout(10)
            sock.sendall(b"POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")

            assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(b"abc")

            assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")

    def test_10_clients_get_no_chunks(self):
        """
        The end of the connection ends the body. Source: RFC 9112, 6.1.
        """
        with MockServer(half_close=True) as api:
            api.get("/").chunked([b"a", b"b"])

            assert exchange(api, b"GET / HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nab")
            assert exchange(api, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n")

    def test_pipelined_replies_come_in_order(self):
        """
        Though the second could be answered first. Source: RFC 9112, 9.3.2.
        """
        with MockServer(half_close=True) as api:
            api.get("/slow").delay(0.05).text("slow")
            api.get("/fast").text("fast")
            got = exchange(api, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /fast HTTP/1.1\r\nHost: x\r\n\r\n")

            assert got.index(b"slow") < got.index(b"fast")

    def test_client_that_does_not_read_is_not_read_from(self):
        """
        Replies that nobody takes stay few: the server stops serving, then reading.
        """
        with MockServer() as api:
            route = api.get("/").bytes(b"x" * 200_000)
            with socket.create_connection(("127.0.0.1", api.port)) as sock:
                sock.settimeout(1)
                with pytest.raises(TimeoutError):
                    for _ in range(100_000):
                        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 200)

                assert route.call_count < 1000
