"""
Where the socket is: beside the database, so that whoever finds the one finds the other.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

SUFFIX = ".control"
# Source: unix(7), sun_path has 108 bytes with the closing zero.
_LONGEST_PATH_BYTES = 107
LONGEST_MESSAGE_BYTES = 1_048_576


@contextlib.contextmanager
def short_path(database: Path) -> Generator[str]:
    """
    A path of the socket that fits into an address. A long one goes through this process's descriptor of the directory,
    which is open for the length of the block.

    Raises:
        OSError: the directory cannot be opened, or the file's own name is too long.
    """
    path = database.with_name(database.name + SUFFIX)
    if len(os.fsencode(path)) <= _LONGEST_PATH_BYTES:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
