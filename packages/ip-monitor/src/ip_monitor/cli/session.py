"""
One run of the product in the foreground: signals, the view, and the way out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from ip_monitor.adapters.control import ControlServer
from ip_monitor.adapters.discord.log_bridge import discord_log
from ip_monitor.adapters.systemd import Systemd
from ip_monitor.bootstrap import assemble
from ip_monitor.bootstrap.older import older_places
from ip_monitor.errors import IPMonitorError
from ip_monitor.settings import load
from ip_monitor.settings.option import needs_restart

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence

    from ip_monitor.adapters.web.board import Board
    from ip_monitor.application.ports import Observer
    from ip_monitor.bootstrap import Application
    from ip_monitor.bootstrap.discord import MakeConnector
    from ip_monitor.cli.picture import Picture
    from ip_monitor.domain.providers import ProviderSpec
    from ip_monitor.settings import Request, Settings

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_REFRESH_S = 1.0
_TITLE_OF_PACKAGE = "ip_monitor"


def stop_quietly_on_signals() -> None:
    """
    Until the loop takes over, a stop signal ends the process at once with status 0: there is nothing to close yet.
    """

    def leave(_number: int, _frame: object) -> NoReturn:
        sys.exit(0)

    for number in STOP_SIGNALS:
        signal.signal(number, leave)
    # By default these would end a process that has nothing to read again yet.
    for number in (signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)


def is_live_terminal(file: TextIO, *, environ: Callable[[str], str | None]) -> bool:
    """
    Whether a view can be redrawn in place there.
    """
    return file.isatty() and environ("TERM") not in {None, "", "dumb"}


async def watch(
    settings: Settings,
    *,
    picture: Picture,
    observers: Sequence[Observer],
    refresh: Callable[[], None] | None = None,
    specs: Sequence[ProviderSpec] | None = None,
    start_anew: bool = False,
    request: Request | None = None,
    make_connector: MakeConnector = None,
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
    board: Board | None = None,
) -> None:
    """
    Run the product until a stop signal comes or `beside` returns, then close everything.

    Args:
        settings: valid settings.
        picture: filled with what the database knows, before the first check.
        observers: who is told what happens.
        refresh: redraws the view; called once a second.
        specs: whom to ask, in place of what the settings say.
        start_anew: as for `assemble`, whose errors are raised.
        request: where the settings came from, to read them again on SIGHUP and to let people change them; None where
            they were given by hand, and then no other process can ask for anything either.
        make_connector: as for `assemble`.
        beside: runs as long as the product does, which ends with it; None for no end.
        board: what the page sees; None for no page.
    """
    stop = asyncio.Event()
    async with assemble(
        settings,
        observers=observers,
        specs=specs,
        start_anew=start_anew,
        request=request,
        make_connector=make_connector,
        # A simulation, which has no request, must not take up real addresses.
        older=() if request is None else older_places(settings),
    ) as application:
        hangup = asyncio.Event()
        with _signals(stop, hangup, application):
            await _fill(picture, application)
            _begin_log(application)
            chores: list[Coroutine[Any, Any, None]] = []
            supervisor = Systemd(os.environ)
            if supervisor.is_there:
                application.announcer.add(supervisor)
                chores.append(supervisor.run(lambda: not application.pulse.is_stuck, clock=application.clock))
            if refresh is not None:
                chores.append(_redraw(refresh))
            if beside is not None:
                chores.append(beside())
            async with contextlib.AsyncExitStack() as stack:
                if request is not None:
                    chores.append(_reread_on(hangup, request, application))
                    await stack.enter_async_context(_control(application))
                if board is not None:
                    from ip_monitor.bootstrap.web import serve_page  # noqa: PLC0415 # most runs have no page

                    await stack.enter_async_context(serve_page(application, board))
                await _until(stop, application, chores=chores)


@contextlib.asynccontextmanager
async def _control(application: Application) -> AsyncGenerator[None]:
    """
    Let other processes of this user ask for things. A place that allows no socket costs that, and nothing more.
    """

    async def handle(name: str, arguments: dict[str, Any], who: str) -> object:
        from ip_monitor.application.admin.dispatch import dispatch  # noqa: PLC0415 # few runs are ever asked
        from ip_monitor.domain.audit import Actor  # noqa: PLC0415

        return await dispatch(application.admin, name, arguments, by=Actor(name=who, via="command line"))

    server = ControlServer(application.settings.database, handle)
    try:
        await server.start()
    except OSError as error:
        logging.getLogger(_TITLE_OF_PACKAGE).warning("commands cannot reach this monitor: %s", error)
    try:
        yield
    finally:
        await server.aclose()


async def _fill(picture: Picture, application: Application) -> None:
    current, changes = await application.known()
    picture.sources = application.sources
    picture.begin(current=current, changes=changes)
    kept = application.storage.set_aside
    if kept is not None:
        what = f"The database was damaged; it is kept as {kept}, and a new one was begun."
        application.announcer.trouble("database", what=what)


def _begin_log(application: Application) -> None:
    """
    The first line of a log: what is watched, how often, and where it is kept.
    """
    sources, settings = application.sources, application.settings
    families = " and ".join(dict.fromkeys(source.family.label for source in sources))
    operators = len({source.operator for source in sources})
    logging.getLogger(_TITLE_OF_PACKAGE).info(
        f"watching {families or 'nothing'} by {len(sources)} providers of {operators} operators, every"
        f" {settings.interval_s:g} s; database {settings.database}"
    )


async def _until(
    stop: asyncio.Event,
    application: Application,
    *,
    chores: Sequence[Coroutine[Any, Any, None]],
) -> None:
    work = asyncio.create_task(application.run(), name="ip-monitor-run")
    waits: list[asyncio.Task[Any]] = [asyncio.create_task(stop.wait(), name="ip-monitor-stop")]
    waits += [asyncio.create_task(chore, name="ip-monitor-chore") for chore in chores]
    try:
        done, _ = await asyncio.wait({work, *waits}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # a defect that ended the work, or the view, is not to be hidden
    finally:
        for task in (work, *waits):
            task.cancel()
        await asyncio.wait({work, *waits})


async def _redraw(refresh: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(_REFRESH_S)
        refresh()


async def _reread_on(hangup: asyncio.Event, request: Request, application: Application) -> None:
    """
    On every hangup read the settings again and go on with them; settings that cannot be used leave the old ones.
    """
    announcer = application.announcer
    while True:
        await hangup.wait()
        hangup.clear()
        try:
            settings = (await asyncio.to_thread(load, request)).settings
            before = application.settings
            application.reconfigure(settings)
        except (IPMonitorError, OSError) as error:
            announcer.trouble(
                "settings", what=f"the settings were not taken over: {error}", remedy="The old ones stay."
            )
            continue
        announcer.fine("settings")
        log = logging.getLogger(_TITLE_OF_PACKAGE)
        log.info("read the settings again")
        for name in needs_restart(before, settings):
            log.warning("%s has changed; that applies after a restart", name)


@contextlib.contextmanager
def _signals(stop: asyncio.Event, hangup: asyncio.Event, application: Application) -> Generator[None]:
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, application.request_check)
    loop.add_signal_handler(signal.SIGHUP, hangup.set)
    try:
        yield
    finally:
        # By default these two would end the process.
        for number in (signal.SIGUSR1, signal.SIGHUP):
            loop.add_signal_handler(number, lambda: None)
        # Closing takes its time; another signal must not cut it short.
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, lambda: None)


@contextlib.contextmanager
def package_log(*handlers: logging.Handler) -> Generator[None]:
    """
    Send the package's log, and what Discord's library warns of, to `handlers` alone: nothing reaches standard error by logging's last resort.
    """
    log = logging.getLogger(_TITLE_OF_PACKAGE)
    before = log.handlers[:], log.level, log.propagate
    log.handlers, log.propagate = [*handlers], False
    log.setLevel(logging.INFO)
    try:
        with discord_log():
            yield
    finally:
        log.handlers, log.propagate = before[0], before[2]
        log.setLevel(before[1])
