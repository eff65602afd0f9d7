"""
How a request is named among all that a run makes, so that chance can be tied to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

_LONGEST_TARGET = 200


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """
    The name of one request among all that a run makes. `draws` tells what its parts mean.
    """

    server: str
    route: str
    who: str
    nth: int

    def __str__(self) -> str:
        return f"{self.server} {self.route} {self.who} #{self.nth}"


def labelled(label: str) -> str:
    """
    The `who` of a client that names itself. "@" cannot begin a fingerprint, since methods are tokens (RFC 9110 5.6.2).
    """
    return f"@{label}"


def fingerprint(method: str, target: str, body: bytes = b"") -> str:
    """
    The `who` of a request without a label: method, target and body. Headers are left out: ports, dates, trace
    ids and user agents change from run to run and would make every request a stranger.
    """
    if len(target) > _LONGEST_TARGET:
        digest = blake2b(target.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
        target = f"{target[:_LONGEST_TARGET]}..~{digest}"
    if not body:
        return f"{method} {target}"
    return f"{method} {target} ~{blake2b(body, digest_size=6).hexdigest()}"
