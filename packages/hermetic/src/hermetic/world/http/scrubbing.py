"""
Taking secrets out of recorded traffic, before it is written anywhere.

A recording is made to be committed, so scrubbing is on by default and errs on the side of scrubbing too much. Three
nets, one behind the other: values under names that mean secrets (headers, cookies, query and form fields, JSON keys
at any depth, user information in addresses); texts that look like secrets whatever their name (JSON Web Tokens, keys of
well-known services, private keys); and every value caught by the first net, wherever else it appears after that.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from hermetic.foundation.secrets import MARK, TELLING_FORMS, is_secret_name

__all__ = ["MARK", "Headers", "Scrubber", "Scrubbing"]

# Shorter values ("1", "en") would be found everywhere by accident.
_SHORTEST_ECHO = 6
_LOOKS_SECRET = re.compile(TELLING_FORMS.encode())
# Fields that carry credentials by definition, or name the client's network.
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-csrf-token"}
)
_SCHEME = re.compile(r"^(Basic|Bearer|Digest|Token|Bot|Negotiate|Signature|AWS4-HMAC-SHA256)\s+", re.IGNORECASE)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Scrubber:
    """
    Args:
        names: more names that mean a secret, whole and without regard to case ("x-customer").
        keep: names that do not, though they look so ("csrf_token_name").
        values: secrets known beforehand, taken out wherever they appear.
    """

    names: frozenset[str] = field(default_factory=frozenset)
    keep: frozenset[str] = field(default_factory=frozenset)
    values: frozenset[str] = field(default_factory=frozenset)

    def is_secret(self, name: str) -> bool:
        """
        Whether a value under this name is a secret.
        """
        lowered = name.lower()
        if lowered in self.keep:
            return False
        return lowered in self.names or is_secret_name(name)

    def begin(self) -> Scrubbing:
        """
        A memory for one recording: parts are scrubbed in the order in which they were sent.
        """
        return Scrubbing(self)


class Scrubbing:
    """
    Scrubs the parts of messages and remembers what was caught by name, to take it out everywhere after.
    """

    def __init__(self, scrubber: Scrubber) -> None:
        self._scrubber = scrubber
        self._caught: set[str] = set(scrubber.values)

    def target(self, target: str) -> str:
        """
        A request target or an absolute address: user information and secret query fields.
        """
        head, mark, query = target.partition("?")
        head = re.sub(r"^(\w+://)[^/@]*@", lambda m: f"{m[1]}{MARK}@", head)
        if mark:
            query = "&".join(self._field(part) for part in query.split("&"))
        return self._echoes(f"{head}{mark}{query}".encode("utf-8", "surrogateescape")).decode(
            "utf-8", "surrogateescape"
        )

    def headers(self, headers: Headers) -> Headers:
        """
        All fields in their order, secret ones with their values replaced.
        """
        return tuple((name, self._header(name, value)) for name, value in headers)

    def body(self, body: bytes, *, content_type: str) -> bytes:
        """
        A body by its content type; unknown types only by the texts themselves.
        """
        kind = content_type.partition(";")[0].strip().lower()
        if body and (kind.endswith(("/json", "+json")) or body[:1] in b"{["):
            body = self._json(body)
        elif kind == "application/x-www-form-urlencoded":
            text = body.decode("utf-8", "surrogateescape")
            body = "&".join(self._field(part) for part in text.split("&")).encode("utf-8", "surrogateescape")
        return self._echoes(body)

    # ------------------------------------------------------------ parts

    def _header(self, name: str, value: str) -> str:
        lowered = name.lower()
        if lowered == "set-cookie":
            return self._cookie(value)
        if lowered in {"location", "referer", "origin", "content-location", "link"}:
            return self.target(value)
        if lowered in self._scrubber.keep or not (lowered in _SECRET_HEADERS or self._scrubber.is_secret(name)):
            return self._echoes(value.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")
        if lowered == "cookie":
            return "; ".join(self._cookie(part.strip()) for part in value.split(";"))
        scheme = _SCHEME.match(value)
        secret = value[scheme.end() :] if scheme else value
        self._catch(secret)
        return f"{scheme[0] if scheme else ''}{MARK}"

    def _cookie(self, value: str) -> str:
        pair, mark, attributes = value.partition(";")
        name, equals, secret = pair.partition("=")
        self._catch(secret)
        return f"{name}{equals}{MARK if equals else ''}{mark}{attributes}"

    def _field(self, part: str) -> str:
        name, equals, value = part.partition("=")
        if not equals or not self._scrubber.is_secret(unquote_plus(name)):
            return part
        self._catch(unquote_plus(value))
        return f"{name}={MARK}"

    def _json(self, body: bytes) -> bytes:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return body
        changed = [False]
        cleaned = self._tree(value, changed)
        if not changed[0]:
            return body
        return json.dumps(cleaned, ensure_ascii=False, separators=(",", ":")).encode()

    def _tree(self, value: Any, changed: list[bool]) -> Any:
        if isinstance(value, list):
            return [self._tree(one, changed) for one in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
        if not isinstance(value, dict):
            return value
        cleaned: dict[str, Any] = {}
        for name, inner in value.items():  # pyright: ignore[reportUnknownVariableType]  # JSON
            if self._scrubber.is_secret(str(name)) and inner not in (None, "", True, False):  # pyright: ignore[reportUnknownArgumentType]  # JSON
                self._catch_all(inner)
                cleaned[str(name)], changed[0] = MARK, True  # pyright: ignore[reportUnknownArgumentType]  # JSON
            else:
                cleaned[str(name)] = self._tree(inner, changed)  # pyright: ignore[reportUnknownArgumentType]  # JSON
        return cleaned

    def _catch_all(self, value: Any) -> None:
        if isinstance(value, str):
            self._catch(value)
        elif isinstance(value, list):
            for one in value:  # pyright: ignore[reportUnknownVariableType]  # JSON
                self._catch_all(one)
        elif isinstance(value, dict):
            for one in value.values():  # pyright: ignore[reportUnknownVariableType]  # JSON
                self._catch_all(one)

    def _catch(self, secret: str) -> None:
        if len(secret) >= _SHORTEST_ECHO and secret != MARK:
            self._caught.add(secret)

    def _echoes(self, raw: bytes) -> bytes:
        raw = _LOOKS_SECRET.sub(MARK.encode(), raw)
        # The longest first: one secret may begin with another.
        for secret in sorted(self._caught, key=len, reverse=True):
            for form in {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}:
                raw = raw.replace(form.encode("utf-8", "surrogateescape"), MARK.encode())
        return raw
