"""
What the exit status of each command means.
"""

from __future__ import annotations

from enum import IntEnum

from ip_monitor.domain.verdicts import VerdictKind


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


def status_of_kind(kind: VerdictKind) -> ExitStatus:
    """
    The exit status that tells a script what a verdict told a person.
    """
    return _BY_KIND.get(kind, ExitStatus.OK)


_BY_KIND = {
    VerdictKind.DISPUTED: ExitStatus.DISPUTED,
    VerdictKind.OFFLINE: ExitStatus.OFFLINE,
    VerdictKind.CAPTIVE: ExitStatus.CAPTIVE,
    VerdictKind.MULTI_EGRESS: ExitStatus.SEVERAL,
}
