"""
Names that outlive a power loss.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sync_directory(directory: Path) -> None:
    """
    Make sure that the names in `directory` are on disk: synchronising a file keeps its content, and its name only on some
    file systems. Blocks.

    Raises:
        OSError: the directory cannot be opened, or the disk failed.

    Source: fsync(2), "Calling fsync() does not necessarily ensure that the entry in the directory containing the file has
    also reached disk."
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
