"""
Every fault once or more: how it is set, what a raw socket must see of it.

Run as a program it plays all of them to the raw socket and to three clients, plain and encrypted, and writes what
the clients made of it to `wire_table.json` and to the documentation.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import re
import socket
import ssl
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import httpx
import requests
from hermetic.world.http import Authority, MockServer, faults, services
from hermetic.world.http.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.world.http.reply import Reply

HERE = Path(__file__).parent
TABLE = HERE / "wire_table.json"
DOCS = HERE.parents[5] / "docs" / "reference" / "fault-table.md"
BODY = {"ip": "203.0.113.7"}
TEXT = json.dumps(BODY, separators=(",", ":")).encode()
# A fault that keeps a client waiting is given up after this; the others must answer long before `LONG_S`.
SHORT_S, LONG_S = 0.25, 10.0
CLIENTS = ("aiohttp", "httpx", "requests")
Seen = tuple[bytes, str]


def split(got: bytes) -> tuple[bytes, bytes]:
    head, _, body = got.partition(b"\r\n\r\n")
    return head, body


def header(got: bytes, name: str) -> str | None:
    found = re.search(rb"(?im)^" + name.encode() + rb": (.*?)\r?$", split(got)[0])
    return found and found[1].decode("latin-1")


def ends(end: str, *, after: int | None = None, within: str | None = None) -> Callable[[Seen], bool]:
    """
    The connection ended so, after so many bytes, or within the head or the body.
    """

    def check(seen: Seen) -> bool:
        got, how = seen
        head, body = split(got)
        place = {
            None: True,
            "start": got == b"",
            "head": got.startswith(b"HTTP/1.1 200") and b"\r\n\r\n" not in got,
            "body": header(got, "content-length") == str(len(TEXT)) and 0 < len(body) < len(TEXT) and bool(head),
        }[within]
        return how == end and place and (after is None or len(got) == after)

    return check


def replies(status: int, *words: str, **fields: str) -> Callable[[Seen], bool]:
    """
    A complete reply with this status, these words in the body, these header values.
    """

    def check(seen: Seen) -> bool:
        got, _ = seen
        _, body = split(got)
        return (
            got.startswith(b"HTTP/1.1 %d " % status)
            and all(word.encode() in body for word in words)
            and all(re.fullmatch(value, header(got, name.replace("_", "-")) or "") for name, value in fields.items())
            and (header(got, "content-length") in {str(len(body)), None})
        )

    return check


@dataclass(frozen=True)
class Case:
    name: str
    fault: Fault | Reply
    sees: Callable[[Seen], bool]
    read: str = "bytes"
    requests: int = 1
    timeout_s: float = LONG_S
    only: str = ""
    total_s: float = LONG_S


def cases() -> list[Case]:
    f, s = faults, services
    full = f.content_length
    return [
        Case("refuse()", f.refuse(), lambda seen: seen[1] == "refused"),
        Case("black_hole()", f.black_hole(), lambda seen: seen[1] == "connect timeout", timeout_s=SHORT_S),
        Case("cut_on_accept('fin')", f.cut_on_accept("fin"), ends("fin", within="start")),
        Case("cut_on_accept('rst')", f.cut_on_accept("rst"), ends("rst", within="start")),
        *(
            Case(f"{make.__name__}(during={during!r})", make(during=during), ends(end, within=during))
            for make, end in ((f.close, "fin"), (f.reset, "rst"))
            for during in ("start", "head", "body")
        ),
        Case("close(after_bytes=7)", f.close(after_bytes=7), ends("fin", after=7)),
        Case("reset(after_bytes=7)", f.reset(after_bytes=7), ends("rst", after=7)),
        Case("stall()", f.stall(), lambda seen: seen == (b"", "timeout"), timeout_s=SHORT_S),
        Case(
            "stall(after_bytes=20)",
            f.stall(after_bytes=20),
            lambda seen: (len(seen[0]), seen[1]) == (20, "timeout"),
            timeout_s=SHORT_S,
        ),
        Case("half_close()", f.half_close(), ends("fin", within="body")),
        Case(
            "close_at_reuse('fin')",
            f.close_at_reuse("fin"),
            lambda seen: seen[0].count(b"HTTP/1.1 200") == 1 and seen[1] == "fin",
            requests=2,
        ),
        Case(
            "close_at_reuse('rst')",
            f.close_at_reuse("rst"),
            lambda seen: seen[0].count(b"HTTP/1.1 200") == 1 and seen[1] == "rst",
            requests=2,
        ),
        Case(
            "content_length(+5)",
            full(5),
            lambda s: header(s[0], "content-length") == str(len(TEXT) + 5) and split(s[0])[1] == TEXT and s[1] == "fin",
        ),
        Case(
            "content_length(-5)",
            full(-5),
            lambda s: header(s[0], "content-length") == str(len(TEXT) - 5) and split(s[0])[1] == TEXT,
        ),
        Case("content_length(2**62)", full(2**62), lambda s: header(s[0], "content-length") == str(len(TEXT) + 2**62)),
        Case("broken_chunking('size')", f.broken_chunking("size"), lambda s: b"\r\nzz\r\n" in s[0]),
        Case(
            "broken_chunking('no end')",
            f.broken_chunking("no end"),
            lambda s: header(s[0], "transfer-encoding") == "chunked" and b"\r\n0\r\n" not in s[0] and s[1] == "fin",
        ),
        Case("broken_chunking('no crlf')", f.broken_chunking("no crlf"), lambda s: b"XX0\r\n" in s[0]),
        Case("broken_chunking('negative')", f.broken_chunking("negative"), lambda s: b"\r\n-5\r\n" in s[0]),
        Case("broken_chunking('huge size')", f.broken_chunking("huge size"), lambda s: b"\r\n1" + b"0" * 16 in s[0]),
        Case("garbage()", f.garbage(), lambda s: len(s[0]) == 512 and b"HTTP/" not in s[0]),
        *(
            Case(
                f"wrong_status_line({kind!r})",
                f.wrong_status_line(kind),
                lambda s: not s[0].startswith(b"HTTP/1.1 200 OK"),
            )
            for kind in ("no status", "text status", "no version", "http/9.9", "two digits", "empty")
        ),
        *(
            Case(f"bad_header_line({kind!r})", f.bad_header_line(kind), lambda s, line=line: line in s[0])
            for kind, line in (
                ("no colon", b"this line has no colon"),
                ("space in name", b"X Bad:"),
                ("nul", b"a\0b"),
                ("bare lf", b"1\nX-Worse"),
                ("no name", b"\r\n: nameless"),
                ("obs fold first", b"OK\r\n folded"),
            )
        ),
        Case("huge_headers()", f.huge_headers(), lambda s: len(split(s[0])[0]) > 256 * 1024),
        Case("huge_headers(lines=5000)", f.huge_headers(lines=5000), lambda s: s[0].count(b"X-Huge-") == 5000),
        Case("wrong_content_type()", f.wrong_content_type(), replies(200, content_type="text/html"), read="json"),
        Case("wrong_charset()", f.wrong_charset(), replies(200, content_type="text/plain; charset=utf-8"), read="text"),
        Case("byte_order_mark()", f.byte_order_mark(), lambda s: split(s[0])[1] == b"\xef\xbb\xbf" + TEXT, read="json"),
        Case(
            "truncated_gzip()",
            f.truncated_gzip(),
            lambda s: (
                header(s[0], "content-encoding") == "gzip"
                and header(s[0], "content-length") == str(len(split(s[0])[1]))
                and not _unpacks(split(s[0])[1])
            ),
        ),
        Case(
            "gzip_bomb(10 MiB)",
            f.gzip_bomb(),
            lambda s: len(gzip.decompress(split(s[0])[1])) == 10 * 1024 * 1024 and len(s[0]) < 50_000,
        ),
        Case("empty()", f.empty(), replies(200, content_length="0"), read="json"),
        Case("extra_bytes()", f.extra_bytes(b"EXTRA"), lambda s: split(s[0])[1] == TEXT + b"EXTRA"),
        Case("extra_bytes(), reused", f.extra_bytes(b"EXTRA"), lambda s: s[0].count(TEXT + b"EXTRA") == 2, requests=2),
        Case("slow_drip(every=0.01)", f.slow_drip(every=0.01), replies(200, TEXT.decode())),
        Case("slow_drip(every=0.05), 0.4 s allowed", f.slow_drip(every=0.05), replies(200, TEXT.decode()), total_s=0.4),
        Case("bandwidth(1000)", f.bandwidth(1000), replies(200, TEXT.decode())),
        Case("redirect_loop()", f.redirect_loop(), replies(302, location="/ip")),
        Case("informational(103)", f.informational(103), lambda s: s[0].startswith(b"HTTP/1.1 103 ") and TEXT in s[0]),
        Case("informational(102 x 3)", f.informational(102, 102, 102), lambda s: s[0].count(b"HTTP/1.1 102 ") == 3),
        Case("expired_certificate()", f.expired_certificate(), lambda s: "expired" in s[1], only="tls"),
        Case("wrong_host()", f.wrong_host(), lambda s: "mismatch" in s[1], only="tls"),
        Case(
            "untrusted_certificate()",
            f.untrusted_certificate(),
            lambda s: "unable to get local issuer" in s[1],
            only="tls",
        ),
        Case("cut_handshake('fin')", f.cut_handshake("fin"), lambda s: "EOF" in s[1] or s[1] == "fin", only="tls"),
        Case("cut_handshake('rst')", f.cut_handshake("rst"), lambda s: s[1] == "rst", only="tls"),
        Case("too_many_requests(30)", s.too_many_requests(30), replies(429, retry_after="30")),
        Case(
            "too_many_requests(30, form='date')",
            s.too_many_requests(30, form="date", now=1_700_000_000),
            replies(429, retry_after="Tue, 14 Nov 2023 22:13:50 GMT"),
        ),
        *(
            Case(
                f"cloudflare({status})",
                s.cloudflare(status),
                replies(status, f"Error code {status}", server="cloudflare"),
            )
            for status in range(520, 527)
        ),
        Case(
            "cloudflare_rate_limited()",
            s.cloudflare_rate_limited(),
            replies(429, "Error 1015", content_type="text/html.*"),
        ),
        Case(
            "cloudflare_blocked()", s.cloudflare_blocked(), replies(403, "you have been blocked", server="cloudflare")
        ),
        Case(
            "javascript_challenge()",
            s.javascript_challenge(),
            replies(403, "Just a moment...", cf_mitigated="challenge"),
        ),
        Case("heroku()", s.heroku(), replies(503, "Application error", server="Cowboy")),
        Case("nginx(502)", s.nginx(502), replies(502, "<center>nginx</center>", server="nginx")),
        Case("captive_portal()", s.captive_portal(), replies(200, "sign in"), read="json"),
        Case(
            "captive_portal(redirects=True)", s.captive_portal(redirects=True), replies(302, location="http://login.*")
        ),
    ]


def _unpacks(data: bytes) -> bool:
    try:
        gzip.decompress(data)
    except (EOFError, zlib.error):
        return False
    return True


# ---------------------------------------------------------------- what each client makes of it


class Wire:
    """
    A TCP connection whose TLS, if any, is done in memory, so that what the kernel said of its end is not lost.
    """

    def __init__(self, server: MockServer, sock: socket.socket) -> None:
        self.sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        if server.url.startswith("https"):
            context = server.authority.client_context()
            self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
            self._through(self._tls.do_handshake)

    def _through(self, work: Callable[..., bytes | int | None], *args: object) -> bytes:
        while True:
            try:
                result = work(*args)
            except ssl.SSLWantReadError:
                self._flush()
                piece = self.sock.recv(65536)
                if not piece:
                    raise EOFError from None
                self._incoming.write(piece)
            except ssl.SSLZeroReturnError:
                return b""
            else:
                self._flush()
                return result if isinstance(result, bytes) else b""

    def _flush(self) -> None:
        if waiting := self._outgoing.read():
            self.sock.sendall(waiting)

    def send(self, data: bytes) -> None:
        if self._tls is None:
            self.sock.sendall(data)
        else:
            self._through(self._tls.write, data)

    def receive(self) -> bytes:
        if self._tls is None:
            return self.sock.recv(65536)
        try:
            return self._through(self._tls.read, 65536)
        except EOFError:
            return b""


def raw(server: MockServer, case: Case) -> Seen:
    """
    Everything a socket gets for the case's requests, and how it ended.
    """
    with socket.socket() as sock:
        sock.settimeout(case.timeout_s)
        try:
            sock.connect((server.hosts[0], server.port))
        except TimeoutError:
            return b"", "connect timeout"
        except ConnectionRefusedError:
            return b"", "refused"
        except ConnectionResetError:
            # The RST may come before connect() has returned.
            return b"", "rst"
        got: list[bytes] = []
        end = "fin"
        try:
            _converse(Wire(server, sock), case, got)
        except TimeoutError:
            end = "timeout"
        except ConnectionResetError:
            end = "rst"
        except BrokenPipeError:
            # Only after an RST that an earlier call has already reported as something else.
            end = "rst"
        except EOFError:
            end = "fin"
        except ssl.SSLError as error:
            end = str(error)
        return b"".join(got), end


def _converse(wire: Wire, case: Case, got: list[bytes]) -> None:
    for nth in range(case.requests):
        wire.send(b"GET /ip HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while nth < case.requests - 1 and TEXT not in b"".join(got):
            got.append(wire.receive())
    while piece := wire.receive():
        got.append(piece)
        # A reply on a connection that is kept has no end of its own; a little silence is one.
        wire.sock.settimeout(0.05 if _is_whole(b"".join(got)) else case.timeout_s)


def _is_whole(got: bytes) -> bool:
    head, mark, body = got.rpartition(b"HTTP/1.1 ")[2].partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(mark) and found is not None and len(body) >= int(found[1])


def shown(status: int, content: object) -> str:
    text = content.decode("latin-1") if isinstance(content, bytes) else str(content)
    if isinstance(content, bytes) and len(content) > 60:
        text = f"{len(content)} bytes"
    return f"{status} {text!r}" if isinstance(content, str) else f"{status} {text}".strip()


async def by_aiohttp(server: MockServer, case: Case, context: ssl.SSLContext) -> str:
    timeout = aiohttp.ClientTimeout(total=case.total_s, sock_read=case.timeout_s, sock_connect=case.timeout_s)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        result = ""
        for _ in range(case.requests):
            try:
                async with session.get(
                    server.url_for("/ip"), ssl=context, allow_redirects=case.name.startswith("redirect")
                ) as r:
                    content = await (r.json() if case.read == "json" else r.text() if case.read == "text" else r.read())
                    result = shown(r.status, content)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                result = type(error).__name__
        return result


def by_httpx(server: MockServer, case: Case, context: ssl.SSLContext) -> str:
    with httpx.Client(verify=context, timeout=case.timeout_s, trust_env=False) as session:
        result = ""
        for _ in range(case.requests):
            try:
                r = session.get(server.url_for("/ip"), follow_redirects=case.name.startswith("redirect"))
                content = r.json() if case.read == "json" else r.text if case.read == "text" else r.content
                result = shown(r.status_code, content)
            except (httpx.HTTPError, ValueError, OSError) as error:
                result = type(error).__name__
        return result


def by_requests(server: MockServer, case: Case, bundle: Path) -> str:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(bundle)
        result = ""
        for _ in range(case.requests):
            try:
                r = session.get(
                    server.url_for("/ip"), timeout=case.timeout_s, allow_redirects=case.name.startswith("redirect")
                )
                content = r.json() if case.read == "json" else r.text if case.read == "text" else r.content
                result = shown(r.status_code, content)
            except (requests.RequestException, ValueError, OSError) as error:
                result = type(error).__name__
    return result


def serve(*, tls: Authority | None, name: str = "wire") -> MockServer:
    server = MockServer(name, tls=tls or False, seed=1)
    server.get("/ip").json(BODY)
    return server


def set_fault(server: MockServer, case: Case):
    on_server = isinstance(case.fault, Fault) and case.fault.phase != "reply"
    return (server if on_server else server.routes[0]).fault(case.fault)


# ---------------------------------------------------------------- the table

Table = dict[str, dict[str, list[str]]]


async def play(server: MockServer, case: Case, context: ssl.SSLContext, bundle: Path) -> tuple[Seen, dict[str, str]]:
    """
    What the raw socket saw, and what each client made of it.
    """
    # At once: each has its own connections, and most of it is waiting.
    with set_fault(server, case):
        seen, *outcomes = await asyncio.gather(
            asyncio.to_thread(raw, server, case),
            by_aiohttp(server, case, context),
            asyncio.to_thread(by_httpx, server, case, context),
            asyncio.to_thread(by_requests, server, case, bundle),
        )
    made = dict(zip(CLIENTS, outcomes, strict=True))
    # What a client dropped in a cycle is freed here, in the test of the case that made it, and not in a later one.
    gc.collect()
    return seen, made


async def observe(table: Table) -> None:
    """
    Add what is seen in one run to the table.
    """
    authority = Authority()
    context = authority.client_context()
    with tempfile.TemporaryDirectory() as directory:
        bundle = authority.write_pem(Path(directory) / "ca.pem")
        for scheme, tls in (("plain", None), ("tls", authority)):
            async with serve(tls=tls) as server:
                for case in cases():
                    if case.only not in {"", scheme}:
                        continue
                    seen, made = await play(server, case, context, bundle)
                    if not case.sees(seen):
                        raise SystemExit(f"not as intended: {scheme} {case.name}: {seen[0][:200]!r} {seen[1]}")
                    row = table.setdefault(case.name, {})
                    for client, outcome in made.items():
                        cell = row.setdefault(f"{scheme} {client}", [])
                        if outcome not in cell:
                            cell.append(outcome)
                            cell.sort()


def render(table: Table) -> str:
    """
    The documentation's page.
    """
    lines = [
        "# What clients make of each fault",
        "",
        "Every fault was played on real sockets to a raw socket, which saw it as intended, and to three clients. The cells",
        "show what the client returned (status and content) or raised; where timing or the Python version decides,",
        'every outcome that was seen. The reply without the fault is `200 {"ip":"203.0.113.7"}`. Faults that keep a',
        "client waiting met a time-out of 0.25 s.",
        "",
    ]
    for scheme, title in (("plain", "Plain HTTP"), ("tls", "Over TLS")):
        lines += [f"## {title}", "", f"| fault | {' | '.join(CLIENTS)} |", "|---|---|---|---|"]
        for name, row in table.items():
            if f"{scheme} aiohttp" in row:
                cells = " | ".join(" or ".join(map(_cell, row[f"{scheme} {client}"])) for client in CLIENTS)
                lines.append(f"| `{name}` | {cells} |")
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return f"`{text.replace('|', '/').replace('`', chr(39)).encode('unicode_escape').decode()}`"


if __name__ == "__main__":
    # What a client raises may depend on timing and on its version, so the table keeps every outcome that was seen:
    # several runs add up, under several Pythons too. `--fresh` begins a new table.
    observed: Table = {} if "--fresh" in sys.argv else json.loads(TABLE.read_text())
    for _ in range(int(sys.argv[-1]) if sys.argv[-1].isdigit() else 1):
        asyncio.run(observe(observed))
    TABLE.write_text(json.dumps(observed, indent=1, ensure_ascii=True) + "\n")
    DOCS.parent.mkdir(parents=True, exist_ok=True)
    DOCS.write_text(render(observed))
