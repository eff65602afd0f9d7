"""
Whether a failure speaks of the code, or of what the test needed and did not get.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Nature: TypeAlias = Literal["assertion", "infrastructure", "error"]
NATURES: Final[tuple[Nature, ...]] = ("assertion", "infrastructure", "error")
_ASSERTIONS: Final = frozenset({"AssertionError", "Failed", "DID NOT RAISE", "DID NOT WARN"})
# Of Python, aiohttp, httpx, requests, urllib3, asyncpg and pymongo. A plain TimeoutError is none: mostly the code under test
# did not do what the test waited for.
_INFRASTRUCTURE: Final = frozenset(
    {
        *(
            "ConnectionError",
            "ConnectionRefusedError",
            "ConnectionResetError",
            "ConnectionAbortedError",
            "BrokenPipeError",
        ),
        *("gaierror", "herror", "SSLError", "MemoryError", "RemoteDisconnected", "IncompleteRead", "URLError"),
        *("ClientConnectionError", "ClientConnectorError", "ClientOSError", "ServerDisconnectedError"),
        *("ServerTimeoutError", "ConnectionTimeoutError", "SocketTimeoutError", "ConnectError", "ConnectTimeout"),
        *("ReadError", "WriteError", "ReadTimeout", "RemoteProtocolError", "PoolTimeout", "ProxyError"),
        *("MaxRetryError", "NewConnectionError", "NameResolutionError", "ProtocolError", "ChunkedEncodingError"),
        *("CannotConnectNowError", "TooManyConnectionsError", "AutoReconnect", "ServerSelectionTimeoutError"),
        "WorkerCrash",
    }
)
_ERRNO: Final = re.compile(r"\[Errno (-?\d+)\]")
_NUMBERS: Final = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS),
        *(errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTUNREACH),
        *(errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE, errno.ETIMEDOUT, errno.EAGAIN),
    }
)

_DEEPEST: Final = 10


def nature(kinds: Iterable[str], message: str = "") -> Nature:
    """
    What kind of failure an exception is.

    Args:
        kinds: names of its class and, where they are known, of those that it inherits from, with or without their module.
        message: its text; the number of an operating system's error is read from it.

    Returns:
        "assertion" for what a test found wrong; "infrastructure" for a connection, a name, a descriptor, memory or disk
        that was not to be had, and for a lost worker; "error" for every other exception.
    """
    names = {kind.rpartition(".")[2] for kind in kinds}
    if names & _ASSERTIONS:
        return "assertion"
    found = _ERRNO.search(message)
    if names & _INFRASTRUCTURE or (found is not None and int(found[1]) in _NUMBERS):
        return "infrastructure"
    return "error"


def nature_of(raised: BaseException | None) -> Nature:
    """
    The same of an exception itself; None is a try that was lost with its process.
    """
    if raised is None:
        return "infrastructure"
    one: BaseException | None = raised
    for _ in range(_DEEPEST):
        if one is None:
            break
        found = nature((kind.__name__ for kind in type(one).__mro__), f"[Errno {getattr(one, 'errno', None)}]")
        if found != "error":
            return found
        # An error that a library made of another one is of that one's nature.
        one = one.__cause__
    return "error"
