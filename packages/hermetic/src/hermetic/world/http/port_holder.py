"""
Who holds a TCP port on this machine, as far as /proc shows it to this user.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

# State of a listening socket in /proc/net/tcp. Source: include/net/tcp_states.h, Linux.
_LISTEN = "0A"


def holder_of(port: int) -> str | None:
    """
    The process that listens on `port`, as "pid 123 (name)", or "this process"; None when it cannot be seen.
    """
    inodes = set[str]()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTEN and int(words[1].rpartition(":")[2], 16) == port:
                    inodes.add(words[9])
    return _process_with(inodes) if inodes else None


def _process_with(inodes: set[str]) -> str | None:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            for descriptor in (entry / "fd").iterdir():
                # A descriptor may be closed between the listing and the look.
                with contextlib.suppress(FileNotFoundError):
                    if str(descriptor.readlink()) in wanted:
                        if int(entry.name) == os.getpid():
                            return "this process"
                        return f"pid {entry.name} ({(entry / 'comm').read_text().strip()})"
    return None
