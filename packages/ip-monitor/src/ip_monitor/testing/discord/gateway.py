"""
The gateway: IDENTIFY, heartbeats, events, RESUME with replay, and every way in which Discord ends a connection.

Source: Discord developer documentation, Events / Gateway; Topics / Opcodes and Status Codes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from ip_monitor.testing.discord.compression import stream_for
from ip_monitor.testing.discord.gateway_connection import GatewayConnection
from ip_monitor.testing.discord.intents import KNOWN, PRIVILEGED, Intent
from ip_monitor.testing.discord.sessions import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.testing.discord.world import World

# Clients keep to 4 KiB a payload; more closes with 4002.
_PAYLOAD_MOST_BYTES = 4096
# Discord allows 120 payloads in 60 seconds, then closes with 4008.
_PAYLOADS, _PAYLOADS_PER_S = 120, 60.0


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


_WITH_FIELDS = frozenset({Op.IDENTIFY, Op.PRESENCE, Op.RESUME, Op.REQUEST_MEMBERS})


class Close(IntEnum):
    """
    Why Discord closes. discord.py reconnects after all but 4004 and 4010 to 4014.
    """

    UNKNOWN_ERROR = 4000
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQUENCE = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    SHARDING_REQUIRED = 4011
    INVALID_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


class Gateway:
    """
    Attributes:
        sessions: every session begun, by id, those that are over included.
        privileged: which privileged intents the application has been granted.
        heartbeat_interval_s: what HELLO says, seconds.
        identifies: how many sessions were begun, resumes not counted.
        resumes: how many RESUMEs succeeded.
    """

    RESUME_URL = "wss://gateway-us-east1-b.discord.gg"

    def __init__(
        self,
        world: World,
        *,
        check: Callable[[str, dict[str, Any]], None],
        privileged: Intent = PRIVILEGED,
        heartbeat_interval_s: float = 41.25,
    ) -> None:
        self._check = check
        self._world = world
        self.privileged = privileged
        self.heartbeat_interval_s = heartbeat_interval_s
        self.sessions: dict[str, Session] = {}
        self.connections: set[GatewayConnection] = set()
        self.identifies = 0
        self.resumes = 0
        self.received: list[dict[str, Any]] = []
        world.publish = self.publish

    # ------------------------------------------------------------ events

    def publish(self, name: str, data: dict[str, Any], *, needs: Intent = Intent.NONE) -> None:
        """
        To every session that asked for events of this kind, also to those that may come back.
        """
        for session in self.sessions.values():
            if session.is_resumable and (not needs or session.intents & needs):
                told = self._guild(data["id"], session) if name == "GUILD_CREATE" else data
                self._check(name, told)
                session.dispatch(name, told)
        self._world.pulse.beat()

    def _guild(self, number: str, session: Session) -> dict[str, Any]:
        guild = self._world.guilds[int(number)]
        return guild.event(bot_id=self._world.bot.id, with_members=bool(session.intents & Intent.GUILD_MEMBERS))

    @property
    def status(self) -> str:
        """
        The bot's presence as others see it: "offline" without a session.
        """
        live = [session.status for session in self.sessions.values() if session.is_resumable]
        shown = live[-1] if live else "offline"
        return "offline" if shown == "invisible" else shown

    @property
    def is_ready(self) -> bool:
        return any(connection.session is not None for connection in self.connections)

    # ------------------------------------------------------------ what a test does to it

    def reconnect(self) -> None:
        """
        Ask every client to reconnect and resume (op 7), as Discord does several times a day.
        """
        for connection in self.connections:
            connection.send({"op": Op.RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool = False) -> None:
        """
        Tell every client that its session is invalid (op 9), and whether it may resume.
        """
        for connection in self.connections:
            if connection.session is not None:
                connection.session.is_resumable = resumable
            connection.send({"op": Op.INVALID_SESSION, "d": resumable})

    def close(self, code: int = Close.UNKNOWN_ERROR) -> None:
        """
        Close every connection with a code.
        """
        for connection in tuple(self.connections):
            self._end(connection, code)

    def send_raw(self, payload: dict[str, Any]) -> None:
        """
        Send any payload, such as an event of a kind that no client knows yet.
        """
        for session in self.sessions.values():
            if session.is_resumable and payload.get("op", 0) == Op.DISPATCH:
                session.dispatch(payload["t"], payload["d"])
        if payload.get("op", 0) != Op.DISPATCH:
            for connection in self.connections:
                connection.send(payload)

    def forget_sessions(self) -> None:
        """
        As after a restart of Discord: no session can be resumed.
        """
        for session in self.sessions.values():
            session.is_resumable = False

    # ------------------------------------------------------------ serving

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            stream = stream_for(request.query.get("compress"))
        except KeyError:
            return web.Response(status=400, text="unknown compression")
        # Discord agrees to no WebSocket extension.
        socket = web.WebSocketResponse(compress=False, timeout=0.1)
        await socket.prepare(request)
        connection = GatewayConnection(socket, stream)
        self.connections.add(connection)
        writer = asyncio.create_task(connection.write())
        try:
            if request.query.get("v") not in {"9", "10"} or request.query.get("encoding", "json") != "json":
                self._end(connection, Close.INVALID_VERSION)
            interval_ms = int(self.heartbeat_interval_s * 1000)
            connection.send({"op": Op.HELLO, "d": {"heartbeat_interval": interval_ms, "_trace": []}})
            await self._read(connection)
        finally:
            self._leave(connection)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        return socket

    async def _read(self, connection: GatewayConnection) -> None:
        times: list[float] = []
        async for message in connection.socket:
            if message.type is not WSMsgType.TEXT or len(message.data) > _PAYLOAD_MOST_BYTES:
                self._end(connection, Close.DECODE_ERROR)
                continue
            now = self._world.clock.monotonic()
            times = [moment for moment in times if now - moment < _PAYLOADS_PER_S] + [now]
            if len(times) > _PAYLOADS:
                self._end(connection, Close.RATE_LIMITED)
                continue
            try:
                payload = json.loads(message.data)
                op, data = int(payload["op"]), payload.get("d")
            except (ValueError, TypeError, KeyError):
                self._end(connection, Close.DECODE_ERROR)
                continue
            self.received.append(payload)
            self._take(connection, op, data)
            self._world.pulse.beat()

    def _take(self, connection: GatewayConnection, op: int, data: Any) -> None:
        if op in _WITH_FIELDS and not _is_object(data):
            self._end(connection, Close.DECODE_ERROR)
        elif op == Op.HEARTBEAT:
            connection.heartbeats += 1
            connection.send({"op": Op.HEARTBEAT_ACK})
        elif op == Op.IDENTIFY:
            self._identify(connection, data)
        elif op == Op.RESUME:
            self._resume(connection, data)
        elif op not in {Op.PRESENCE, Op.REQUEST_MEMBERS, Op.VOICE_STATE}:
            self._end(connection, Close.UNKNOWN_OPCODE)
        elif connection.session is None:
            self._end(connection, Close.NOT_AUTHENTICATED)
        elif op == Op.PRESENCE:
            connection.session.presence = data
        elif op == Op.REQUEST_MEMBERS:
            self._tell_members(connection.session, data)

    def _identify(self, connection: GatewayConnection, data: dict[str, Any]) -> None:
        if connection.session is not None:
            return self._end(connection, Close.ALREADY_AUTHENTICATED)
        if data.get("token") != self._world.token:
            return self._end(connection, Close.AUTHENTICATION_FAILED)
        shard = data.get("shard", [0, 1])
        if not _is_shard(shard):
            return self._end(connection, Close.INVALID_SHARD)
        asked = data.get("intents")
        if not isinstance(asked, int) or asked & ~KNOWN:
            return self._end(connection, Close.INVALID_INTENTS)
        if Intent(asked) & PRIVILEGED & ~self.privileged:
            return self._end(connection, Close.DISALLOWED_INTENTS)
        self.identifies += 1
        session = Session(intents=Intent(asked), bot_id=self._world.bot.id, presence=data.get("presence"))
        self.sessions[session.id] = session
        connection.session, session.connection = session, connection
        session.dispatch("READY", self._ready(session, shard))
        if session.intents & Intent.GUILDS:
            for number in self._world.guilds:
                told = self._guild(str(number), session)
                self._check("GUILD_CREATE", told)
                session.dispatch("GUILD_CREATE", told)
        return None

    def _ready(self, session: Session, shard: list[int]) -> dict[str, Any]:
        world = self._world
        return {
            "v": 10,
            "user": {**world.bot.payload(), "mfa_enabled": True, "verified": True, "email": None},
            "user_settings": {},
            "guilds": [{"id": str(number), "unavailable": True} for number in world.guilds],
            "private_channels": [],
            "relationships": [],
            "presences": [],
            "session_id": session.id,
            "session_type": "normal",
            "shard": shard,
            "resume_gateway_url": self.RESUME_URL,
            "application": {"id": str(world.application_id), "flags": 1 << 18 | 1 << 23},
            "_trace": [],
        }

    def _resume(self, connection: GatewayConnection, data: dict[str, Any]) -> None:
        if connection.session is not None:
            return self._end(connection, Close.ALREADY_AUTHENTICATED)
        if data.get("token") != self._world.token:
            return self._end(connection, Close.AUTHENTICATION_FAILED)
        session = self.sessions.get(str(data.get("session_id")))
        sequence = data.get("seq")
        if not isinstance(sequence, int):
            return self._end(connection, Close.INVALID_SEQUENCE)
        missed = None if session is None else session.missed_since(sequence)
        if session is None or missed is None or not session.is_resumable:
            connection.send({"op": Op.INVALID_SESSION, "d": False})
            return None
        self.resumes += 1
        if session.connection is not None:
            # The older connection of the same session gives way.
            session.connection.close_soon(Close.UNKNOWN_ERROR)
        connection.session, session.connection = session, connection
        for payload in missed:
            connection.send(payload)
        session.dispatch("RESUMED", {"_trace": []})
        return None

    def _tell_members(self, session: Session, data: dict[str, Any]) -> None:
        wanted_guild = str(data.get("guild_id"))
        guild = next((each for each in self._world.guilds.values() if str(each.id) == wanted_guild), None)
        if guild is None:
            return
        wanted = {str(number) for number in data.get("user_ids") or ()}
        query = str(data.get("query") or "")
        members = [
            member.payload()
            for member in guild.members.values()
            if (str(member.user.id) in wanted if wanted else member.user.name.startswith(query))
        ]
        chunk = {"guild_id": str(guild.id), "members": members, "chunk_index": 0, "chunk_count": 1, "not_found": []}
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk | ({"nonce": data["nonce"]} if data.get("nonce") else {}))

    def _end(self, connection: GatewayConnection, code: int) -> None:
        self._part(connection)
        connection.close_soon(code)

    def _leave(self, connection: GatewayConnection) -> None:
        """
        After the end: 1000 and 1001 from the client end the session too; anything else lets it be resumed.
        """
        session = connection.session
        self._part(connection)
        self.connections.discard(connection)
        if session is not None and not connection.is_ending and connection.socket.close_code in {1000, 1001}:
            session.is_resumable = False
        self._world.pulse.beat()

    def _part(self, connection: GatewayConnection) -> None:
        if connection.session is not None and connection.session.connection is connection:
            connection.session.connection = None


def _is_shard(shard: Any) -> bool:
    match shard:
        case [int(number), int(count)]:
            return 0 <= number < count
        case _:
            return False


def _is_object(data: object) -> bool:
    return isinstance(data, dict)
