"""
Characters of a test's text that steer whoever shows it: they move a terminal's cursor or turn the direction of text.
"""

from __future__ import annotations

import re
from typing import Final

# Control characters but tab and newline, marks and isolates of direction (Unicode Bidirectional Algorithm, UAX #9,
# table of explicit formatting characters), and lone surrogates, which no encoding can write.
STEERING: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_COLOUR: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def still(text: str, *, instead: str = "\ufffd") -> str:
    """
    The text with `instead` for each character that steers; lines stay lines, a terminal's colours go without a trace.
    """
    return STEERING.sub(instead, _COLOUR.sub("", text.replace("\r\n", "\n")))
