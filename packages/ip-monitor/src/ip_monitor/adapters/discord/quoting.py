"""
Text from outside, made harmless for a Discord message.

Names of providers, URLs, values of settings and texts of errors come from people and servers. Unquoted they could
mention everybody, draw headings, reverse what is read by bidirectional marks, or hide behind zero bytes.

Source: Discord's documentation, "Markdown Text 101"; Unicode Standard Annex 9 for the marks of direction.
"""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
_REPLACEMENT = "\ufffd"
# Controls, marks of direction and other invisible characters, lone surrogates, private and unassigned ones, and the
# two separators that break a line where nobody expects it.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKUP = re.compile(r"([\\*_~`|>#\[\]()<:])")
_RUN = re.compile(_REPLACEMENT + "+")
# Stacks of combining marks climb over the lines around them.
_MOST_COMBINING = 3


def units(text: str) -> int:
    """
    The length as Discord's clients count it, UTF-16 code units; never less than the number of characters.
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """
    At most `limit` units, with an ellipsis where something was left out; `limit` is 1 or more.
    """
    if units(text) <= limit:
        return text
    kept = text.encode("utf-16-le", "surrogatepass")[: 2 * (limit - 1)].decode("utf-16-le", "surrogatepass")
    # A pair that was cut in two leaves a half that the text does not have.
    return (kept if text.startswith(kept) else kept[:-1]) + ELLIPSIS


def clean(text: str, *, lines: bool = False) -> str:
    """
    Without what cannot be seen: each run of such characters becomes one U+FFFD, so that its place shows. White space
    becomes a space; with `lines` line ends stay.
    """
    shown: list[str] = []
    combining = 0
    for character in text:
        category = unicodedata.category(character)
        combining = combining + 1 if category in {"Mn", "Me"} else 0
        if character in "\t\r\n":
            shown.append("\n" if lines and character == "\n" else " ")
        elif category in _UNSEEN or combining > _MOST_COMBINING:
            shown.append(_REPLACEMENT)
        else:
            shown.append(character)
    return _RUN.sub(_REPLACEMENT, "".join(shown)).strip()


def prose(text: str, limit: int = 1024) -> str:
    """
    As running text: markup shown and not obeyed, no mention and no link.
    """
    bare = cut(clean(text), limit)
    escaped = _MARKUP.sub(r"\\\1", bare).replace("@", "@\u200b")
    # A cut may not fall between a backslash and what it escapes, so the text gives way first.
    return escaped if units(escaped) <= limit else prose(cut(bare, max(1, limit // 2)), limit)


def code(text: str, limit: int = 256) -> str:
    """
    As inline code, in which Discord obeys nothing but the closing mark.
    """
    bare = clean(text).replace("`", "'")
    return f"`{cut(bare, limit - 2) or ' '}`"


def block(text: str, limit: int = 1024) -> str:
    """
    As a block of code of several lines.
    """
    bare = clean(text, lines=True).replace("`", "'")
    return f"```\n{cut(bare, limit - 8) or ' '}\n```"
