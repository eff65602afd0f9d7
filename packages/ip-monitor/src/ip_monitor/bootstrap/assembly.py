"""
The running product, opened and closed again as a whole.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
from ip_monitor.application.announcing import Announcer
from ip_monitor.bootstrap.application import Application
from ip_monitor.bootstrap.older import take_up_older
from ip_monitor.bootstrap.sources import provider_specs
from ip_monitor.resilience.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from ip_monitor.application.ports import Clock, Observer
    from ip_monitor.bootstrap.discord import MakeConnector
    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.settings import Request, Settings


@contextlib.asynccontextmanager
async def assemble(
    settings: Settings,
    *,
    observers: Sequence[Observer] = (),
    specs: Sequence[ProviderSpec] | None = None,
    start_anew: bool = False,
    only_look: bool = False,
    clock: Clock | None = None,
    request: Request | None = None,
    make_connector: MakeConnector = None,
    older: Sequence[Path] = (),
) -> AsyncGenerator[Application]:
    """
    Open the database, build the parts; close everything at the end of the block, whatever ended it.

    Args:
        settings: valid settings.
        observers: who is told what happens.
        specs: whom to ask; None takes what the settings say.
        start_anew: a damaged database is kept under another name, and a new one begun.
        only_look: read the database beside the process that writes it; record and announce nothing.
        clock: the machine's own by default.
        request: where `settings` were read from, so that people can change them while it runs.
        make_connector: the way to Discord, for each client of its library; the library's own by default.
        older: directories whose files of the older program are taken up, if nothing is known yet.

    Raises:
        StorageUnavailableError: the database cannot be used; its leaves say why.
        UnknownProviderError, NobodyToAskError: the settings leave nobody to ask.
    """
    clock = clock or SystemClock()
    if specs is None:
        provider_specs(settings)  # before anything is opened
    async with contextlib.AsyncExitStack() as stack:
        storage = await SQLiteIPStorage.open(settings.database, read_only=only_look, start_anew=start_anew, clock=clock)
        stack.push_async_callback(storage.close)
        if older and not only_look:
            await take_up_older(storage, older, settings=settings)
        announcer = Announcer(observers, clock=clock)
        application = Application(
            settings,
            storage=storage,
            announcer=announcer,
            clock=clock,
            specs=specs,
            only_look=only_look,
            request=request,
            make_connector=make_connector,
        )
        stack.push_async_callback(application.aclose)
        await application.start()
        yield application
