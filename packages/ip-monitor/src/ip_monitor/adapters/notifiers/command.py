"""
Announcing by running a command.

The change is told in the environment, so nothing from outside is ever read by a shell. A command that exits with 0 has
acknowledged; any other end is tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING

from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.domain.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ip_monitor.domain.notices import Notice

_SHOWN = 200


class CommandNotifier:
    """
    Args:
        arguments: the program and its arguments; no shell is involved.
        timeout_s: after which it is ended together with everything it started, seconds.
    """

    def __init__(self, arguments: Sequence[str], *, name: str = "command", timeout_s: float = 10.0) -> None:
        if not arguments or not arguments[0]:
            raise ValueError("the command is empty; name a program and its arguments")
        self.name = name
        self._arguments = tuple(arguments)
        self._timeout_s = timeout_s

    def __repr__(self) -> str:
        return f"<CommandNotifier {self.name!r} {self._arguments[0]}>"

    async def send(self, notice: Notice) -> None:
        program = self._arguments[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *self._arguments,
                env={**os.environ, **_environment(notice)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                # A group of its own, so that what it starts can be ended with it.
                start_new_session=True,
            )
        except OSError as error:
            reason = f"{program} cannot be started ({error.strerror})"
            raise DeliveryFailedError(reason) from error
        try:
            async with asyncio.timeout(self._timeout_s):
                _, complaint = await process.communicate()
        except TimeoutError as error:
            raise DeliveryFailedError(f"{program} did not end within {self._timeout_s:g} s and was ended") from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode != 0:
            said = " ".join(complaint.decode(errors="replace").split())[:_SHOWN]
            raise DeliveryFailedError(f"{program} ended with {process.returncode}" + (f": {said}" if said else ""))

    async def aclose(self) -> None:
        pass


def _environment(notice: Notice) -> dict[str, str]:
    change = notice.change
    return {
        "IP_MONITOR_KEY": notice.key,
        "IP_MONITOR_FAMILY": str(change.family.value),
        "IP_MONITOR_ADDRESS": str(change.address),
        "IP_MONITOR_PREVIOUS": "" if change.previous is None else str(change.previous),
        "IP_MONITOR_AT": change.at.isoformat(),
        "IP_MONITOR_TEXT": sentence(change),
    }
