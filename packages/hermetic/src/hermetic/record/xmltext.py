"""
Text that XML 1.0 can hold.
"""

from __future__ import annotations

import re

# What it cannot hold, whatever its escape. Source: XML 1.0, section 2.2, Char.
UNHOLDABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def holdable(text: str) -> str:
    """
    The text with the replacement character for each that XML has no way to write.
    """
    return UNHOLDABLE.sub("\ufffd", text)
