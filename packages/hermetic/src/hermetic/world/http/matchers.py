"""
What a route asks of a request: method, path, query, headers, body, TLS, which one in order.
"""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hermetic.world.http import bounds
from hermetic.world.http.errors import BadRouteError

if TYPE_CHECKING:
    from hermetic.world.http.patterns import PathPattern
    from hermetic.world.http.request import Request

TextMatch = str | re.Pattern[str] | Callable[[str], bool] | None
Predicate = Callable[["Request"], bool]
# What the parser takes for a method; any other is answered with 501 before a route is asked. Source: llhttp 9,
# src/llhttp/constants.ts, METHODS_HTTP.
METHODS = frozenset(
    [
        "ACL",
        "BIND",
        "CHECKOUT",
        "CONNECT",
        "COPY",
        "DELETE",
        "GET",
        "HEAD",
        "LINK",
        "LOCK",
        "M-SEARCH",
        "MERGE",
        "MKACTIVITY",
        "MKCALENDAR",
        "MKCOL",
        "MOVE",
        "NOTIFY",
        "OPTIONS",
        "PATCH",
        "POST",
        "PROPFIND",
        "PROPPATCH",
        "PURGE",
        "PUT",
        "QUERY",
        "REBIND",
        "REPORT",
        "SEARCH",
        "SOURCE",
        "SUBSCRIBE",
        "TRACE",
        "UNBIND",
        "UNLINK",
        "UNLOCK",
        "UNSUBSCRIBE",
    ]
)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """
    One thing a request lacked: what was asked, what it was.
    """

    part: str
    wanted: str
    got: str

    def __str__(self) -> str:
        return f"{self.part}: wanted {self.wanted}, got {self.got}"


@dataclass(frozen=True, slots=True)
class Criteria:
    """
    All that one route asks; None asks nothing.

    `query` and `headers` name what must be there (None as a value: must be absent; a pattern searches; a function
    decides) and allow more. `json` equals the whole JSON body. `nth` counts, from 1, the requests that meet
    everything else.
    """

    methods: frozenset[str] | None
    path: PathPattern
    query: Mapping[str, TextMatch] | None = None
    headers: Mapping[str, TextMatch] | None = None
    json: Any = None
    has_json: bool = False
    body: bytes | str | re.Pattern[bytes] | None = None
    tls: bool | None = None
    client: str | None = None
    where: Predicate | None = None
    nth: int | Collection[int] | None = None

    def __post_init__(self) -> None:
        for method in self.methods or ():
            _check_method(method)
        for part, wanted in (("query", self.query), ("headers", self.headers)):
            _check_texts(part, wanted)
        _check_body(self.body)
        _check_nth(self.nth)
        _check_kind("tls", self.tls, bool, why="give True, False, or leave it out")
        _check_kind("client", self.client, str, why="a client's label is text")
        if not (self.where is None or callable(self.where)):
            raise BadRouteError(what=f"where={self.where!r}", why="give a function of the request")

    @property
    def is_simple(self) -> bool:
        """
        Only method and path are asked.
        """
        return (
            self.query is None
            and self.headers is None
            and not self.has_json
            and self.body is None
            and self.tls is None
            and self.client is None
            and self.where is None
            and self.nth is None
        )

    def takes_method(self, method: str) -> bool:
        # A GET route answers HEAD too, without the body. Source: RFC 9110, 9.3.2.
        return self.methods is None or method in self.methods or (method == "HEAD" and "GET" in self.methods)

    def takes_nth(self, n: int) -> bool:
        return self.nth is None or (n == self.nth if isinstance(self.nth, int) else n in self.nth)

    def mismatches(self, request: Request) -> list[Mismatch]:
        """
        Everything but `nth` that the request lacks, cheapest first; empty when it matches.
        """
        found: list[Mismatch] = []
        if not self.takes_method(request.method):
            found.append(Mismatch("method", " or ".join(sorted(self.methods or ())), request.method))
        if self.path.match(request.path) is None:
            found.append(Mismatch("path", self.path.text, request.path))
        if not self.is_simple:
            found += self.mismatches_beyond_path(request)
        return found

    def mismatches_beyond_path(self, request: Request) -> list[Mismatch]:
        found: list[Mismatch] = []
        if self.tls is not None and self.tls != request.is_tls:
            found.append(Mismatch("tls", str(self.tls), str(request.is_tls)))
        if self.client is not None and self.client != request.client:
            found.append(Mismatch("client", self.client, str(request.client)))
        for name, wanted in (self.query or {}).items():
            _compare(found, f"query {name}", wanted, request.query.get(name))
        for name, wanted in (self.headers or {}).items():
            _compare(found, f"header {name}", wanted, request.header(name))
        if self.body is not None and not _body_matches(self.body, request.body):
            found.append(Mismatch("body", repr(getattr(self.body, "pattern", self.body)), repr(request.body[:200])))
        if self.has_json and not _json_matches(self.json, request):
            found.append(Mismatch("json", jsonlib.dumps(self.json, default=repr), repr(request.body[:200])))
        if self.where is not None:
            try:
                verdict = "" if self.where(request) else "False"
            except Exception as error:  # noqa: BLE001  # a condition that fails does not hold; the 404 says why
                verdict = f"{type(error).__name__}: {error}"
            if verdict:
                found.append(Mismatch("where", getattr(self.where, "__name__", repr(self.where)), verdict))
        return found


