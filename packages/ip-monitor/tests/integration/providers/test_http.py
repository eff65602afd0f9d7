"""
Asking over HTTP against real servers on loopback, with every bad answer that is known from the field.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl

import pytest
import trustme
from ip_monitor.adapters.providers.http import HTTPClient, HTTPProvider
from ip_monitor.domain.addresses import AddressPolicy, Family
from ip_monitor.domain.answers import FailureKind
from ip_monitor.domain.providers import ProviderSpec, ReplyFormat

GOOD = ipaddress.ip_address("203.0.113.7")
HTML = "<!DOCTYPE html><html><body>Welcome to the hotel. Your address is 203.0.113.7</body></html>"


def spec_for(port, *, path="/", host="127.0.0.1", scheme="http", **fields):
    fields = {
        "name": "local",
        "operator": "local",
        "family": Family.V4,
        "allow_plain_http": True,
        "allow_private_address": True,
        **fields,
    }
    return ProviderSpec(url=f"{scheme}://{host}:{port}{path}", **fields)


async def ask(server, client, **fields):
    return await HTTPProvider(spec_for(server.port, **fields), client=client).ask()


GOOD_BODIES = [
    ("203.0.113.7", ReplyFormat.TEXT, ""),
    ("203.0.113.7\n", ReplyFormat.TEXT, ""),
    ("\ufeff203.0.113.7\r\n", ReplyFormat.TEXT, ""),
    ('{"ip":"203.0.113.7"}', ReplyFormat.JSON, ""),
    ('{"origin": "203.0.113.7"}', ReplyFormat.JSON, ""),
    ('{"data": [{"address": " 203.0.113.7 "}]}', ReplyFormat.JSON, "data.0.address"),
    ('"203.0.113.7"', ReplyFormat.JSON, ""),
    ("fl=1f1\nh=example\nip=203.0.113.7\nts=1.2\nwarp=off\n", ReplyFormat.TRACE, ""),
    ("203.0.113.7", ReplyFormat.AUTO, ""),
    ('{"ip":"203.0.113.7"}', ReplyFormat.AUTO, ""),
    ("h=example\nip=203.0.113.7", ReplyFormat.AUTO, ""),
]


@pytest.mark.parametrize(("body", "format_", "path"), GOOD_BODIES)
async def test_every_format_gives_its_address(serve, client, respond, *, body, format_, path):
    """
    Text with or without newline, JSON with or without a path, traces, and all of them recognised by `auto`.
    """
    server = await serve(respond(body))

    answer = await ask(server, client, format=format_, json_path=path)

    assert answer.address == GOOD
    assert answer.raw == body.encode()
    assert answer.latency_s > 0


async def test_a_bare_address_sent_as_a_page_counts(serve, client, respond):
    """
    Some services send the bare address as text/html; the body decides.
    """
    server = await serve(respond("203.0.113.7", headers=["Content-Type: text/html"]))

    assert (await ask(server, client)).address == GOOD


BAD_BODIES = [
    pytest.param(HTML, FailureKind.MARKUP, id="captive-portal-page"),
    pytest.param("Please log in", FailureKind.MALFORMED, id="prose"),
    pytest.param("104.18.0.0", FailureKind.RULE, id="address-of-the-cdn"),
    pytest.param("10.1.2.3", FailureKind.NOT_PUBLIC, id="private-network"),
    pytest.param("192.168.1.50", FailureKind.NOT_PUBLIC, id="home-network"),
    pytest.param("127.0.0.1", FailureKind.NOT_PUBLIC, id="loopback"),
    pytest.param("198.51.100.1", FailureKind.NOT_PUBLIC, id="documentation-not-named"),
    pytest.param("2606:4700::1111", FailureKind.WRONG_FAMILY, id="v6-for-v4"),
    pytest.param("192.168.0.2, 203.0.113.7", FailureKind.SEVERAL, id="echoed-x-forwarded-for"),
    pytest.param("203.0.113.7\n203.0.113.8\n", FailureKind.SEVERAL, id="several-lines"),
    pytest.param("", FailureKind.EMPTY, id="empty"),
    pytest.param(" \r\n", FailureKind.EMPTY, id="white-space"),
    pytest.param("x" * 5000, FailureKind.TOO_LARGE, id="too-large"),
    pytest.param(b"\x1f\x8b\x08\x00\xff\xfe", FailureKind.MALFORMED, id="binary"),
    pytest.param("203.0.113.7\x00", FailureKind.MALFORMED, id="zero-byte"),
    pytest.param("[" * 4000, FailureKind.MALFORMED, id="nested-json-bomb"),
    pytest.param('{"ip": 3405803783}', FailureKind.MALFORMED, id="number-for-address"),
    pytest.param('{"ip": null}', FailureKind.MALFORMED, id="null-for-address"),
    pytest.param('{"status":429,"error":{"title":"x"}}', FailureKind.MALFORMED, id="error-as-200"),
    pytest.param('{"origin": "203.0.113.7, 203.0.113.8"}', FailureKind.SEVERAL, id="several-in-json"),
    pytest.param("h=example\nip=203.0.113.7\nip=203.0.113.8", FailureKind.MALFORMED, id="trace-field-twice"),
]


@pytest.mark.parametrize(("body", "kind"), BAD_BODIES)
async def test_a_known_bad_body_is_never_an_address(serve, client, respond, body, kind):
    """
    Each bad answer known from the field becomes a failure of its kind, with the evidence kept.
    """
    server = await serve(respond(body))

    answer = await ask(server, client, refused_ranges=(ipaddress.ip_network("104.16.0.0/13"),))

    assert (None, kind) == (answer.address, answer.failure.kind)
    assert len(answer.raw) <= 4096
    assert answer.failure.detail


STATUSES = [
    (301, FailureKind.REDIRECT),
    (302, FailureKind.REDIRECT),
    (403, FailureKind.STATUS),
    (404, FailureKind.STATUS),
    (429, FailureKind.RATE_LIMITED),
    (500, FailureKind.STATUS),
    (503, FailureKind.STATUS),
    (511, FailureKind.REDIRECT),
    (522, FailureKind.STATUS),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
async def test_only_status_200_can_carry_an_address(serve, client, respond, status, kind):
    """
    A perfect body under another status is no answer, and redirects are not followed.
    """
    login = await serve(respond("203.0.113.9"))
    headers = [f"Location: http://127.0.0.1:{login.port}/login"]
    server = await serve(respond("203.0.113.7", status=status, headers=headers))

    answer = await ask(server, client)

    assert kind is answer.failure.kind
    assert login.heads == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("120", 120.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("soon", None), ("9" * 400, 86_400.0)],
)
async def test_retry_after_is_read(serve, client, respond, value, seconds):
    """
    Seconds or a date, bounded to a day; nonsense is ignored.
    """
    server = await serve(respond("slow down", status=429, headers=[f"Retry-After: {value}"]))

    assert seconds == (await ask(server, client)).failure.retry_after_s


async def test_the_trace_rules_of_a_tunnel_and_a_foreign_host_apply(serve, client, respond):
    """
    A trace through WARP, or answered for another host, does not count.
    """
    rules = {"format": ReplyFormat.TRACE, "require_fields": (("h", "example"),), "forbid_fields": (("warp", "on"),)}
    tunnelled = await serve(respond("h=example\nip=203.0.113.7\nwarp=on\n"))
    foreign = await serve(respond("h=other\nip=203.0.113.7\nwarp=off\n"))

    assert FailureKind.RULE is (await ask(tunnelled, client, **rules)).failure.kind
    assert FailureKind.RULE is (await ask(foreign, client, **rules)).failure.kind


async def test_a_hanging_server_is_a_timeout(serve, client):
    """
    The provider's own deadline ends the question.
    """
    server = await serve(hang=True)

    answer = await ask(server, client, timeout_s=0.05)

    assert FailureKind.TIMEOUT is answer.failure.kind


async def test_a_drip_cannot_outlast_the_deadline(serve, client):
    """
    The deadline is for the whole question, not for the pause between two bytes.
    """
    server = await serve(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n203.", hang=True)

    answer = await ask(server, client, timeout_s=0.05)

    assert FailureKind.TIMEOUT is answer.failure.kind
    assert answer.raw == b"203."


BROKEN = [
    pytest.param(b"", FailureKind.UNREACHABLE, id="closed-without-a-word"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-", FailureKind.UNREACHABLE, id="closed-in-the-head"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n203.0.113.7", FailureKind.MALFORMED, id="short-body"),
    pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", FailureKind.MALFORMED, id="not-http"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Length: 12\r\n\r\n203.0.113.7",
        FailureKind.MALFORMED,
        id="two-lengths",
    ),
]


@pytest.mark.parametrize(("raw", "kind"), BROKEN)
async def test_a_broken_exchange_is_a_failure(serve, client, raw, kind):
    """
    Truncated, foreign and contradictory replies end as failures, not as exceptions and not as addresses.
    """
    server = await serve(raw)

    assert kind is (await ask(server, client)).failure.kind


async def test_a_refused_connection_is_unreachable(client):
    """
    Nobody listens: a failure that says so.
    """
    with socket.create_server(("127.0.0.1", 0)) as guard:
        port = guard.getsockname()[1]
    answer = await HTTPProvider(spec_for(port), client=client).ask()

    assert FailureKind.UNREACHABLE is answer.failure.kind
    assert "127.0.0.1" in answer.failure.detail


async def test_a_private_server_is_refused_unless_allowed_by_name(serve, client, respond):
    """
    A URL that names a private address, and a name that resolves to one, are not connected to.
    """
    server = await serve(respond("203.0.113.7"))

    by_address = await ask(server, client, allow_private_address=False)
    by_name = await ask(server, client, host="localhost", allow_private_address=False)

    for answer in (by_address, by_name):
        assert FailureKind.UNREACHABLE is answer.failure.kind
        assert "RFC 1122" in answer.failure.detail
    assert server.heads == []


async def test_every_resolved_address_is_checked(serve, respond):
    """
    A name with one public and one private address is refused whole: the private one might be used next time.
    """
    server = await serve(respond("203.0.113.7"))
    client = HTTPClient(policy=AddressPolicy(), look_up=lambda host, family: ["8.8.8.8", "127.0.0.1"])
    try:
        answer = await ask(server, client, host="rebinding.example", allow_private_address=False)
    finally:
        await client.aclose()

    assert "rebinding.example is at 127.0.0.1" in answer.failure.detail
    assert server.heads == []


async def test_the_family_is_forced(serve, respond):
    """
    A name with addresses of both families is asked over the family of the source.
    """
    server = await serve(respond("203.0.113.7"))
    asked = []

    def look_up(host, family):
        asked.append(family)
        return ["127.0.0.1"] if family == socket.AF_INET else ["::1"]

    client = HTTPClient(policy=AddressPolicy((ipaddress.ip_network("203.0.113.0/24"),)), look_up=look_up)
    try:
        v4 = await ask(server, client, host="dual.example")
        v6 = await ask(server, client, host="dual.example", family=Family.V6)
    finally:
        await client.aclose()

    assert v4.address == GOOD
    assert FailureKind.UNREACHABLE is v6.failure.kind
    assert asked == [socket.AF_INET, socket.AF_INET6]


async def test_a_blocked_resolver_delays_neither_the_deadline_nor_the_end(serve, respond):
    """
    The system resolver hangs when the network is away; the question ends in time and nothing waits for the thread.
    """
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look_up(host, family):
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(timeout=30)
        return ["127.0.0.1"]

    client = HTTPClient(policy=AddressPolicy(), look_up=look_up)
    try:
        answer = await HTTPProvider(spec_for(9, host="slow.example", timeout_s=0.05), client=client).ask()
    finally:
        await client.aclose()
        release.set()

    assert FailureKind.TIMEOUT is answer.failure.kind


async def test_an_unknown_name_is_unreachable():
    """
    A name that does not resolve is told as such.
    """

    def look_up(host, family):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    client = HTTPClient(policy=AddressPolicy(), look_up=look_up)
    try:
        answer = await HTTPProvider(spec_for(9, host="nowhere.example"), client=client).ask()
    finally:
        await client.aclose()

    assert FailureKind.UNREACHABLE is answer.failure.kind
    assert "no address for nowhere.example" in answer.failure.detail


async def test_tls_is_verified(serve, respond):
    """
    A certificate of an authority nobody trusts is a TLS failure; of a trusted one, an answer.
    """
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = await serve(respond("203.0.113.7"), ssl=context)
    policy = AddressPolicy((ipaddress.ip_network("203.0.113.0/24"),))
    # Without the authorities of this machine, whose loading holds the loop for as long as a busy machine likes.
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trusting)
    stranger, friend = HTTPClient(policy=policy), HTTPClient(policy=policy, ssl_context=trusting)
    try:
        refused = await ask(server, stranger, scheme="https")
        accepted = await ask(server, friend, scheme="https")
    finally:
        await stranger.aclose()
        await friend.aclose()

    assert FailureKind.TLS is refused.failure.kind
    assert accepted.address == GOOD


async def test_a_proxy_from_the_environment_is_not_used(serve, client, respond, monkeypatch):
    """
    A proxy would come back as the public address.
    """
    proxy, server = await serve(respond("203.0.113.99")), await serve(respond("203.0.113.7"))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")

    answer = await ask(server, client)

    assert answer.address == GOOD
    assert proxy.heads == []


async def test_a_server_that_answers_with_its_own_address_is_refused(serve, respond):
    """
    A service behind a broken front sees itself as the client. Where private servers are allowed, both ends may be one
    machine.
    """
    server = await serve(respond("127.0.0.1"))
    lab = HTTPClient(policy=AddressPolicy((ipaddress.ip_network("127.0.0.0/8"),)))
    try:
        refused = await ask(server, lab, allow_private_address=False)
        allowed = await ask(server, lab)
    finally:
        await lab.aclose()

    assert FailureKind.RULE is refused.failure.kind
    assert ipaddress.ip_address("127.0.0.1") == allowed.address


async def test_each_question_opens_its_own_connection_and_sends_nothing_but_the_question(serve, client, respond):
    """
    A kept connection would report the line it was opened on; no cookie and no encoding is sent.
    """
    cookie = respond("203.0.113.7", headers=["Set-Cookie: id=1"]).replace(b"Connection: close\r\n", b"")
    server = await serve(cookie)
    provider = HTTPProvider(spec_for(server.port), client=client)

    await provider.ask()
    await provider.ask()

    assert len(server.heads) == 2
    assert b"cookie" not in server.heads[1].lower()
    assert b"Accept-Encoding: identity" in server.heads[1]


async def test_cancelling_a_question_is_not_swallowed(serve, client):
    """
    Cancellation passes through `ask`.
    """
    server = await serve(hang=True)
    task = asyncio.create_task(ask(server, client))
    await server.asked.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_closing_twice_is_fine(serve, client, respond):
    """
    The client closes idempotently.
    """
    server = await serve(respond("203.0.113.7"))
    await ask(server, client)

    await client.aclose()
    await client.aclose()
