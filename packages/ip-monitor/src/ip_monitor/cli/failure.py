"""
What the command says, and with what status it ends, when something raised on purpose ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.control.client import RefusedByMonitorError
from ip_monitor.adapters.storage.sqlite.errors import DatabaseCorruptError, DatabaseInUseError
from ip_monitor.application.ports import StorageUnavailableError
from ip_monitor.cli.exit_status import ExitStatus
from ip_monitor.cli.output import echo_error

if TYPE_CHECKING:
    from ip_monitor.errors import IPMonitorError

_STATUSES: tuple[tuple[type[Exception], ExitStatus], ...] = (
    (DatabaseInUseError, ExitStatus.ALREADY_RUNNING),
    (StorageUnavailableError, ExitStatus.DATABASE),
    (ValueError, ExitStatus.USAGE),
    (LookupError, ExitStatus.USAGE),
)

_KINDS = {"refused": ExitStatus.USAGE, "storage": ExitStatus.DATABASE}


def report(error: IPMonitorError, *, as_json: bool) -> ExitStatus:
    """
    Write the error to standard error; return the status to end with.
    """
    text, status = str(error), _status_of(error)
    if isinstance(error, DatabaseCorruptError):
        text += "\nTo start anew: ip-monitor run --start-anew"
    echo_error(text, kind=type(error).__name__, status=int(status), as_json=as_json)
    return status


def _status_of(error: IPMonitorError) -> ExitStatus:
    if isinstance(error, RefusedByMonitorError):
        return _KINDS.get(error.kind, ExitStatus.FAILED)
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), ExitStatus.FAILED)
