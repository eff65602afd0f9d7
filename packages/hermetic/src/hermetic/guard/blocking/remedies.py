"""
What to write instead of a call that holds the loop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermetic.foundation.remedy import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable

_THREAD = "In a thread of its own it holds nobody:"


@dataclass(frozen=True, slots=True)
class _Known:
    """
    `called` matches the source of the blamed call, `inside` the file of a frame that it led to; either is enough.
    """

    remedy: Remedy
    called: str = r"(?!)"
    inside: str = r"(?!)"


_KNOWN = (
    _Known(
        Remedy(text="`time.sleep` stops the whole loop; let the loop wait instead:", code="await asyncio.sleep(…)"),
        called=r"^(time\.)?sleep\(",
    ),
    _Known(
        Remedy(
            text="Start the program through the loop:",
            code="process = await asyncio.create_subprocess_exec(…)\nawait process.wait()",
        ),
        called=r"\b(subprocess\.|os\.(system|waitpid|wait)\b)",
        inside=r"/subprocess\.py$",
    ),
    _Known(
        Remedy(text="Ask the loop, which resolves in a thread:", code="await loop.getaddrinfo(host, port)"),
        called=r"\b(getaddrinfo|gethostbyname|gethostbyaddr|getnameinfo|getfqdn)\(",
    ),
    _Known(
        Remedy(
            text="Use an asynchronous client (aiohttp, httpx.AsyncClient), or a thread:",
            code="response = await asyncio.to_thread(requests.get, url)",
        ),
        inside=r"/(requests/|urllib3/|http/client\.py|urllib/request\.py|httpx/_transports/default\.py)",
    ),
    _Known(
        Remedy(
            text="Use aiosqlite, or a thread that owns the connection:",
            code="async with aiosqlite.connect(path) as connection:\n    await connection.execute(…)",
        ),
        called=r"\.(execute|executemany|executescript|commit|rollback|fetchall|fetchone|backup)\(|\bsqlite3\.",
        inside=r"/sqlite3/",
    ),
    _Known(
        Remedy(
            text="A threading lock waits with the whole loop. Between coroutines use asyncio's own; for a lock that a "
            "thread holds, wait in a thread:",
            code="async with asyncio_lock: …\nawait asyncio.to_thread(lock.acquire)",
        ),
        called=r"\.(acquire|wait|join)\(|^with .*lock",
        inside=r"/threading\.py$",
    ),
    _Known(
        Remedy(text="Await the future instead of asking for its result:", code="await asyncio.wrap_future(future)"),
        called=r"\.result\(",
        inside=r"/concurrent/futures/",
    ),
    _Known(
        Remedy(text=f"Files have no asynchronous calls. {_THREAD}", code="text = await asyncio.to_thread(path.read_text)"),
        called=r"\bopen\(|\.(read|readline|readlines|read_text|read_bytes|write|write_text|write_bytes|flush)\(|\bos\.(read|write|fsync)\(",
        inside=r"/(pathlib|shutil|tempfile)(\.py|/)",
    ),
    _Known(
        Remedy(text="Use the loop's own socket calls:", code="data = await loop.sock_recv(sock, size)"),
        called=r"\.(recv|recv_into|recvfrom|accept|connect|sendall)\(|\b(select|poll)\(",
        inside=r"/(socket|ssl|selectors)\.py$",
    ),
)  # fmt: skip

_COMPUTING = Remedy(
    text="It computes. Give it to a thread, or to a process when it is Python code that would share the interpreter; or let "
    "the loop breathe between steps:",
    code="await asyncio.to_thread(function, …)\nawait asyncio.sleep(0)",
)
_WAITING = Remedy(text=f"It waits without the loop. {_THREAD}", code="await asyncio.to_thread(function, …)")


def remedy_for(expression: str, *, files: Iterable[str], is_computing: bool) -> Remedy:
    """
    Args:
        expression: the source of the blamed call.
        files: of the frames inside it, innermost first.
        is_computing: most of the time was the processor's.
    """
    inner = tuple(files)
    for known in _KNOWN:
        if re.search(known.called, expression) or any(re.search(known.inside, file) for file in inner):
            return known.remedy
    return _COMPUTING if is_computing else _WAITING
