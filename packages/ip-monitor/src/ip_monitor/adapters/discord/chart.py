"""
The last 30 days as a picture: one lane a family, one bar an address, as long as it lasted.

Brings Pillow, an extra; only `/history` with a chart imports this, and draws in a thread.
"""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from ip_monitor.adapters.discord.address_style import AddressStyle
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.masking import masked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from ip_monitor.domain.addresses import Address
    from ip_monitor.domain.changes import Change

SPAN = timedelta(days=30)
_WIDTH, _MARGIN, _LANE, _TOP, _BOTTOM = 900, 16, 64, 44, 30
# Discord's dark background and its text; the bars are told apart by eyes that see no red or green as well.
# Source: M. Okabe and K. Ito, "Color Universal Design" (2008).
_BACKGROUND, _TEXT, _LINE = "#2b2d31", "#dbdee1", "#4e5058"
_BARS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
# What is read on them: dark on the light ones.
_ON_BARS = ("white", "black", "white", "black", "black", "white")


def draw(changes: Sequence[Change], *, now: datetime, title: str, style: AddressStyle) -> bytes:
    """
    A PNG.

    Args:
        changes: newest first, as far back as they are known.
        now: the right edge, UTC.
        title: stands above.
        style: an address that is hidden in messages is hidden here too; a picture has no spoilers.
    """
    families = [family for family in Family if any(change.family is family for change in changes)]
    height = _TOP + _LANE * max(1, len(families)) + _BOTTOM
    image = Image.new("RGB", (_WIDTH, height), _BACKGROUND)
    canvas = ImageDraw.Draw(image)
    canvas.text((_MARGIN, 12), title, fill=_TEXT, font=ImageFont.load_default(18))
    small = ImageFont.load_default(13)
    for lane, family in enumerate(families):
        top = _TOP + lane * _LANE
        canvas.text((_MARGIN, top), family.label, fill=_TEXT, font=small)
        for number, (address, begin, end) in enumerate(_spans(changes, family, now)):
            left, right = _x(begin, now), _x(end, now)
            box = (left, top + 18, max(right - 1, left + 1), top + _LANE - 12)
            canvas.rectangle(box, fill=_BARS[number % len(_BARS)])
            text = str(address) if style is AddressStyle.PLAIN else masked(address)
            if canvas.textlength(text, font=small) < right - left - 8:
                canvas.text((left + 4, top + 26), text, fill=_ON_BARS[number % len(_BARS)], font=small)
    _draw_days(canvas, now, height, small)
    made = io.BytesIO()
    image.save(made, "PNG", optimize=True)
    return made.getvalue()


def _draw_days(
    canvas: ImageDraw.ImageDraw, now: datetime, height: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> None:
    # The dates at the edges stay inside the picture.
    anchors = {0: "ra", SPAN.days: "la"}
    for days in range(0, SPAN.days + 1, 5):
        at = now - timedelta(days=days)
        x = _x(at, now)
        canvas.line((x, _TOP, x, height - _BOTTOM), fill=_LINE)
        canvas.text((x, height - 22), f"{at:%m-%d}", fill=_TEXT, font=font, anchor=anchors.get(days, "ma"))


def _spans(changes: Sequence[Change], family: Family, now: datetime) -> Iterator[tuple[Address, datetime, datetime]]:
    """
    Each address of a family with the time it was known, newest first, cut to the span.
    """
    begin, end = now - SPAN, now
    for change in changes:
        if change.family is not family:
            continue
        at = min(max(change.at, begin), now)
        if at < end:
            yield change.address, at, end
        end = at
        if change.at <= begin:
            return


def _x(at: datetime, now: datetime) -> float:
    share = 1 - (now - at) / SPAN
    return _MARGIN + share * (_WIDTH - 2 * _MARGIN)
