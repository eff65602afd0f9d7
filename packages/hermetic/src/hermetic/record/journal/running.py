"""
The test that runs, told in the header of its journal: a place of fixed size that is written over whenever a test begins.

So a killed process has said which test it was in, although the line that tells the test's beginning still waited to be written
together with others, which costs a test a third of what a line at once does. The place is written through a descriptor of its own,
since Linux appends whatever is written to a file opened for appending (pwrite(2), bugs), and it is never longer than it was: a full
disk has nothing to refuse.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

ROOM: Final = 512
_NOBODY: Final = b"null".ljust(ROOM)


def with_room(header: str) -> tuple[bytes, int]:
    """
    A header's line with room for the test that runs, as ASCII, and where in the line that room is.
    """
    before = header.rstrip()[:-1].encode("ascii") + b',"running":'
    return before + _NOBODY + b"}\n", len(before)


class Running:
    """
    The room at `offset` of the file at `path`, which must be on the disk. Nothing here raises for a file that cannot be written.
    """

    def __init__(self, path: Path, *, offset: int) -> None:
        self._offset = offset
        self._pid = os.getpid()
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def tell(self, text: str) -> bool:
        """
        Say with the text of its beginning that this test runs. False when it could not be said, for lack of room, text or file.
        """
        if not text or len(text) > ROOM - 2 or self._file < 0:
            return False
        try:
            return os.pwrite(self._file, b"{%-*b}" % (ROOM - 2, text.encode("ascii")), self._offset) == ROOM
        except OSError:
            return False

    def close(self) -> None:
        """
        No test runs any more. May be called more than once.
        """
        file, self._file = self._file, -1
        if file < 0:
            return
        with contextlib.suppress(OSError):
            if self._pid == os.getpid():
                os.pwrite(file, _NOBODY, self._offset)
        with contextlib.suppress(OSError):
            os.close(file)
