"""
What the exit status of each command means.
"""

from __future__ import annotations

from enum import IntEnum


class ExitStatus(IntEnum):
    """
    0 to 2 are common to all commands; 3 to 6 are verdicts of `check` and `status`; 7 and 8 are about the database.
    """

    OK = 0
    FAILED = 1
    USAGE = 2
    DISPUTED = 3
    OFFLINE = 4
    CAPTIVE = 5
    SEVERAL = 6
    ALREADY_RUNNING = 7
    DATABASE = 8
