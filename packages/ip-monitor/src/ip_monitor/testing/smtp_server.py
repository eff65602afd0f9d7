"""
A mail server on loopback that takes mail, or refuses it in one of the ways known from the field.

Speaks enough of RFC 5321 for a client to hand mail in: EHLO, STARTTLS, AUTH PLAIN and LOGIN, MAIL, RCPT, DATA, RSET, NOOP,
QUIT; with implicit TLS when told so.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import email
import email.policy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

if TYPE_CHECKING:
    import ssl
    from email.message import EmailMessage
    from types import TracebackType

_LIMIT_BYTES = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedMail:
    """
    One message that was taken.

    Attributes:
        is_encrypted: it came over TLS.
        user: who had logged in, None for nobody.
    """

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage
    is_encrypted: bool
    user: str | None


@dataclass(slots=True)
class _Session:
    is_encrypted: bool
    user: str | None = None
    sender: str | None = None
    recipients: tuple[str, ...] = ()


class MockSMTPServer:
    """
    An asynchronous context manager.

    Args:
        ssl_context: offers STARTTLS with it, or speaks TLS from the first byte with `is_implicit_tls`.
        credentials: user and password that a client must give, None for none.

    Attributes:
        received: what was taken, in order.
        faults: by command (`"RCPT"`, `"AUTH"`, `"."` for the end of the data, and `"connect"`), a list of replies to give
            instead, one each time; the reply `"drop"` cuts the connection and `"hang"` never answers.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        is_implicit_tls: bool = False,
        credentials: tuple[str, str] | None = None,
    ) -> None:
        self.received: list[ReceivedMail] = []
        self.faults: dict[str, list[str]] = {}
        self._ssl_context = ssl_context
        self._is_implicit_tls = is_implicit_tls
        self._credentials = credentials
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """
        0 while it is stopped.
        """
        return 0 if self._server is None else int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        context = self._ssl_context if self._is_implicit_tls else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context, limit=_LIMIT_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            with contextlib.suppress(OSError, EOFError, ValueError, _Dropped):
                await self._talk(reader, writer)
        finally:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = _Session(is_encrypted=self._is_implicit_tls)
        await self._say(writer, await self._fault("connect") or "220 mock ESMTP")
        while line := await reader.readline():
            words = line.decode("ascii", "replace").strip()
            verb = words.partition(" ")[0].upper()
            reply = await self._fault(verb)
            if verb == "STARTTLS" and reply is None and self._ssl_context is not None:
                await self._say(writer, "220 go ahead")
                await writer.start_tls(self._ssl_context)
                session = _Session(is_encrypted=True)
                continue
            if verb == "DATA" and reply is None:
                reply = await self._data(reader, writer, session)
            elif verb == "AUTH" and reply is None:
                reply = await self._auth(reader, writer, session, words)
            await self._say(writer, reply or self._answer(verb, words, session))
            if verb == "QUIT":
                return

    def _answer(self, verb: str, words: str, session: _Session) -> str:
        argument = words.partition(":")[2].strip()
        address = argument.partition(">")[0].lstrip("<")
        match verb:
            case "EHLO" | "HELO":
                return self._greeting(session)
            case "MAIL":
                if self._credentials is not None and session.user is None:
                    return "530 5.7.0 Authentication required"
                session.sender, session.recipients = address, ()
            case "RCPT":
                session.recipients += (address,)
            case "QUIT":
                return "221 bye"
            case "RSET" | "NOOP":
                pass
            case _:
                return "502 5.5.1 not known"
        return "250 2.0.0 fine"

    def _greeting(self, session: _Session) -> str:
        offers = ["mock", "8BITMIME", "SMTPUTF8"]
        if self._ssl_context is not None and not session.is_encrypted:
            offers.append("STARTTLS")
        if self._credentials is not None:
            offers.append("AUTH PLAIN LOGIN")
        return "\r\n".join([*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}"])

    async def _auth(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: _Session, words: str
    ) -> str:
        _, mechanism, *initial = words.split(" ")
        if mechanism.upper() == "PLAIN":
            given = initial[0] if initial else await self._prompt(reader, writer, "")
            _, user, password = base64.b64decode(given).decode().split("\0")
        else:
            first = initial[0] if initial else await self._prompt(reader, writer, "VXNlcm5hbWU6")
            user = base64.b64decode(first).decode()
            password = base64.b64decode(await self._prompt(reader, writer, "UGFzc3dvcmQ6")).decode()
        if (user, password) != self._credentials:
            return "535 5.7.8 wrong user or password"
        session.user = user
        return "235 2.7.0 welcome"

    async def _prompt(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str) -> str:
        await self._say(writer, f"334 {text}")
        return (await reader.readline()).decode("ascii").strip()

    async def _data(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: _Session) -> str:
        if session.sender is None or not session.recipients:
            return "503 5.5.1 first MAIL and RCPT"
        await self._say(writer, "354 go ahead")
        lines: list[bytes] = []
        while (line := await reader.readline()) not in {b".\r\n", b""}:
            lines.append(line[1:] if line.startswith(b".") else line)
        fault = await self._fault(".")
        if fault is not None:
            return fault
        self.received.append(
            ReceivedMail(
                sender=session.sender,
                recipients=session.recipients,
                message=email.message_from_bytes(b"".join(lines), policy=email.policy.default),
                is_encrypted=session.is_encrypted,
                user=session.user,
            )
        )
        return "250 2.0.0 taken"

    async def _fault(self, verb: str) -> str | None:
        planned = self.faults.get(verb)
        fault = planned.pop(0) if planned else None
        if fault == "drop":
            raise _Dropped
        if fault == "hang":
            await asyncio.Event().wait()
        return fault

    async def _say(self, writer: asyncio.StreamWriter, text: str) -> None:
        writer.write(text.encode() + b"\r\n")
        await writer.drain()


class _Dropped(Exception):  # noqa: N818 # no error: the wish to cut the connection
    pass
