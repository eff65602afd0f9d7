"""
What is counted: the names that limits, snapshots and tables share, and the kinds of the census behind each.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMORY: Final = "memory_mb"
MEGABYTE: Final = 1024 * 1024

# The census's kind to the name under which it is counted. A connection of aiosqlite is one of sqlite3 as well, and is
# counted there; of sockets, only those are counted that an HTTP client opened (see `is_http_client`).
COUNTED: Mapping[str, str] = MappingProxyType(
    {
        "sqlite3.connection": "database_connections",
        "file": "open_files",
        "descriptor": "open_files",
        "thread": "threads",
        "socket": "http_connections",
        "asyncio.task": "async_tasks",
        "subprocess": "child_processes",
        "multiprocessing.process": "child_processes",
    }
)
NAMES: Final = ("database_connections", "open_files", "threads", "http_connections", "async_tasks", "child_processes")
LIMITED: Final = (MEMORY, *NAMES)

# A socket belongs to an HTTP client when one of these files was on the stack that made it.
_HTTP_CLIENTS = (
    "/aiohttp/connector.py",
    "/aiohappyeyeballs/",
    "/httpcore/",
    "/urllib3/",
    "/http/client.py",
)


def is_http_client(file: str) -> bool:
    """
    Whether code of this file opens sockets on behalf of an HTTP client.
    """
    return any(part in file for part in _HTTP_CLIENTS)
