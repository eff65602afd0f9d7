"""
Requests that mean no good.
"""

from __future__ import annotations

import asyncio

import pytest
from ip_monitor.adapters.web.listening import PlaceUnavailableError, listen
from ip_monitor.settings.place import Place

pytestmark = pytest.mark.asyncio(loop_scope="module")


def first_line(answer):
    return answer.partition(b"\r\n")[0]


async def ask(served, head, *, host="127.0.0.1"):
    return await served.raw(f"{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1"))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:8787", 200),
        ("[::1]:8787", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil.example@127.0.0.1", 421),
        ("127.0.0.1/evil.example", 421),
        ("127.0.0.1:99999", 421),
        ("[::1", 421),
        ("", 421),
    ],
)
async def test_a_name_that_was_pointed_here_is_not_answered(served, host, status):
    """
    DNS rebinding: a browser sends the attacker's name, and this page answers to its own alone.
    """
    answer = await ask(served, "GET /api/v1/status", host=host)

    assert first_line(answer).startswith(f"HTTP/1.1 {status} ".encode()) or (status, answer[9:12]) == (421, b"400")
    assert (b"203.0.113" in answer) == (status == 200)


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../server.py",
        "/assets/..%2fserver.py",
        "/assets/%2e%2e/%2e%2e/tokens.py",
        "/assets//etc/passwd",
        "/assets/....//server.py",
        "/../../../../etc/passwd",
        "/assets/page.css%00.py",
        "//etc/passwd",
    ],
)
async def test_no_path_leads_to_other_files(served, path):
    """
    Files are looked up by name in a table, and by nothing else.
    """
    answer = await ask(served, f"GET {path}")

    assert answer[9:12] in {b"404", b"400"}
    assert b"import" not in answer


async def test_a_body_that_is_too_large_is_refused_unread(served):
    """
    By what it says it is, and by what it turns out to be.
    """
    said = await served.raw(
        b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 70_000
    )
    assert first_line(said).startswith(b"HTTP/1.1 413 ")
    chunk = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    found = await served.raw(
        b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 3 + b"0\r\n\r\n"
    )

    assert first_line(found).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(200)) + b"\r\n",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_a_head_that_cannot_be_is_refused_and_closed(served, head):
    """
    Too long, too many, or no HTTP at all; the next request is served.
    """
    answer = await asyncio.wait_for(served.raw(head), 10)

    assert first_line(answer)[9:12] in {b"400", b"431", b"414"}
    assert (await served.get("/healthz")).status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow",
        b"",
        b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\ntoken=",
    ],
)
async def test_a_request_that_never_ends_is_ended(serve, data):
    """
    Whether it hangs in its head or in its body, its connection is closed; others are served meanwhile.
    """
    served = await serve(patience_s=0.3)
    hanging = asyncio.create_task(served.raw(data))
    assert (await served.get("/api/v1/status")).status == 200
    answer = await asyncio.wait_for(hanging, 10)

    assert answer == b"" or first_line(answer).startswith(b"HTTP/1.1 408 ")


async def test_every_answer_carries_the_headers_that_guard_browsers(served):
    """
    Pages, errors, files and streams alike.
    """
    for path in ("/", "/nothing", "/api/v1/status", "/events", "/assets/page.js", "/sign-in"):
        async with served.get(path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff", path
            assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"], path
            assert response.headers["Server"] == "ip-monitor", path
            assert "Access-Control-Allow-Origin" not in response.headers, path


async def test_a_method_that_is_not_there_is_refused(served):
    """
    With the ones that are.
    """
    async with served.session.delete("/api/v1/status", headers=served.bearer) as response:
        assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


async def test_a_taken_port_names_who_has_it(served):
    """
    The port, and the process: this one.
    """
    with pytest.raises(PlaceUnavailableError, match=rf"port {served.port} is taken, by .+ \(\d+\)\. Choose another"):
        listen(Place("127.0.0.1", served.port))
