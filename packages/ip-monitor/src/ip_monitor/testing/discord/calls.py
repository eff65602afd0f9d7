"""
A request on its way through the REST interface, and the answer to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ip_monitor.testing.discord import refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from ip_monitor.testing.discord.nonces import Nonces
    from ip_monitor.testing.discord.posting import Files, Posting
    from ip_monitor.testing.discord.world import World


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
        Refusal: 50109, it is no JSON.
    """
    if not request.can_read_body:
        return None, []
    if not request.content_type.startswith("multipart/"):
        text = await request.text()
        return (_json(text) if text else None), []
    body: Any = {}
    files: list[tuple[int, str, str, bytes]] = []
    async for raw in await request.multipart():
        part = cast("Any", raw)
        data = bytes(await part.read(decode=True))
        if part.name == "payload_json":
            body = _json(data.decode())
        elif str(part.name).startswith("files["):
            index = int(str(part.name)[len("files[") : -1])
            files.append(
                (index, str(part.filename), part.headers.get("Content-Type", "application/octet-stream"), data)
            )
    return body, [(name, kind, data) for _, name, kind, data in sorted(files, key=lambda each: each[0])]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise refusal.bad_json() from error