def json_wanted(value: Any) -> Any:
    """
    `value` as it would come out of JSON: tuples as lists, keys as text. Objects with an equality of their own stay.

    Raises:
        BadRouteError: it holds something of Python that no JSON document is equal to, such as a set or bytes.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [json_wanted(one) for one in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
        case dict():
            return {_key_wanted(key): json_wanted(one) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType]  # JSON
        case _ if type(value).__module__ == "builtins":
            raise BadRouteError(what=f"json={value!r}", why=f"no JSON document is equal to a {type(value).__name__}")
        case _:
            return value


def _key_wanted(key: Any) -> str:
    return key if isinstance(key, str) else jsonlib.dumps(key, default=repr)


def _check_method(method: Any) -> None:
    if not isinstance(method, str):
        raise BadRouteError(what=f"method {method!r}", why="a method is text, such as 'GET'")
    if method in METHODS:
        return
    if method.upper() in METHODS:
        raise BadRouteError(what=f"method {method!r}", why=f"methods are written in capitals: {method.upper()!r}")
    raise BadRouteError(
        what=f"method {method!r}", why="the server knows no such method and answers it with 501; None takes all methods"
    )


def _check_texts(part: str, wanted: Any) -> None:
    if wanted is None:
        return
    if not isinstance(wanted, Mapping):
        raise BadRouteError(what=f"{part}={wanted!r}", why="give a mapping of names to what is wanted of each")
    for name, one in wanted.items():  # pyright: ignore[reportUnknownVariableType]  # callers without a type checker
        is_pattern = isinstance(one, re.Pattern) and isinstance(one.pattern, str)  # pyright: ignore[reportUnknownMemberType]
        if not isinstance(name, str) or not (one is None or isinstance(one, str) or is_pattern or callable(one)):  # pyright: ignore[reportUnknownArgumentType]
            raise BadRouteError(
                what=f"{part}={{{name!r}: {one!r}}}",
                why="names are text, and what is wanted is text, a pattern of text, a function, or None for absent",
            )


def _check_kind(part: str, given: Any, kind: type, *, why: str) -> None:
    if not (given is None or isinstance(given, kind)):
        raise BadRouteError(what=f"{part}={given!r}", why=why)


def _check_body(wanted: Any) -> None:
    is_pattern = isinstance(wanted, re.Pattern) and isinstance(wanted.pattern, bytes)  # pyright: ignore[reportUnknownMemberType]
    if not (wanted is None or isinstance(wanted, str | bytes) or is_pattern):
        raise BadRouteError(
            what=f"body={wanted!r}", why="give text, bytes or a pattern of bytes; json=… compares a parsed body"
        )


def _check_nth(nth: Any) -> None:
    if nth is None:
        return
    wanted = bounds.several(nth)
    if not all(isinstance(n, int) for n in wanted):
        raise BadRouteError(what=f"nth={nth!r}", why="give a whole number, or several")
    if not wanted or any(isinstance(n, bool) or n < 1 for n in wanted):
        raise BadRouteError(what=f"nth={nth!r}", why="requests are counted from 1")


def _text_matches(wanted: TextMatch, got: str | None) -> bool:
    if wanted is None:
        return got is None
    if got is None:
        return False
    if isinstance(wanted, str):
        return wanted == got
    if isinstance(wanted, re.Pattern):
        return wanted.search(got) is not None
    try:
        return bool(wanted(got))
    except Exception:  # noqa: BLE001  # a condition that fails does not hold
        return False


def _compare(found: list[Mismatch], part: str, wanted: TextMatch, got: str | None) -> None:
    if not _text_matches(wanted, got):
        shown = "absent" if wanted is None else repr(getattr(wanted, "pattern", wanted))
        found.append(Mismatch(part, shown, "absent" if got is None else repr(got)))


def _body_matches(wanted: bytes | str | re.Pattern[bytes], got: bytes) -> bool:
    if isinstance(wanted, re.Pattern):
        return wanted.search(got) is not None
    return got == (wanted.encode() if isinstance(wanted, str) else wanted)


def _json_matches(wanted: Any, request: Request) -> bool:
    try:
        return bool(request.json() == wanted)
    except (ValueError, RecursionError):
        return False
