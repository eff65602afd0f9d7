"""
Path patterns: literal text, `{name}` for one segment, `{name:path}` for the rest, `*` for any one segment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from hermetic.world.http.errors import BadRouteError

_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(:path)?\}")


@dataclass(frozen=True, slots=True)
class PathPattern:
    """
    A compiled pattern. Paths are compared as sent, literal text also in its percent-encoded form.
    """

    text: str
    regex: re.Pattern[str] | None = field(compare=False, default=None)

    def match(self, path: str) -> dict[str, str] | None:
        """
        What the fields captured, decoded; None when the path does not match.
        """
        if self.regex is None:
            return {} if path == self.text or unquote(path) == self.text else None
        found = self.regex.fullmatch(path)
        return None if found is None else {key: unquote(value) for key, value in found.groupdict().items()}

    def covers(self, other: PathPattern) -> bool:
        """
        Whether every path that `other` takes is surely taken here. May say no to a pattern that is covered.
        """
        if self.text == other.text:
            return True
        if other.regex is None:
            return self.match(other.text) is not None
        # A field of `other` is stood for by a segment that no literal equals.
        sample = _FIELD.sub(lambda m: "\x00/\x00" if m[2] else "\x00", other.text).replace("*", "\x00")
        return self.regex is not None and self.regex.fullmatch(sample) is not None


def compile_path(text: str) -> PathPattern:
    """
    Parse a path pattern.

    Raises:
        BadRouteError: it does not begin with "/", holds a query, a repeated field or an unknown one.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise BadRouteError(what=f"path {text!r}", why="a path is text")
    if text == "*":
        return PathPattern(text)
    if not text.startswith("/"):
        raise BadRouteError(what=f"path {text!r}", why="a path begins with '/' (the server is always this one)")
    if "?" in text or "#" in text:
        raise BadRouteError(what=f"path {text!r}", why="match the query with query={…}, not in the path")
    pieces: list[str] = []
    names: set[str] = set()
    end = 0
    for found in _FIELD.finditer(text):
        if found[1] in names:
            raise BadRouteError(what=f"path {text!r}", why=f"field {found[1]!r} appears twice")
        names.add(found[1])
        pieces += [_literal(text, text[end : found.start()]), f"(?P<{found[1]}>{'.*' if found[2] else '[^/]+'})"]
        end = found.end()
    pieces.append(_literal(text, text[end:]))
    if not names and "*" not in text:
        return PathPattern(text)
    return PathPattern(text, re.compile("".join(pieces), re.DOTALL))


def _literal(text: str, part: str) -> str:
    if "{" in part or "}" in part:
        raise BadRouteError(what=f"path {text!r}", why="fields are written {name} or {name:path}")
    return "[^/]+".join("".join(map(_either_form, piece)) for piece in part.split("*"))


def _either_form(sign: str) -> str:
    """
    A literal sign as a client may send it: as it is, or percent-encoded with digits of either case.
    """
    encoded = quote(sign, safe="/")
    return re.escape(sign) if encoded == sign else f"(?:{re.escape(sign)}|(?i:{encoded}))"
