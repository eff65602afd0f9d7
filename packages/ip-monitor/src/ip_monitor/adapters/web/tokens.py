"""
The token that people sign in with: shown once, kept as a hash beside the database.

The token has 256 random bits, so one round of SHA-256 is enough: there is nothing to guess that a slow hash would slow
down.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from pathlib import Path

SUFFIX = ".web-token"
_BYTES = 32
_LONGEST = 200


class TokenFileError(IPMonitorError, OSError):
    """
    The file of the token's hash cannot be read or written.
    """

    def __init__(self, path: Path, error: OSError) -> None:
        self.path = path
        super().__init__(
            f"{path} cannot be used: {error.strerror}. It holds the hash of the page's token; look at its rights."
        )

    def __str__(self) -> str:
        return str(self.args[0])


class TokenFile:
    """
    The file beside `database`. Whoever replaces it signs everybody out.
    """

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + SUFFIX)
        self._known: tuple[tuple[int, int], str] | None = None

    def ensure(self) -> str | None:
        """
        A new token where there is none yet; None where there is.

        Raises:
            TokenFileError: the file cannot be written.
        """
        return None if self.path.exists() else self.renew()

    def renew(self) -> str:
        """
        A new token in the place of the old one, if there was any. Nothing but its hash is kept.

        Raises:
            TokenFileError: the file cannot be written; the old token stays.
        """
        token = secrets.token_urlsafe(_BYTES)
        new = self.path.with_name(self.path.name + ".new")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new.unlink(missing_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(_hash(token) + "\n")
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                new.unlink(missing_ok=True)
            raise TokenFileError(self.path, error) from error
        return token

    @property
    def fingerprint(self) -> str:
        """
        The hash that is kept; empty when there is none that can be read. It is read again when the file was replaced.
        """
        try:
            status = self.path.stat()
            key = (status.st_mtime_ns, status.st_ino)
            if self._known is None or self._known[0] != key:
                self._known = key, self.path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return ""
        return self._known[1]

    def matches(self, token: str) -> bool:
        """
        Whether this is the token. Takes as long for a wrong one as for the right one.
        """
        kept = self.fingerprint
        given = _hash(token[:_LONGEST])
        return hmac.compare_digest(given, kept or "no token") and bool(kept)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
