"""
discord.py's own warnings, in the log of this program.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

_OURS = logging.getLogger("ip_monitor")
# The supervisor tells of lost connections itself, with what to do, and a traceback beside that tells an operator nothing;
# voice is not what a monitor needs.
_TOLD = ("Attempting a reconnect", "PyNaCl is not installed", "davey is not installed")


class Bridge(logging.Handler):
    """
    Takes what the library logs, and logs its text here without traceback.
    """

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if not text.startswith(_TOLD):
            _OURS.log(min(record.levelno, logging.WARNING), "discord.py: %s", text)


@contextlib.contextmanager
def discord_log() -> Generator[None]:
    """
    Within the block what discord.py warns of is logged here, and nothing of it reaches standard error by logging's last
    resort. Its lower levels stay silent: they quote what goes over the line.
    """
    log = logging.getLogger("discord")
    before = log.handlers[:], log.propagate, log.level
    log.handlers, log.propagate = [Bridge()], False
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.handlers, log.propagate = before[0], before[1]
        log.setLevel(before[2])
