"""
Takes secrets out of values before they are written: by the names they stand under, and by their form.

It errs on the side of too much: a report is made to be passed on.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from hermetic.foundation.secrets import MARK, TELLING_FORMS, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORM = re.compile(TELLING_FORMS)
_USER_INFORMATION = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@\"']+@", re.IGNORECASE)
_WORD = (
    r"auth|authorization|authentication|cookie|credentials?|jwt|otp|passcode|passphrase|passwd|password|pwd|secret"
    r"|sessionid|signature|token|(?:api|access|account|client|private|secret|shared)[-_. ]?key"
)
# A header field: its value runs to the end of the line, or of the quotes around it.
_HEADER = re.compile(
    r"(?P<name>\b(?:proxy-)?authorization|\b(?:set-)?cookie)(?P<mark>[\"']?\s*[:=,]\s*[\"']?)(?P<value>[^\r\n\"']+)",
    re.IGNORECASE,
)
_PAIR = re.compile(
    rf"(?P<name>(?:\b|_)(?:\w+[-_.])?(?:{_WORD})s?)(?P<mark>[\"']?\s*(?:=|:(?!:))\s*(?:[bru]{{0,2}}[\"'])?)(?P<value>[^\s\"',;&)}}\]]+)",
    re.IGNORECASE,
)


def scrub_text(text: str) -> str:
    """
    A text without the secrets that can be told by a name before them or by their form.
    """
    text = _FORM.sub(MARK, text)
    text = _USER_INFORMATION.sub(rf"\1{MARK}@", text)
    text = _HEADER.sub(rf"\g<name>\g<mark>{MARK}", text)
    return _PAIR.sub(_pair, text)


def _pair(match: re.Match[str]) -> str:
    value = match["value"]
    # Code is no secret: `token=None`, `password: str`, a call, or what has been taken out already.
    if (
        value in {"None", "True", "False", "str", "bytes", "null"}
        or value.startswith((MARK, "<", "(", "{", "["))
        or "(" in value
    ):
        return match[0]
    return f"{match['name']}{match['mark']}{MARK}"


def scrub(value: Any) -> Any:
    """
    A value of JSON with every text in it scrubbed, and whatever stands under a secret's name taken out.
    """
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, dict):
        return {scrub_text(str(name)): _under(str(name), one) for name, one in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # JSON
    if isinstance(value, list | tuple):
        return [scrub(one) for one in value]  # pyright: ignore[reportUnknownVariableType]  # JSON
    return value


def names_apart(tests: Iterable[str]) -> dict[str, str]:
    """
    What each of these tests is called when secrets are taken out of its name. Those that would then be called alike, of which a
    report would make tries of one test, are numbered in the order of their true names, so that a test has one name in every
    process and run of a suite.
    """
    seen: Counter[str] = Counter()
    names: dict[str, str] = {}
    for test in sorted(set(tests)):
        clean = scrub_text(test)
        seen[clean] += 1
        names[test] = clean if seen[clean] == 1 else f"{clean}#{seen[clean]}"
    return names


def _under(name: str, value: Any) -> Any:
    if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "" and is_secret_name(name):
        return MARK
    return scrub(value)
