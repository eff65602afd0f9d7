"""
Who is signed in. Sessions live in memory: a restart, a new token, twelve idle hours or a week end them.

The cookie holds 256 random bits; only their hash is kept, so that no dump of this table lets anybody in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ip_monitor.adapters.web.tokens import TokenFile
    from ip_monitor.application.ports import Clock

IDLE_S = 12 * 3600.0
LONGEST_S = 7 * 86_400.0
_MOST = 32
_BYTES = 32
_LONGEST_COOKIE = 100


@dataclass(slots=True, eq=False)
class Session:
    """
    Attributes:
        csrf: a form must bring it along; no other site can read it.
        fingerprint: of the token that it was opened with.
        opened_at, used_at: seconds of the clock's monotonic time.
        note: what is told on the next page.
    """

    fingerprint: str
    opened_at: float
    used_at: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES))
    note: str = ""

    def is_csrf(self, given: str) -> bool:
        """
        Compares in constant time.
        """
        return hmac.compare_digest(given.encode(errors="replace"), self.csrf.encode())


class Sessions:
    """
    At most 32; the one that was idle longest gives way.
    """

    def __init__(self, token: TokenFile, *, clock: Clock) -> None:
        self._token = token
        self._clock = clock
        self._open: dict[bytes, Session] = {}

    def __len__(self) -> int:
        return len(self._open)

    def open(self) -> tuple[str, Session]:
        """
        A new session, and the value of its cookie.
        """
        now = self._clock.monotonic()
        cookie = secrets.token_urlsafe(_BYTES)
        session = Session(self._token.fingerprint, opened_at=now, used_at=now)
        if len(self._open) >= _MOST:
            del self._open[min(self._open, key=lambda key: self._open[key].used_at)]
        self._open[_key(cookie)] = session
        return cookie, session

    def find(self, cookie: str) -> Session | None:
        """
        The session of a cookie, which counts as used now; None when there is none any more.
        """
        session = self._open.get(_key(cookie))
        if session is None or not self.is_open(session):
            return None
        session.used_at = self._clock.monotonic()
        return session

    def is_open(self, session: Session) -> bool:
        """
        Whether it still counts; one that does not is forgotten.
        """
        now = self._clock.monotonic()
        is_fresh = now - session.used_at <= IDLE_S and now - session.opened_at <= LONGEST_S
        if is_fresh and session.fingerprint == self._token.fingerprint and session in self._open.values():
            return True
        self.close(session)
        return False

    def close(self, session: Session) -> None:
        """
        Sign out. Idempotent.
        """
        self._open = {key: one for key, one in self._open.items() if one is not session}


def _key(cookie: str) -> bytes:
    return hashlib.sha256(cookie[:_LONGEST_COOKIE].encode(errors="replace")).digest()
