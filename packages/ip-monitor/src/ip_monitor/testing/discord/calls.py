"""
A request on its way through the REST interface, and the answer to it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ip_monitor.testing.discord import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from ip_monitor.testing.discord.nonces import Nonces
    from ip_monitor.testing.discord.posting import Files, Posting
    from ip_monitor.testing.discord.world import World


_FILE_FIELD = re.compile(r"files\[(\d{1,2})\]")
# JSON alone; files have a limit of their own, and come as a form.
_BODY_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """
    Attributes:
        body: None for an empty answer.
    """

    status: int = 200
    body: Any = None


NO_CONTENT = Answer(204)


@dataclass(eq=False, slots=True)
class Call:
    """
    Attributes:
        params: the numbers in the path, by the template's names; tokens as text.
    """

    world: World
    posting: Posting
    nonces: Nonces
    params: dict[str, str]
    query: dict[str, str]
    body: Any = None
    files: Files = field(default_factory=list[tuple[str, str, bytes]])

    @property
    def form(self) -> dict[str, Any]:
        """
        The body of a request that takes an object; empty when none was sent.
        """
        return {} if self.body is None else cast("dict[str, Any]", self.body)

    def number(self, name: str) -> int:
        """
        Raises:
            Refusal: it is no number.
        """
        text = self.params[name]
        if not (text.isascii() and text.isdigit()):
            raise refusal.invalid_form(
                {name: {"_errors": [{"code": "NUMBER_TYPE_COERCE", "message": f'Value "{text}" is not snowflake.'}]}}
            )
        return int(text)


@dataclass(frozen=True, slots=True)
class Route:
    """
    Attributes:
        is_open: it needs no bot token; the path carries one of its own.
    """

    method: str
    template: str
    handle: Callable[[Call], Awaitable[Answer]]
    is_open: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"


async def read_body(request: web.BaseRequest) -> tuple[Any, Files]:
    """
    JSON, or a form with `payload_json` and files.

    Raises:
        Refusal: 50109, it is no JSON; 40005, it is too large; 50035, a part of a form has no name that Discord knows.
    """
    if not request.can_read_body:
        return None, []
    if request.content_type.startswith("multipart/"):
        return await _read_form(request)
    if (request.content_length or 0) > _BODY_MOST_BYTES:
        raise refusal.too_large()
    data = await request.content.read(_BODY_MOST_BYTES)
    return (_json(data) if data else None), []


async def _read_form(request: web.BaseRequest) -> tuple[Any, Files]:
    body: Any = {}
    files: list[tuple[int, str, str, bytes]] = []
    try:
        async for raw in await request.multipart():
            part = cast("Any", raw)
            name, data = str(part.name), bytes(await part.read(decode=True))
            if name == "payload_json":
                body = _json(data)
            elif index := _FILE_FIELD.fullmatch(name):
                kind = part.headers.get("Content-Type", "application/octet-stream")
                files.append((int(index[1]), str(part.filename), kind, data))
            else:
                raise refusal.invalid_form({name: {"_errors": [{"code": "UNKNOWN_PART", "message": "Unknown part"}]}})
    except ValueError as error:
        # aiohttp's word for a form whose parts cannot be told apart.
        raise refusal.bad_json() from error
    return body, [(name, kind, data) for _, name, kind, data in sorted(files, key=lambda each: each[0])]


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise refusal.bad_json() from error
