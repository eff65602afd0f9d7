"""
Doing something to a monitor from a command: through the one that runs, or on its database when none does.
"""

from __future__ import annotations

import asyncio
import getpass
import os
from typing import TYPE_CHECKING, Any

from ip_monitor.errors import IPMonitorError
from ip_monitor.settings import load_here

if TYPE_CHECKING:
    from pathlib import Path

    from ip_monitor.settings import Request, Settings

VIA = "command line"


class NoMonitorError(IPMonitorError):
    """
    There is nobody to tell.
    """

    def __init__(self, database: Path, remedy: str = "Start one: ip-monitor run.") -> None:
        self.database = database
        self.remedy = remedy
        super().__init__(database, remedy)

    def __str__(self) -> str:
        return f"no monitor is running on {self.database}. {self.remedy}"


def user() -> str:
    """
    Who types.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def act(
    request: Request, do: str, *, settings: Settings | None = None, running_only: bool = False, **arguments: Any
) -> Any:
    """
    Call a use case of `ip_monitor.application.admin` by its name.

    Args:
        request: where the settings are.
        do: such as "queue.stop".
        settings: what `request` says, if it was read already.
        running_only: what is asked about lives in the running monitor.
        arguments: of the use case.

    Returns:
        what the use case returns, as JSON holds it.

    Raises:
        NoMonitorError: `running_only`, and none runs.
        RefusedByMonitorError, IPMonitorError: it was refused.
    """
    from ip_monitor.adapters.control import call  # noqa: PLC0415 # a command pays when it runs
    from ip_monitor.adapters.storage.sqlite import DatabaseInUseError  # noqa: PLC0415
    from ip_monitor.adapters.storage.sqlite.instance_lock import holder  # noqa: PLC0415

    settings = settings or load_here(request).settings
    if holder(settings.database) is None:
        if running_only:
            raise NoMonitorError(settings.database)
        try:
            return asyncio.run(_alone(settings, request, do, arguments))
        except DatabaseInUseError:
            pass  # one has just been started
    return call(settings.database, do, arguments, who=user())


async def _alone(settings: Settings, request: Request, do: str, arguments: dict[str, Any]) -> Any:
    from ip_monitor.application.admin.dispatch import dispatch  # noqa: PLC0415 # a command pays when it runs
    from ip_monitor.bootstrap import assemble  # noqa: PLC0415
    from ip_monitor.bootstrap.older import older_places  # noqa: PLC0415
    from ip_monitor.domain.audit import Actor  # noqa: PLC0415

    async with assemble(settings, request=request, older=older_places(settings)) as application:
        return await dispatch(application.admin, do, arguments, by=Actor(name=user(), via=VIA))
