"""
The state as a small picture, for dashboards and READMEs.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_GOOD, _NEWS, _BAD, _UNKNOWN = "#2b7a3d", "#8a5a00", "#b3261e", "#5f6368"
_COLOURS = {"stable": _GOOD, "first": _GOOD, "changed": _NEWS, "multi_egress": _NEWS}
# Of the 11 px sans-serif that browsers have; a little too wide is better than cut off.
_LETTER_PX = 6.7
_PADDING_PX = 7
_LABEL = "public address"


def badge(status: Mapping[str, Any]) -> bytes:
    """
    An SVG of the known addresses on the colour of the verdict.
    """
    addresses = [family["address"] for family in status["families"] if family["address"]]
    text = " · ".join(addresses) or str(status["verdict"] or "not known")
    colour = _UNKNOWN if status["verdict"] is None else _COLOURS.get(str(status["verdict"]), _BAD)
    left, right = _width(_LABEL), _width(text)
    title = escape(f"{_LABEL}: {text} ({status['verdict'] or 'not checked yet'})")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{title}">'
        f'<title>{title}</title><rect width="{left + right}" height="20" rx="3" fill="{colour}"/>'
        f'<path d="M3 0h{left - 3}v20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="#444"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14">{_LABEL}</text><text x="{left + right / 2:g}" y="14">{escape(text)}</text></g></svg>'
    ).encode()


def _width(text: str) -> int:
    return round(len(text) * _LETTER_PX) + 2 * _PADDING_PX
