"""
Recorded traffic as a file that people can read, edit and compare: JSON Lines, one exchange a line.

    {"hermetic": "recording", "version": 1, "upstream": "http://127.0.0.1:8000"}
    {"request": {"method": "GET", "target": "/ip", "headers": [["Accept", "*/*"]], "text": ""},
     "reply": {"status": 200, "reason": "OK", "headers": [["Content-Type", "text/plain"]],
               "first_byte_s": 0.012, "pieces": [{"after_s": 0.0, "text": "203.0.113.7"}], "end": "complete"}}

Bodies are `text` where they are UTF-8, `base64` where not. Times are seconds: `first_byte_s` from the whole request to
the reply's first byte, `after_s` of a piece from the one before it. `end` is complete, cut (the upstream closed too
early) or refused (it could not be reached; then there is no status).
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, cast

from hermetic.world.http import bounds
from hermetic.world.http.errors import BoundsError, RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

End = Literal["complete", "cut", "refused"]
HeaderPairs = tuple[tuple[str, str], ...]
_ENDS = ("complete", "cut", "refused")


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """
    What the client asked, scrubbed.
    """

    method: str
    target: str
    headers: HeaderPairs = ()
    body: bytes = b""

    @property
    def key(self) -> str:
        """
        By what a replay finds it: method, target and body.
        """
        digest = blake2b(self.body, digest_size=8).hexdigest() if self.body else ""
        return f"{self.method} {self.target} {digest}"


@dataclass(frozen=True, slots=True)
class Piece:
    """
    A part of the body that arrived at once, `after_s` seconds after the one before it.
    """

    after_s: float
    data: bytes


@dataclass(frozen=True, slots=True)
class RecordedReply:
    """
    What the upstream answered, scrubbed. `status` is 0 when it could not be reached.
    """

    status: int
    reason: str = ""
    headers: HeaderPairs = ()
    first_byte_s: float = 0.0
    pieces: tuple[Piece, ...] = ()
    end: End = "complete"

    @property
    def body(self) -> bytes:
        return b"".join(piece.data for piece in self.pieces)

    @property
    def duration_s(self) -> float:
        return self.first_byte_s + sum(piece.after_s for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    request: RecordedRequest
    reply: RecordedReply


@dataclass(frozen=True, slots=True)
class Recording:
    """
    Exchanges in the order in which their replies ended.
    """

    upstream: str
    exchanges: tuple[RecordedExchange, ...]
    source: str = "a recording made in code"

    @classmethod
    def load(cls, path: Path) -> Recording:
        """
        Read a recording.

        Raises:
            RecordingError: the file is none, or one of its lines is wrong; says which and how.
            OSError: it cannot be read.
        """
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise RecordingError(
                problem=f"this is not text: {error}", source=str(path), remedy="A recording is JSON Lines in UTF-8."
            ) from error
        head = _object(lines[0], f"{path}:1") if lines else {}
        if (head.get("hermetic"), head.get("version")) != ("recording", 1):
            raise RecordingError(
                problem="this is not a recording of version 1",
                source=f"{path}:1",
                remedy='Its first line must be {"hermetic": "recording", "version": 1, "upstream": …}.',
            )
        exchanges = [_exchange(line, f"{path}:{row}") for row, line in enumerate(lines[1:], 2) if line.strip()]
        return cls(str(head.get("upstream", "")), tuple(exchanges), str(path))

    def save(self, path: Path) -> None:
        """
        Write the whole recording, replacing the file.
        """
        path.write_text("".join(self.lines()), "utf-8")

    def lines(self) -> Iterator[str]:
        yield header_line(self.upstream)
        for exchange in self.exchanges:
            yield exchange_line(exchange)

    def first_bytes(self) -> list[float]:
        """
        The times to the first byte in seconds, for `distributions.recorded`.
        """
        return [one.reply.first_byte_s for one in self.exchanges if one.reply.status]


def header_line(upstream: str) -> str:
    return json.dumps({"hermetic": "recording", "version": 1, "upstream": upstream}) + "\n"


def exchange_line(exchange: RecordedExchange) -> str:
    """
    One exchange as it stands in the file. Times are rounded to microseconds.
    """
    request, reply = exchange.request, exchange.reply
    row: dict[str, Any] = {
        "request": {
            "method": request.method,
            "target": request.target,
            "headers": [list(pair) for pair in request.headers],
            **_written(request.body),
        },
        "reply": {
            "status": reply.status,
            "reason": reply.reason,
            "headers": [list(pair) for pair in reply.headers],
            "first_byte_s": round(reply.first_byte_s, 6),
            "pieces": [{"after_s": round(piece.after_s, 6), **_written(piece.data)} for piece in reply.pieces],
            "end": reply.end,
        },
    }
    # Lone surrogates stand for bytes that are no UTF-8 in a target; only escapes can be written of them.
    return json.dumps(row) + "\n"


def _written(body: bytes) -> dict[str, str]:
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}


def _object(line: str, source: str) -> dict[str, Any]:
    try:
        row: object = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordingError(problem=f"not JSON: {error}", source=source, remedy="Each line is one object.") from error
    if not isinstance(row, dict):
        raise RecordingError(problem=f"not an object: {line[:60]!r}", source=source, remedy="Each line is one object.")
    return cast("dict[str, Any]", row)


def _exchange(line: str, source: str) -> RecordedExchange:
    row = _object(line, source)
    reader = _Reader(source)
    request = reader.part(row, "request", dict)
    reply = reader.part(row, "reply", dict)
    status = reader.part(reply, "status", int)
    end = reader.part(reply, "end", str)
    if end not in _ENDS:
        reader.fail(f"end is {end!r}", f"It is one of {', '.join(_ENDS)}.")
    if (status == 0) != (end == "refused") or not (status == 0 or 200 <= status <= 999):
        reader.fail(f"status is {status} and end is {end!r}", "A status has three digits, 200 to 999; 0 when refused.")
    return RecordedExchange(
        RecordedRequest(
            reader.part(request, "method", str),
            reader.part(request, "target", str),
            reader.headers(request),
            reader.body(request),
        ),
        RecordedReply(
            status,
            reader.part(reply, "reason", str),
            reader.headers(reply),
            reader.seconds(reply, "first_byte_s"),
            tuple(reader.pieces(reply)),
            cast("End", end),
        ),
    )


class _Reader:
    """
    Reads the parts of one line, and knows where it stands.
    """

    def __init__(self, source: str) -> None:
        self._source = source

    def fail(self, problem: str, remedy: str, cause: Exception | None = None) -> None:
        raise RecordingError(problem=problem, source=self._source, remedy=remedy) from cause

    def part(self, row: dict[str, Any], name: str, kind: type[Any]) -> Any:
        value = row.get(name)
        if type(value) is not kind:
            self.fail(f"{name} is {value!r}", f"It must be there, as a {kind.__name__}.")
        return value

    def seconds(self, row: dict[str, Any], name: str) -> float:
        try:
            return bounds.duration(row.get(name), where=name)
        except BoundsError as error:
            self.fail(f"{name} is {row.get(name)!r}", f"Give {error.allowed}.", error)
            raise

    def headers(self, row: dict[str, Any]) -> HeaderPairs:
        found: list[tuple[str, str]] = []
        for pair in self.part(row, "headers", list):
            match pair:
                case [str(name), str(value)]:
                    found.append((name, value))
                case _:
                    self.fail(f"header {pair!r}", "A header is a pair of texts.")
        return tuple(found)

    def body(self, row: dict[str, Any]) -> bytes:
        if "text" in row:
            return str(self.part(row, "text", str)).encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(str(self.part(row, "base64", str)), validate=True)
        except binascii.Error as error:
            self.fail(f"base64 cannot be read: {error}", "Give base64, or text.", error)
            raise

    def pieces(self, row: dict[str, Any]) -> Iterable[Piece]:
        for one in self.part(row, "pieces", list):
            if not isinstance(one, dict):
                self.fail(f"piece {one!r}", "A piece has after_s, and text or base64.")
            piece = cast("dict[str, Any]", one)
            yield Piece(self.seconds(piece, "after_s"), self.body(piece))
