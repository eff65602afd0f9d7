"""
The gateway's ways of ending, resuming and refusing, with the real client and with a bare WebSocket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import textwrap
import zlib

import aiohttp
import discord
import pytest
from ip_monitor.testing.discord import DiscordDouble
from ip_monitor.testing.discord.intents import PRIVILEGED, Intent


@pytest.fixture
async def raw(double):
    """
    Connects a WebSocket as a client would, without discord.py's own ways.
    """
    session = aiohttp.ClientSession(connector=double.connector())

    async def connect(query="v=10&encoding=json"):
        return await session.ws_connect(f"wss://gateway.discord.gg/?{query}")

    yield connect
    await session.close()


ENDS = {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED}


def identify(token, **more):
    return {"op": 2, "d": {"token": token, "intents": 1, "properties": {}, **more}}


async def close_code_of(socket):
    async with asyncio.timeout(3):
        while (await socket.receive()).type not in ENDS:
            pass
    return socket.close_code


async def test_session_survives_a_reset_and_is_replayed(double, new_bot, running):
    """
    Events that happen while the connection is gone reach the client after its RESUME, once and in order.
    """
    bot = new_bot(intents=discord.Intents(guilds=True, messages=True, message_content=True))
    read = asyncio.Queue()

    @bot.event
    async def on_message(message) -> None:
        read.put_nowait(message.content)

    async with running(bot):
        with double.outage(rest=False):
            for number in range(3):
                double.text(double.member, double.channel, f"missed {number}")
        await double.until(lambda: double.gateway.resumes == 1, "a resume")
        double.text(double.member, double.channel, "live")
        async with asyncio.timeout(5):
            contents = [await read.get() for _ in range(4)]

    assert contents == ["missed 0", "missed 1", "missed 2", "live"]
    assert double.gateway.identifies == 1


async def test_reset_gateway_is_found_again(double, bot, running):
    """
    After a reset of its TCP connection the client comes back to its session.
    """
    async with running(bot):
        double.gateway_site.reset()
        await double.until(lambda: double.gateway.resumes == 1, "a resume")

    assert double.gateway.identifies == 1


async def test_request_to_reconnect_is_followed_by_a_resume(double, bot, running):
    """
    Op 7 makes the client come back to the same session by the address that READY gave.
    """
    async with running(bot):
        double.gateway.reconnect()
        await double.until(lambda: double.gateway.resumes == 1, "a resume")
        async with asyncio.timeout(3):
            await bot.resumed.wait()

    assert double.gateway.identifies == 1


async def test_invalid_session_begins_a_new_one(double, bot, running):
    """
    Op 9 with false ends the session; the client identifies again and is ready again.
    """
    async with running(bot):
        bot.ready.clear()
        double.gateway.invalidate(resumable=False)
        async with asyncio.timeout(8):
            await bot.ready.wait()

    assert double.gateway.identifies == 2
    assert double.gateway.resumes == 0


async def test_revoked_token_ends_the_client(double, bot, running):
    """
    Close code 4004 is final for the client, and REST answers 401 from then on.
    """
    old = double.token
    async with running(bot):
        double.revoke_token()

        with pytest.raises(discord.ConnectionClosed, match="4004"):
            await bot.task
    again = discord.Client(intents=discord.Intents.none(), connector=double.connector())
    with pytest.raises(discord.LoginFailure):
        await again.start(old)
    await again.close()


@pytest.mark.parametrize("code", [4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009])
async def test_codes_that_let_a_client_return(double, bot, running, code):
    """
    After these codes the client is back, by a resume.
    """
    async with running(bot):
        double.gateway.close(code)
        await double.until(lambda: double.gateway.resumes == 1, "a resume")


@pytest.mark.parametrize("code", [4010, 4011, 4012, 4013, 4014])
async def test_codes_that_end_a_client(double, bot, running, code):
    """
    After these codes the client gives up with the code in its error.
    """
    async with running(bot):
        double.gateway.close(code)

        with pytest.raises((discord.ConnectionClosed, discord.PrivilegedIntentsRequired)):
            await bot.task


@pytest.mark.parametrize(
    "payload, code",
    [
        ("no json", 4002),
        ('"x"', 4002),
        ('{"op": "two"}', 4002),
        ("x" * 5000, 4002),
        ('{"op": 99}', 4001),
        ('{"op": 2, "d": null}', 4002),
        ('{"op": 6, "d": []}', 4002),
        ('{"op": 6, "d": {"token": "TOKEN", "session_id": "x", "seq": "y"}}', 4007),
        (json.dumps(identify("TOKEN", shard="zero")), 4010),
        ('{"op": 3, "d": {}}', 4003),
        (json.dumps(identify("wrong")), 4004),
        (json.dumps(identify("TOKEN", shard=[1, 1])), 4010),
        (json.dumps(identify("TOKEN", intents=1 << 40)), 4013),
        (json.dumps(identify("TOKEN", intents=None)), 4013),
    ],
)
async def test_wrong_payloads_are_closed_with_their_codes(double, raw, payload, code):
    """
    Each kind of wrong payload has the code that Discord documents for it.
    """
    socket = await raw()

    await socket.send_str(payload.replace("TOKEN", double.token))

    assert await close_code_of(socket) == code


async def test_privileged_intents_need_a_grant(authority):
    """
    An application that was not granted the message content is closed with 4014.
    """
    async with DiscordDouble(authority=authority, privileged=PRIVILEGED & ~Intent.MESSAGE_CONTENT) as double:
        intents = discord.Intents(guilds=True, messages=True, message_content=True)
        client = discord.Client(intents=intents, connector=double.connector())

        with pytest.raises(discord.PrivilegedIntentsRequired):
            await client.start(double.token)
        await client.close()


async def test_too_many_payloads_are_closed_with_4008(raw):
    """
    121 payloads within a minute are one too many.
    """
    socket = await raw()

    for _ in range(121):
        await socket.send_str('{"op": 1, "d": null}')

    assert await close_code_of(socket) == 4008


async def test_second_identify_and_unknown_session(double, raw):
    """
    A second IDENTIFY closes with 4005; a RESUME of an unknown session is answered by op 9 with false.
    """
    socket, other = await raw(), await raw()
    await socket.send_json(identify(double.token))
    await socket.send_json(identify(double.token))
    await other.send_json({"op": 6, "d": {"token": double.token, "session_id": "no", "seq": 3}})

    assert await close_code_of(socket) == 4005
    await other.receive()
    assert (await other.receive_json()) == {"op": 9, "d": False}


async def told(socket, name):
    """
    What the next event of this name tells; what comes before it is passed over.
    """
    async with asyncio.timeout(3):
        while (payload := await socket.receive_json()).get("t") != name:
            pass
    return payload["d"]


async def test_resume_is_refused_to_who_has_a_session_or_another_token(double, raw):
    """
    4005 after an IDENTIFY; 4004 with a token that is none.
    """
    begun, stranger = await raw(), await raw()
    await begun.send_json(identify(double.token))
    number = (await told(begun, "READY"))["session_id"]
    await begun.send_json({"op": 6, "d": {"token": double.token, "session_id": number, "seq": 1}})
    await stranger.send_json({"op": 6, "d": {"token": "wrong", "session_id": number, "seq": 1}})

    assert await close_code_of(begun) == 4005
    assert await close_code_of(stranger) == 4004


async def test_a_session_that_is_resumed_elsewhere_leaves_its_connection(double, raw):
    """
    A client that lost its connection before Discord noticed gets on by a new one; the old one is closed.
    """
    old, new = await raw(), await raw()
    await old.send_json(identify(double.token))
    number = (await told(old, "READY"))["session_id"]
    await new.send_json({"op": 6, "d": {"token": double.token, "session_id": number, "seq": 1}})

    assert await close_code_of(old) == 4000
    assert double.gateway.resumes == 1


async def test_without_the_intent_for_guilds_none_is_told(double, raw):
    """
    What follows READY is what the test makes Discord send. A connection without a session can be told that it has none.
    """
    socket = await raw()
    await socket.receive()
    double.gateway.invalidate()
    refused = await socket.receive_json()
    await socket.send_json(identify(double.token, intents=0))
    await told(socket, "READY")
    double.gateway.invalidate(resumable=True)

    assert refused == {"op": 9, "d": False}
    assert await socket.receive_json() == {"op": 9, "d": True}


@pytest.mark.parametrize(
    "wanted, names",
    [
        (lambda _: {"query": "adm"}, ["admin"]),
        (lambda double: {"user_ids": [str(double.member.id)]}, ["member"]),
        (lambda _: {"query": "nobody"}, []),
    ],
    ids=["by name", "by number", "none"],
)
async def test_members_are_told_who_asks(double, raw, wanted, names):
    """
    In one chunk, with the nonce of the request; of a guild that there is not, nothing.
    """
    socket = await raw()
    await socket.send_json(identify(double.token, intents=int(Intent.GUILDS | Intent.GUILD_MEMBERS)))
    await told(socket, "READY")
    await socket.send_json({"op": 8, "d": {"guild_id": "1", "query": "", "limit": 0}})
    request = {"guild_id": str(double.guild.id), "limit": 0, "nonce": "n", **wanted(double)}
    await socket.send_json({"op": 8, "d": request})
    chunk = await told(socket, "GUILD_MEMBERS_CHUNK")

    assert [member["user"]["username"] for member in chunk["members"]] == names
    assert chunk["nonce"] == "n"


async def test_forgotten_session_cannot_be_resumed(double, raw):
    """
    After a restart of Discord a RESUME is answered by op 9 with false, and IDENTIFY begins anew.
    """
    socket, other = await raw(), await raw()
    await socket.send_json(identify(double.token))
    await double.ready()
    (session,) = double.gateway.sessions.values()
    double.gateway.forget_sessions()
    await other.send_json({"op": 6, "d": {"token": double.token, "session_id": session.id, "seq": 1}})
    await other.receive()

    assert (await other.receive_json()) == {"op": 9, "d": False}
    await other.send_json(identify(double.token))
    assert (await other.receive_json())["t"] == "READY"


async def test_without_the_intent_content_is_hidden(double, raw):
    """
    Messages of others come without their content, but for direct messages and mentions of the bot.
    """
    socket = await raw()
    guilds, messages, direct = Intent.GUILDS, Intent.GUILD_MESSAGES, Intent.DIRECT_MESSAGES
    await socket.send_json(identify(double.token, intents=int(guilds | messages | direct)))
    await double.ready()
    double.text(double.member, double.channel, "secret")
    double.text(double.member, double.channel, f"{double.world.bot.mention} open")
    double.direct_message(double.member, "between us")

    contents = []
    while len(contents) < 3:
        payload = await socket.receive_json()
        if payload.get("t") == "MESSAGE_CREATE":
            contents.append(payload["d"]["content"])

    assert contents == ["", f"{double.world.bot.mention} open", "between us"]


async def test_zlib_stream_is_one_stream(double, raw):
    """
    With zlib-stream every frame continues one stream and ends with a sync flush.
    """
    socket = await raw("v=10&encoding=json&compress=zlib-stream")
    await socket.send_json(identify(double.token))
    stream, names = zlib.decompressobj(), []

    for _ in range(3):
        frame = await socket.receive_bytes()
        assert frame.endswith(b"\x00\x00\xff\xff")
        names.append(json.loads(stream.decompress(frame)).get("t"))

    assert names == [None, "READY", "GUILD_CREATE"]


async def test_zstd_stream_is_one_frame(double, raw):
    """
    With zstd-stream every frame of the socket continues one frame of zstd.
    """
    zstandard = pytest.importorskip("zstandard")
    socket = await raw("v=10&encoding=json&compress=zstd-stream")
    await socket.send_json(identify(double.token))
    stream = zstandard.ZstdDecompressor().decompressobj()

    names = [json.loads(stream.decompress(await socket.receive_bytes())).get("t") for _ in range(3)]

    assert names == [None, "READY", "GUILD_CREATE"]


async def test_unknown_compression_and_version_are_refused(raw):
    """
    An unknown compression is refused before the upgrade, an unknown version with 4012.
    """
    with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
        await raw("v=10&compress=lzma")
    assert await close_code_of(await raw("v=7")) == 4012


async def test_unknown_events_and_ops_do_not_end_the_client(double, bot, running):
    """
    A client that gets an event or op of a later version goes on.
    """
    async with running(bot):
        double.gateway.send_raw({"op": 0, "t": "SOMETHING_NEW", "d": {"a": [1, None]}})
        double.gateway.send_raw({"op": 42, "d": None})
        double.gateway.reconnect()
        await double.until(lambda: double.gateway.resumes == 1, "a resume")


async def test_silent_gateway_is_left_by_the_client(double, new_bot, running):
    """
    A gateway that acknowledges nothing is left after the client's heartbeat time-out, and found again.
    """
    bot = new_bot(heartbeat_timeout=0.2)
    async with running(bot):
        for connection in double.gateway.connections:
            connection.silence()
        await double.until(lambda: double.gateway.resumes == 1, "a resume")


async def test_presence_is_what_others_see(double, bot, running):
    """
    Invisible looks offline; closing with 4000 leaves the presence, as Discord shows it for two minutes.
    """
    async with running(bot):
        assert double.gateway.status == "online"
        await bot.change_presence(status=discord.Status.idle)
        await double.until(lambda: double.gateway.status == "idle", "the status idle")
    await double.until(lambda: not double.gateway.connections, "the end of the connection")
    assert double.gateway.status == "idle"


async def test_whole_process_reaches_the_double_by_its_proxy(double, tmp_path):
    """
    A bot in a process of its own needs the proxy and the certificate only; without zstandard it speaks zlib.
    """
    program = textwrap.dedent("""
        import os, sys, warnings
        warnings.simplefilter("ignore")
        sys.modules["zstandard"] = None
        import discord

        class Bot(discord.Client):
            async def on_ready(self):
                await self.get_channel(int(os.environ["CHANNEL"])).send("from afar")
                await self.close()

        client = Bot(intents=discord.Intents(guilds=True), proxy=os.environ["PROXY"], guild_ready_timeout=0.01)
        client.run(os.environ["TOKEN"], log_handler=None)
    """)
    environment = {
        **os.environ,
        "PROXY": double.proxy,
        "SSL_CERT_FILE": str(double.write_ca(tmp_path / "ca.pem")),
        "TOKEN": double.token,
        "CHANNEL": str(double.channel.id),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await process.communicate()

    assert (process.returncode, output, errors) == (0, b"", b"")
    assert [message.content for message in double.messages()] == ["from afar"]


async def asked(double, head):
    """
    A bare connection to the proxy that has sent so much.
    """
    host, _, port = double.proxy.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head)
    return reader, writer


async def answer_of(reader):
    """
    All that comes until the proxy closes or resets the connection.
    """
    said = b""
    async with asyncio.timeout(3):
        with contextlib.suppress(ConnectionError):
            while more := await reader.read(1000):
                said += more
    return said


async def test_proxy_tells_what_it_cannot_reach(authority):
    """
    502 for a site that is down. A head without an end is cut off, and so is, at the end, who waits for a black hole.
    """
    connect = b"CONNECT discord.com:443 HTTP/1.1\r\n\r\n"
    async with DiscordDouble(authority=authority) as double:
        double.rest_site.refuse()
        refused, first = await asked(double, connect)
        endless, second = await asked(double, b"CONNECT " + b"a" * 70_000)
        said = [await answer_of(refused), await answer_of(endless)]
        double.rest_site.swallow()
        swallowed, third = await asked(double, connect)
    said.append(await answer_of(swallowed))
    for writer in (first, second, third):
        writer.close()

    assert said[0].startswith(b"HTTP/1.1 502 Bad Gateway")
    assert said[1:] == [b"", b""]


async def test_proxy_leads_nowhere_else(double):
    """
    The proxy refuses every other host, and a resolver for one process as well.
    """
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientHttpProxyError, match="403"):
            await session.get("https://example.com/", proxy=double.proxy)
    async with aiohttp.ClientSession(connector=double.connector()) as session:
        with pytest.raises(aiohttp.ClientConnectorError, match=r"example\.com"):
            await session.get("https://example.com/")
