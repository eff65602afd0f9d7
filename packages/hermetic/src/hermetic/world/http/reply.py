"""
What a server answers: a `Reply`, and the functions that build common ones.
"""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, cast

from hermetic.world.http.errors import BadReplyError

HeaderPairs = tuple[tuple[str, str], ...]
HeaderInput = Mapping[str, str] | Iterable[tuple[str, str]]

_REASONS = {status.value: status.phrase for status in HTTPStatus}
# Where a body is forbidden and no length is announced. Source: RFC 9110, 15.2, 15.3.5, 15.4.5.
BODILESS = frozenset({*range(100, 200), 204, 304})


@dataclass(frozen=True, slots=True)
class Reply:
    """
    One answer, before it is written.

    Attributes:
        status: 100 to 999. 1xx are final here only if a fault sends them.
        headers: in order, repeated names allowed, sent exactly as given.
        body: the whole body. `chunks`, when given, is sent instead with `Transfer-Encoding: chunked`.
        reason: the reason phrase; None takes the registered one, "" sends none.
        chunks: the body in pieces, one chunk each.
        trailers: fields after the last chunk; only with `chunks`.
        times: in a sequence, how many requests get this reply; None is "once" before the end, "always" at the end.
        is_own: in a sequence, stands for the route's own reply.
        framings: its wire forms, kept by the writer.
    """

    status: int = 200
    headers: HeaderPairs = ()
    body: bytes = b""
    reason: str | None = None
    chunks: tuple[bytes, ...] | None = None
    trailers: HeaderPairs = ()
    times: int | None = None
    is_own: bool = False
    framings: dict[tuple[bool, str], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check(self.status, self.times, self.body, self.chunks)
        if self.reason is not None and any(sign in self.reason for sign in "\r\n\0"):
            raise BadReplyError(
                what=f"reason {self.reason!r}", why="it holds no line break; wrong_status_line() breaks one on purpose"
            )
        for name, value in (*self.headers, *self.trailers):
            if not name or any(sign in name for sign in ":\r\n ") or any(sign in value for sign in "\r\n\0"):
                raise BadReplyError(
                    what=f"header {name!r}: {value!r}",
                    why="a name holds no colon, space or line break and a value no line break; "
                    "to send a broken head on purpose use the fault bad_header_line()",
                )

    @property
    def phrase(self) -> str:
        return _REASONS.get(self.status, "") if self.reason is None else self.reason

    def header(self, name: str) -> str | None:
        lowered = name.lower()
        return next((value for key, value in self.headers if key.lower() == lowered), None)

    def with_headers(self, extra: HeaderPairs) -> Reply:
        """
        The same reply; `extra` replaces headers of the same names and is added after the others.
        """
        if not extra:
            return self
        names = {name.lower() for name, _ in extra}
        kept = tuple(pair for pair in self.headers if pair[0].lower() not in names)
        return replace(self, headers=(*kept, *extra))


def _check(status: Any, times: Any, body: Any, chunks: Any) -> None:
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 999:
        raise BadReplyError(what=f"status {status!r}", why="a status code has three digits, 100 to 999")
    if times is not None and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise BadReplyError(what=f"times={times!r}", why="a step of a sequence is replied a whole number of times")
    if not isinstance(body, bytes):
        raise BadReplyError(
            what=f"a body of {type(body).__name__}", why="a Reply takes bytes; text() and json() encode"
        )
    for piece in chunks or ():
        if not isinstance(piece, bytes):
            raise BadReplyError(what=f"a chunk of {type(piece).__name__}", why="chunks are bytes, in a list or a tuple")


def header_pairs(headers: HeaderInput | None) -> HeaderPairs:
    """
    Headers in either accepted form as pairs of text.

    Raises:
        BadReplyError: a name or a value is not text.
    """
    given = cast("Iterable[Any]", headers.items() if isinstance(headers, Mapping) else headers or ())
    pairs: list[tuple[str, str]] = []
    for pair in given:
        match tuple(pair):
            case (str(name), str(value)):
                pairs.append((name, value))
            case _:
                raise BadReplyError(
                    what=f"header {pair!r}", why="headers are pairs of text, or a mapping of text to text"
                )
    return tuple(pairs)


def _typed(headers: HeaderInput | None, content_type: str) -> HeaderPairs:
    pairs = header_pairs(headers)
    if any(name.lower() == "content-type" for name, _ in pairs):
        return pairs
    return (("Content-Type", content_type), *pairs)


def json(value: Any, *, status: int = 200, headers: HeaderInput | None = None, times: int | None = None) -> Reply:
    """
    `value` as JSON in UTF-8, compact.

    Raises:
        BadReplyError: the value cannot be written as JSON; the text says where in the value.
    """
    try:
        body = jsonlib.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BadReplyError(what=f"a JSON body of {type(value).__name__}", why=str(error)) from error
    return Reply(status=status, headers=_typed(headers, "application/json"), body=body, times=times)


def text(value: str, *, status: int = 200, headers: HeaderInput | None = None, times: int | None = None) -> Reply:
    """
    `value` in UTF-8 as `text/plain; charset=utf-8`, with nothing added: no newline at the end.
    """
    body = _encoded(value, by="text()")
    return Reply(status=status, headers=_typed(headers, "text/plain; charset=utf-8"), body=body, times=times)


def _encoded(value: Any, *, by: str) -> bytes:
    if not isinstance(value, str):
        raise BadReplyError(what=f"a text body of {type(value).__name__}", why=f"{by} takes str; use json() or data()")
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise BadReplyError(what=f"a text body by {by}", why=f"{error}; data() sends any bytes") from error


def html(value: str, *, status: int = 200, headers: HeaderInput | None = None, times: int | None = None) -> Reply:
    """
    `value` in UTF-8 as `text/html; charset=utf-8`.
    """
    body = _encoded(value, by="html()")
    return Reply(status=status, headers=_typed(headers, "text/html; charset=utf-8"), body=body, times=times)


def data(value: bytes, *, status: int = 200, headers: HeaderInput | None = None, times: int | None = None) -> Reply:
    """
    Bytes exactly as given, `application/octet-stream` unless `headers` say otherwise.
    """
    if not isinstance(value, bytes):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise BadReplyError(what=f"a body of {type(value).__name__}", why="data() takes bytes; use text() or json()")
    return Reply(status=status, headers=_typed(headers, "application/octet-stream"), body=value, times=times)


def chunked(
    pieces: Iterable[bytes],
    *,
    status: int = 200,
    headers: HeaderInput | None = None,
    trailers: HeaderInput | None = None,
    times: int | None = None,
) -> Reply:
    """
    A body of unannounced length, one chunk a piece; empty pieces are left out, for an empty chunk is the end.

    Raises:
        BadReplyError: a piece is no bytes.
    """
    # Of bytes the pieces would be numbers.
    whole: Any = pieces
    given: Iterable[Any] = (whole,) if isinstance(whole, bytes) else whole
    return Reply(
        status=status,
        headers=_typed(headers, "application/octet-stream"),
        chunks=tuple(piece for piece in given if piece != b""),
        trailers=header_pairs(trailers),
        times=times,
    )


def fail(status: int = 500, *, body: str = "", headers: HeaderInput | None = None, times: int | None = None) -> Reply:
    """
    An error status with a short text, as in `route.then(fail(503, times=2), ok())`.
    """
    return text(body or f"{status} {_REASONS.get(status, '')}".strip(), status=status, headers=headers, times=times)


def redirect(location: str, *, status: int = 302, headers: HeaderInput | None = None) -> Reply:
    return Reply(status=status, headers=header_pairs((("Location", location), *header_pairs(headers))))


def ok(value: Any = None, *, headers: HeaderInput | None = None, times: int | None = None) -> Reply:
    """
    200 with `value` (str as text, bytes as they are, anything else as JSON); without a value, the route's own reply.
    """
    if value is None:
        return Reply(headers=header_pairs(headers), times=times, is_own=True)
    return replace(reply_from(value, headers=headers), times=times)


def reply_from(value: Any, *, headers: HeaderInput | None = None) -> Reply:
    """
    What a handler returned, as a reply: a Reply, text, bytes, None (204), (status, value), or anything JSON can write.

    Raises:
        BadReplyError: none of these.
    """
    pairs = header_pairs(headers)
    match value:
        case Reply():
            return value.with_headers(pairs)
        case None:
            return Reply(status=204, headers=pairs)
        case str():
            return text(value, headers=pairs)
        case bytes() | bytearray():
            return data(bytes(value), headers=pairs)
        case (int(status), inner) if isinstance(value, tuple) and not isinstance(status, bool):
            return replace(reply_from(inner, headers=pairs), status=status)
        case _:
            return json(value, headers=pairs)
