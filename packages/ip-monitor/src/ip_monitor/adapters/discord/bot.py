"""
The bot: its parts joined, and running beside the monitor.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import discord

from ip_monitor.adapters.discord.commands import COMMANDS
from ip_monitor.adapters.discord.desk import Desk, Sight
from ip_monitor.adapters.discord.doorman import Doorman
from ip_monitor.adapters.discord.interactions import Interactions
from ip_monitor.adapters.discord.link import Link
from ip_monitor.adapters.discord.refusals import judge
from ip_monitor.adapters.discord.registration import commands_payload, fingerprint
from ip_monitor.adapters.discord.rest_line import RestLine
from ip_monitor.adapters.discord.router import Router
from ip_monitor.adapters.discord.state import State
from ip_monitor.adapters.discord.status_message import StatusMessage
from ip_monitor.adapters.discord.supervisor import Supervisor
from ip_monitor.adapters.discord.text_commands import TextCommands
from ip_monitor.adapters.discord.texts import LANGUAGES, Texts, announcement_texts
from ip_monitor.application.cancellation import cancel_and_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from ip_monitor.adapters.discord.connection import Route
    from ip_monitor.adapters.discord.state import StateStore
    from ip_monitor.application.admin import Admin
    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.standing import Standing as Services
    from ip_monitor.domain.events import Event
    from ip_monitor.resilience.clock import Clock
    from ip_monitor.resilience.rate_limiter import LimiterStatistics
    from ip_monitor.settings import Settings

_LOG = logging.getLogger("ip_monitor")
# A slow answer to what is asked before connecting must not keep the bot from connecting.
_PREPARE_S = 10.0
# Between two tries to tell Discord the commands, seconds.
_AGAIN_S = 60.0
_COMMANDS, _HOME = "commands", "home"


class DiscordBot:
    """
    Observes the monitor; give it to the announcer. `run` it beside the monitor.

    Args:
        route: the way to Discord.
        settings: those that apply now; language, address style, administrators and the status message follow them at
            once.
        limiter: how often people may have the world asked.
        services: how those around the monitor do.
    """

    def __init__(
        self,
        route: Route,
        *,
        settings: Callable[[], Settings],
        admin: Admin,
        limiter: Callable[[], LimiterStatistics],
        services: Services,
        store: StateStore,
        announcer: Announcer,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._state = State(store)
        self._announcer = announcer
        self.link = Link(clock=clock)
        self._sight = Sight(began_at=datetime.fromtimestamp(clock.time(), UTC))
        self._line = RestLine(route)
        self._answering: set[asyncio.Task[Any]] = set()
        self._preparing: list[asyncio.Task[Any]] = []
        self._register_turn = asyncio.Lock()
        self.desk = Desk(
            admin=admin,
            clock=clock,
            sight=self._sight,
            link=self.link,
            settings=settings,
            limiter=limiter,
            services=services,
            commands=COMMANDS,
            sync=self._sync,
        )
        self._doorman = Doorman(settings=settings, clock=clock)
        router = Router(self.desk, COMMANDS)
        self._interactions = Interactions(router, doorman=self._doorman, language=self._language)
        self._text_commands = TextCommands(
            router, doorman=self._doorman, language=self._language, channel=lambda: settings().discord_channel
        )
        self._status = StatusMessage(
            self.desk, line=self._line, state=self._state, channel=self._status_channel, texts=self._texts
        )
        self._sight.on_news = self._status.renew
        self._supervisor = Supervisor(
            route,
            front=self,
            link=self.link,
            announcer=announcer,
            clock=clock,
            wants_texts=settings().discord_text_commands,
        )

    def observe(self, event: Event) -> None:
        self._sight.observe(event)

    async def run(self) -> None:
        """
        Stay connected and keep the status message current, until cancelled. No failure of Discord ends it.
        """
        await self._state.load()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._supervisor.run(), name="ip-monitor-discord")
                group.create_task(self._status.run(), name="ip-monitor-discord-status")
        finally:
            await cancel_and_wait([*self._answering, *self._preparing])
            await self._line.aclose()

    async def prepare(self, client: discord.Client) -> None:
        """
        Before a client connects: find out which server is home. Once it is connected, tell Discord the commands if they
        changed. What fails here keeps no client from connecting.
        """
        await cancel_and_wait(self._preparing)
        finding = asyncio.create_task(
            self._attempt("discord channel", self._find_home(client)), name="ip-monitor-discord-channel"
        )
        registering = asyncio.create_task(self._register_soon(client), name="ip-monitor-discord-commands")
        self._preparing = [finding, registering]
        # It goes on when it takes longer: a client must not be used any more after a request was cut short, see `RestLine`.
        await asyncio.wait({finding}, timeout=_PREPARE_S)

    async def _register_soon(self, client: discord.Client) -> None:
        await self.link.wait_up()
        while not await self._attempt("discord commands", self._register(client.application_id)):
            await self.desk.clock.sleep(_AGAIN_S)

    async def _attempt(self, topic: str, work: Coroutine[Any, Any, None]) -> bool:
        try:
            await work
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            self._announcer.trouble(topic, what=judge(error).reason)
            return False
        self._announcer.fine(topic)
        return True

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        with self._answer():
            await self._interactions.answer(interaction)

    async def on_message(self, client: discord.Client, message: discord.Message) -> None:
        if self._supervisor.has_texts:
            with self._answer():
                await self._text_commands.answer(client, message)

    @contextlib.contextmanager
    def _answer(self) -> Generator[None]:
        """
        The library starts a task for each event and keeps none; those that are at work at the end are ended here.
        """
        tasks = {task for task in (asyncio.current_task(),) if task is not None}
        self._answering |= tasks
        try:
            yield
        finally:
            self._answering -= tasks

    async def _find_home(self, client: discord.Client) -> None:
        channel = self._settings().discord_channel
        if channel is None:
            return
        known = self._state.get(_HOME)
        if known.isdecimal():
            self._doorman.home = int(known)
        try:
            found = await client.fetch_channel(channel)
        except RuntimeError:
            if client.is_closed():
                return  # meanwhile; the next client asks again
            raise
        guild = getattr(found, "guild", None)
        self._doorman.home = None if guild is None else guild.id
        await self._state.put(_HOME, "" if guild is None else str(guild.id))

    async def _register(self, application: int | None) -> None:
        """
        Tell Discord the commands if `application` was not told just these; None tells them in any case.
        """
        payload = self._payload()
        told = fingerprint(payload)
        async with self._register_turn:
            if application is not None and self._state.get(_COMMANDS) == f"{application}:{told}":
                return
            async with asyncio.timeout(_PREPARE_S), self._line.use() as client:
                if client.application_id is None:
                    return
                await client.http.bulk_upsert_global_commands(client.application_id, payload)
                await self._state.put(_COMMANDS, f"{client.application_id}:{told}")
        _LOG.info("told Discord %d commands", len(payload))

    async def _sync(self) -> int:
        await self._register(None)
        return len(self._payload())

    def _payload(self) -> list[dict[str, object]]:
        others = [(locale, Texts(locale)) for locale in LANGUAGES if locale != "en"]
        return commands_payload(COMMANDS, texts=Texts("en"), others=others)

    def _language(self) -> str:
        return self._settings().discord_language

    def _texts(self) -> Texts:
        return announcement_texts(self._settings().discord_language)

    def _status_channel(self) -> int | None:
        settings = self._settings()
        return settings.discord_channel if settings.discord_status_message else None
