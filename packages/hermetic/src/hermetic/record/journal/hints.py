"""
Whether a line may hold a secret: cheap to ask, since most hold none, and without what takes one out.
"""

from __future__ import annotations

import re
from typing import Final

# One of these stands in every line that holds a secret.
_HINTS: Final = (
    *(
        "auth",
        "cookie",
        "credential",
        "jwt",
        "otp",
        "passw",
        "passc",
        "passp",
        "pwd",
        "secret",
        "session",
        "signature",
        "token",
        "key",
    ),
    *("://", "sid", "sig", "eyj", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat", "akia", "xox", "sk-"),
)
_DOTTED: Final = r"\.[\w-]{6}\.[\w-]{27}"


def may_hold_secret(line: str) -> bool:
    """
    False when no rule can find anything in this line of the journal, which is worth knowing before it is taken apart.
    """
    lowered = line.lower()
    for hint in _HINTS:
        if hint in lowered:
            return True
    return line.count(".") > 1 and re.search(_DOTTED, line) is not None
