"""
Telling systemd that the monitor is up, how it is, and that it is alive.

Source: sd_notify(3), systemd.service(5) `WatchdogSec=`.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from ip_monitor.domain.events import CheckFinished
from ip_monitor.domain.wording import headline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ip_monitor.application.ports import Clock
    from ip_monitor.domain.events import Event

_MICROSECONDS = 1_000_000
_LONGEST_STATUS = 200


class Systemd:
    """
    An observer. Says nothing where `$NOTIFY_SOCKET` is not set, as outside systemd.

    Args:
        environ: where systemd says how to reach it.
        pid: of this process; a watchdog meant for another one is left alone.
    """

    def __init__(self, environ: Mapping[str, str], *, pid: int | None = None) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        meant = environ.get("WATCHDOG_PID", "")
        is_ours = not meant or meant == str(os.getpid() if pid is None else pid)
        limit = environ.get("WATCHDOG_USEC", "") if is_ours else ""
        self._limit_s = int(limit) / _MICROSECONDS if limit.isascii() and limit.isdigit() else 0.0

    @property
    def is_there(self) -> bool:
        return bool(self._address)

    @property
    def beat_s(self) -> float:
        """
        Seconds between two signs of life: half of what systemd allows; 0 when it wants none.
        """
        return self._limit_s / 2

    def tell(self, **state: str) -> None:
        """
        Send one message. Never raises: nobody can act on a supervisor that does not listen.
        """
        if not self._address:
            return
        text = "\n".join(f"{name}={' '.join(value.split())}" for name, value in state.items())
        # A name that begins with @ is an abstract one, which begins with a zero byte. Source: unix(7).
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as to:
                to.sendto(text.encode(), address)
        except OSError:
            pass

    def observe(self, event: Event) -> None:
        """
        Show the newest verdict in `systemctl status`.
        """
        if isinstance(event, CheckFinished):
            said = [headline(change) for change in event.check.changes]
            said = said or [
                f"{one.family.label} {one.verdict.kind}: {one.verdict.reason}" for one in event.check.ballots
            ]
            self.tell(STATUS="; ".join(said)[:_LONGEST_STATUS])

    async def run(self, is_alive: Callable[[], bool], *, clock: Clock) -> None:
        """
        Say that the monitor is up, and then that it is alive, for as long as it is, until cancelled. The loop that runs
        this is the one that checks, so one that hangs is silent, and systemd starts it again.

        Args:
            is_alive: whether the monitor does its work; asked before each sign of life.
            clock: measures the pauses.
        """
        self.tell(READY="1")
        try:
            while True:
                await clock.sleep(self.beat_s or 3600.0)
                if self.beat_s and is_alive():
                    self.tell(WATCHDOG="1")
        finally:
            self.tell(STOPPING="1")
