"""
Recording a real server through the proxy, and answering from the recording: real sockets on all sides.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import math
from collections import Counter

import aiohttp
import pytest
from hermetic.world.http import MockServer, Recording, fail
from hermetic.world.http.bounds import BoundsError
from hermetic.world.http.errors import UpstreamError
from hermetic.world.http.scrubbing import MARK, Scrubber
from yarl import URL

TIMEOUT = aiohttp.ClientTimeout(total=10)


@pytest.fixture
async def client():
    async with aiohttp.ClientSession(timeout=TIMEOUT, auto_decompress=False) as session:
        yield session


@pytest.fixture
async def real():
    """
    The server that is recorded: another mock, since tests stay on this machine.
    """
    async with MockServer("real", seed=1) as server:
        yield server


@pytest.fixture
async def proxy():
    async with MockServer("proxy", seed=1) as server:
        yield server


async def replaying(recording, **options) -> MockServer:
    server = MockServer("replay", seed=1, allow_unmatched=True)
    server.replay(recording, **options)
    return await server.start()


async def test_what_goes_through_the_proxy_arrives_as_it_was(real, proxy, client):
    """
    Method, target, body and fields one way; status, reason, fields and body the other.
    """
    route = real.any("/a/{x}").json({"ip": "203.0.113.7"}, status=201, headers={"X-Kept": "yes"})
    proxy.proxy_to(real.url)
    async with client.post(
        URL(proxy.url_for("/a/b%20c?d=%2F&d=e"), encoded=True),
        data=b"body",
        headers={"X-Up": "1", "Connection": "keep-alive"},
    ) as reply:
        got = (reply.status, reply.reason, reply.headers["X-Kept"], await reply.json())
    seen = route.calls[0].request

    assert got == (201, "Created", "yes", {"ip": "203.0.113.7"})
    assert (seen.method, seen.target, seen.body, seen.header("x-up")) == ("POST", "/a/b%20c?d=%2F&d=e", b"body", "1")
    assert real.url.removeprefix("http://") == seen.header("host")


async def test_pieces_pass_through_when_they_come_and_keep_their_times(proxy, client):
    """
    The proxy does not wait for the end: the client has the first half while the real server holds the second back. The
    recording says how long that was, and the replay keeps that pace.
    """
    go_on = asyncio.Event()

    async def halves(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234")
        await go_on.wait()
        # A pause that a replay can be seen to keep.
        await asyncio.sleep(0.05)
        writer.write(b"56789")
        await writer.drain()
        writer.close()

    real = await asyncio.start_server(halves, "127.0.0.1", 0)
    async with real:
        recorder = proxy.proxy_to(f"http://127.0.0.1:{real.sockets[0].getsockname()[1]}")
        async with client.get(proxy.url) as reply:
            assert await reply.content.readany() == b"01234"
            assert recorder.recording.exchanges == ()
            go_on.set()
            await reply.read()
    recorded = recorder.recording.exchanges[0].reply

    assert [piece.data for piece in recorded.pieces] == [b"01234", b"56789"]
    assert recorded.pieces[1].after_s >= 0.05
    again = await replaying(recorder.recording)
    async with again, client.get(again.url) as reply:
        assert await reply.read() == b"0123456789"
        call = again.calls[0]

    assert call.first_byte_s is not None
    assert call.last_byte_s is not None
    assert call.first_byte_s >= recorded.first_byte_s
    assert call.last_byte_s >= recorded.duration_s
    assert (call.outcome, call.fault) == ("replied", None)


@pytest.mark.parametrize("kind", ["length", "chunked", "empty", "no-content", "not-modified", "head", "close", "gzip"])
async def test_every_kind_of_body_is_recorded_and_replayed_alike(real, proxy, client, kind, tmp_path):
    """
    However it was delimited, the client gets the same from the real server, the proxy and the replay.
    """
    packed = gzip.compress(b'{"ip": "203.0.113.7"}')
    route = real.any("/x")
    match kind:
        case "length" | "head":
            route.text("203.0.113.7")
        case "chunked":
            route.chunked([b"203.0.", b"113.7"])
        case "empty":
            route.text("")
        case "no-content":
            route.status(204)
        case "not-modified":
            route.status(304)
        case "close":
            route.text("203.0.113.7", headers={"Connection": "close"})
        case "gzip":
            route.bytes(packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
    path = tmp_path / "r.jsonl"
    proxy.proxy_to(real.url, record=path)

    async def seen(server) -> tuple[object, ...]:
        async with client.request("HEAD" if kind == "head" else "GET", server.url_for("/x")) as reply:
            kept = {k: v for k, v in reply.headers.items() if k not in {"Date", "Connection", "Transfer-Encoding"}}
            return reply.status, reply.reason, await reply.read(), kept

    first, second = await seen(real), await seen(proxy)
    again = await replaying(path)
    async with again:
        third, fourth = await seen(again), await seen(again)

    assert first == second == third == fourth


async def test_a_client_of_the_old_version_gets_a_body_it_can_read(real, proxy):
    """
    HTTP/1.0 knows no chunks: the end of the connection ends the body.
    """
    real.get("/x").chunked([b"203.0.", b"113.7"])
    proxy.proxy_to(real.url)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"GET /x HTTP/1.0\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()

    assert body == b"203.0.113.7"
    assert b"chunked" not in head


async def test_a_recording_holds_no_secret(real, proxy, client, tmp_path):
    """
    Named ones, their echoes in the reply, and the session that the server set: none is in the file, all passed through.
    """
    secret, session = "s3cr3t-value-42", "session-9999-abc"
    real.post("/login").json({"echo": secret, "access_token": session}, headers={"Set-Cookie": f"sid={session}"})
    real.get("/me").text("jane")
    path = tmp_path / "r.jsonl"
    proxy.proxy_to(real.url, record=path)
    async with client.post(
        proxy.url_for("/login?api_key=" + secret),
        json={"password": secret},
        headers={"Authorization": f"Bearer {secret}"},
    ) as reply:
        got = await reply.json()
    async with client.get(proxy.url_for(f"/me?user={session}")) as reply:
        await reply.read()
    written = path.read_text()

    assert {"echo": secret, "access_token": session} == got
    assert (written.count(secret), written.count(session)) == (0, 0)
    assert MARK in written


async def test_a_replay_finds_the_reply_for_a_client_with_real_secrets(real, proxy, client):
    """
    What comes in is scrubbed before it is compared; what differs otherwise is not found.
    """
    real.post("/ip").text("203.0.113.7")
    recorder = proxy.proxy_to(real.url)

    async def ask(server, key: str, body) -> int:
        async with client.post(server.url_for(f"/ip?api_key={key}"), json=body) as reply:
            await reply.read()
            return reply.status

    await ask(proxy, "recorded-key", {"token": "recorded-token", "n": 1})
    again = await replaying(recorder.recording)
    async with again:
        assert await ask(again, "another-key", {"token": "another-token", "n": 1}) == 200
        assert await ask(again, "another-key", {"token": "another-token", "n": 2}) == 404


async def test_secrets_inside_compressed_bodies_are_found(real, proxy, client):
    """
    The recording stays readable for the client, with another length.
    """
    packed = gzip.compress(b'{"token": "s3cr3t-value-42", "ip": "203.0.113.7"}')
    real.get("/").bytes(packed, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
    recorder = proxy.proxy_to(real.url)
    async with client.get(proxy.url, headers={"Accept-Encoding": "br, gzip;q=0.5"}) as reply:
        assert packed == await reply.read()
    recorded = recorder.recording.exchanges[0].reply

    assert json.loads(gzip.decompress(recorded.body)) == {"token": MARK, "ip": "203.0.113.7"}
    assert ("Content-Length", str(len(recorded.body))) in recorded.headers
    assert real.calls[0].request.header("accept-encoding") == "gzip;q=0.5"


async def test_scrubbing_can_be_extended_and_turned_off(real, proxy, client):
    """
    With a scrubber of one's own, or none.
    """
    real.get("/").text("customer-12345")
    own = proxy.proxy_to(real.url, scrub=Scrubber(values=frozenset({"customer-12345"})))
    async with client.get(proxy.url) as reply:
        await reply.read()
    async with MockServer("bare", seed=1) as bare:
        raw = bare.proxy_to(real.url, scrub=False)
        async with client.get(bare.url, headers={"Authorization": "Bearer abc"}) as reply:
            await reply.read()

    assert MARK.encode() == own.recording.exchanges[0].reply.body
    assert ("Authorization", "Bearer abc") in raw.recording.exchanges[0].request.headers


async def test_equal_requests_get_their_replies_in_order_and_once(real, proxy, client):
    """
    32 clients at once: each recorded reply is given out once, and then the last again.
    """
    numbers = iter(range(40))
    real.get("/n").call(lambda _request: str(next(numbers)))
    recorder = proxy.proxy_to(real.url)
    for _ in range(40):
        async with client.get(proxy.url_for("/n")) as reply:
            await reply.read()

    async def ask(server) -> str:
        async with client.get(server.url_for("/n")) as reply:
            return await reply.text() if reply.status == 200 else str(reply.status)

    for option, after in (("repeat", "39"), ("again", "0"), ("refuse", "404")):
        again = await replaying(recorder.recording, when_used_up=option, speed=math.inf)
        async with again:
            answers = await asyncio.gather(*(ask(again) for _ in range(40)))

            assert Counter(map(str, range(40))) == Counter(answers)
            assert after == await ask(again)


async def test_matching_can_look_at_less(real, proxy, client):
    """
    By path alone, any query and any method find it.
    """
    real.get("/ip").text("203.0.113.7")
    recorder = proxy.proxy_to(real.url)
    async with client.get(proxy.url_for("/ip?at=1")) as reply:
        await reply.read()
    again = await replaying(recorder.recording, by=("path",))
    async with again, client.post(again.url_for("/ip?at=2"), data=b"x") as reply:
        assert await reply.text() == "203.0.113.7"


async def test_paths_that_look_like_patterns_are_only_themselves(real, proxy, client):
    """
    Braces and asterisks of a recorded path are no wildcards.
    """
    real.get("/{x:path}").text("found")
    recorder = proxy.proxy_to(real.url)
    for path in ("/a*b", "/%7Bx%7D", "/~me"):
        async with client.get(proxy.url_for(path)) as reply:
            await reply.read()
    again = await replaying(recorder.recording)
    async with again:
        for path, status in (("/a*b", 200), ("/~me", 200), ("/%7Bx%7D", 200), ("/aXb", 404), ("/x", 404)):
            async with client.get(again.url_for(path)) as reply:
                assert (path, status) == (path, reply.status)


async def test_a_cut_connection_is_cut_for_the_client_and_in_the_replay(proxy, client):
    """
    The real server promises 100 bytes and leaves after 4.
    """

    async def cut(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    real = await asyncio.start_server(cut, "127.0.0.1", 0)
    async with real:
        recorder = proxy.proxy_to(f"http://127.0.0.1:{real.sockets[0].getsockname()[1]}")
        await assert_cut(client, proxy)
    again = await replaying(recorder.recording)
    async with again:
        await assert_cut(client, again)

    assert recorder.recording.exchanges[0].reply.end == "cut"


async def assert_cut(client, server) -> None:
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, ConnectionResetError)):
        async with client.get(server.url) as reply:
            await reply.read()


@pytest.mark.parametrize("what", [b"SSH-2.0-OpenSSH\r\n", b""], ids=["no-http", "nothing"])
async def test_an_upstream_that_speaks_no_http_is_a_bad_gateway(proxy, client, what):
    """
    The client is told what is wrong with it; the replay has no server.
    """

    async def odd(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(what)
        await writer.drain()
        writer.close()

    real = await asyncio.start_server(odd, "127.0.0.1", 0)
    async with real:
        recorder = proxy.proxy_to(f"http://127.0.0.1:{real.sockets[0].getsockname()[1]}")
        async with client.get(proxy.url) as reply:
            assert reply.status == 502
            assert "upstream 'http://127.0.0.1" in await reply.text()
    again = await replaying(recorder.recording)
    async with again:
        await assert_cut(client, again)


async def test_an_upstream_that_is_down_is_a_bad_gateway(real, proxy, client):
    """
    And recorded as refused.
    """
    recorder = proxy.proxy_to(real.url)
    await real.down()
    async with client.get(proxy.url) as reply:
        assert reply.status == 502

    assert [one.reply.end for one in recorder.recording.exchanges] == ["refused"]


async def test_an_upstream_over_tls(proxy, client):
    """
    With the trust that is given for it.
    """
    async with MockServer("real", seed=1, tls=True) as real:
        real.get("/").text("encrypted")
        proxy.proxy_to(real.url.replace("127.0.0.1", "localhost"), ssl_context=real.authority.client_context())
        async with client.get(proxy.url) as reply:
            assert (await reply.text(), reply.status) == ("encrypted", 200)


async def test_informational_replies_come_before_the_final_one(proxy, client):
    """
    103 Early Hints is not the reply.
    """

    async def hinting(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        )
        await writer.drain()
        writer.close()

    real = await asyncio.start_server(hinting, "127.0.0.1", 0)
    async with real:
        recorder = proxy.proxy_to(f"http://127.0.0.1:{real.sockets[0].getsockname()[1]}")
        async with client.get(proxy.url) as reply:
            assert (reply.status, await reply.text(), "Link" in reply.headers) == (200, "ok", False)

    assert recorder.recording.exchanges[0].reply.status == 200


async def test_routes_made_before_the_proxy_answer_themselves(real, proxy, client):
    """
    A part of a real service can be replaced.
    """
    real.get("/{x}").text("real")
    proxy.get("/mine").reply(fail(503))
    proxy.proxy_to(real.url)
    statuses = []
    for path in ("/mine", "/theirs"):
        async with client.get(proxy.url_for(path)) as reply:
            statuses.append(reply.status)

    assert statuses == [503, 200]


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://x", "http://", "http://x/?a", "http://x:99999"])
def test_addresses_that_are_no_upstream_are_refused(url):
    """
    Before anything is recorded.
    """
    with pytest.raises(UpstreamError, match="upstream"):
        MockServer().proxy_to(url)


def test_a_replay_cannot_stand_still():
    """
    Its speed is a factor above 0.
    """
    with pytest.raises(BoundsError, match=r"replay\(speed\) got 0"):
        MockServer().replay(Recording("", ()), speed=0)
