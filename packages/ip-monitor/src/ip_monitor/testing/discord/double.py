"""
The Discord double itself: its parts put together, started and stopped.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

from hermetic.world.http import Authority

from ip_monitor.resilience.clock import SystemClock
from ip_monitor.testing.discord.actors import Actors
from ip_monitor.testing.discord.connecting import connector_to
from ip_monitor.testing.discord.errors import DoubleError, NothingHappenedError, ViolationError
from ip_monitor.testing.discord.gateway import Gateway
from ip_monitor.testing.discord.intents import PRIVILEGED, Intent
from ip_monitor.testing.discord.permissions import Permission
from ip_monitor.testing.discord.posting import Posting
from ip_monitor.testing.discord.replies import served
from ip_monitor.testing.discord.rest import Rest
from ip_monitor.testing.discord.site import Site
from ip_monitor.testing.discord.tunnel import Tunnel
from ip_monitor.testing.discord.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    import aiohttp
    from aiohttp import web

    from ip_monitor.resilience.clock import Clock
    from ip_monitor.testing.discord.exchanges import Exchange
    from ip_monitor.testing.discord.faults import Fault, FaultRule
    from ip_monitor.testing.discord.limits import Limits
    from ip_monitor.testing.discord.messages import Message
    from ip_monitor.testing.discord.people import User
    from ip_monitor.testing.discord.places import Channel
    from ip_monitor.testing.discord.reply import Reply
    from ip_monitor.testing.discord.violations import Violation

FILE_HOSTS = ("cdn.discordapp.com", "media.discordapp.net")
REST_HOSTS = ("discord.com", "discordapp.com", *FILE_HOSTS)
GATEWAY_HOSTS = ("gateway.discord.gg", "*.discord.gg")
_WITHIN_S = 5.0


class DiscordDouble:
    """
    An asynchronous context manager: Discord on loopback, from entering to leaving.

    Args:
        token: of the bot; a fresh one when None.
        authority: whose certificate the double shows; making one costs some milliseconds, so tests share it.
        privileged: the privileged intents that the application was granted.
        clock: decides about 3 seconds, 15 minutes, limits and nonces.
        heartbeat_interval_s: what the gateway asks for, seconds.

    Attributes:
        world: everything that Discord knows; tests add guilds, users, channels and webhooks there.
        gateway: sessions and connections, and what a test can do to them.
        guild: one with the bot in it, made for you.
        channel: a text channel in it.
        admin: a user with the administrator permission there.
        member: a user without any role there.
        stranger: a user who is in no guild with the bot, and so meets it in direct messages only.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        authority: Authority | None = None,
        privileged: Intent = PRIVILEGED,
        clock: Clock | None = None,
        heartbeat_interval_s: float = 41.25,
    ) -> None:
        self.world = World(clock=clock or SystemClock(), token=token)
        self.authority = authority or discord_authority()
        self._posting = Posting(self.world)
        self._rest = Rest(self.world, self._posting)
        self.gateway = Gateway(
            self.world,
            check=self._rest.checking.event,
            privileged=privileged,
            heartbeat_interval_s=heartbeat_interval_s,
        )
        self.actors = Actors(self.world, self._posting, self._recent)
        tls = self.authority.context()
        self.rest_site = Site("REST interface", hosts=REST_HOSTS, tls=tls, handler=self._serve)
        self.gateway_site = Site("gateway", hosts=GATEWAY_HOSTS, tls=tls, handler=self.gateway.serve)
        self._tunnel = Tunnel(self._sites)
        self.guild = self.world.add_guild("Home")
        self.channel = self.world.add_channel(self.guild, "ip")
        admins = self.world.add_role(self.guild, "Admins", Permission.ADMINISTRATOR)
        self.admin = self.world.add_user("admin")
        self.member = self.world.add_user("member")
        self.stranger = self.world.add_user("stranger")
        self.world.add_member(self.guild, self.admin, admins)
        self.world.add_member(self.guild, self.member)

    # ------------------------------------------------------------ running

    @property
    def _sites(self) -> tuple[Site, Site]:
        return self.rest_site, self.gateway_site

    async def __aenter__(self) -> Self:
        for part in (*self._sites, self._tunnel):
            part.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rest.stop()
        for part in (self._tunnel, *self._sites):
            await part.stop()
        if error is None and self._rest.defects:
            raise DoubleError("the double itself failed; this is a defect of it") from self._rest.defects[0]
        if error is None and self.violations:
            raise ViolationError(tuple(self.violations))

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.host in FILE_HOSTS:
            return served(self.world.files.get(request.path))
        return await self._rest.serve(request)

    # ------------------------------------------------------------ the way to it

    @property
    def token(self) -> str:
        """
        The bot's.
        """
        return self.world.token

    @property
    def proxy(self) -> str:
        """
        For a whole process: `discord.Client(proxy=…)` or HTTPS_PROXY, with `write_ca` for SSL_CERT_FILE.
        """
        return self._tunnel.url

    def connector(self) -> aiohttp.TCPConnector:
        """
        For one client in this process: `discord.Client(connector=double.connector())`. The client closes it.
        """
        return connector_to(self._sites, self.authority.client_context())

    def write_ca(self, path: Path) -> Path:
        """
        Write the certificate that a process must trust, for its SSL_CERT_FILE.
        """
        return self.authority.write_pem(path)

    # ------------------------------------------------------------ what happened

    @property
    def exchanges(self) -> list[Exchange]:
        """
        The bot's requests with their answers, in the order in which they came.
        """
        return self._rest.exchanges

    @property
    def limits(self) -> Limits:
        """
        Rate limits; plenty until a test sets some.
        """
        return self._rest.limits

    @property
    def violations(self) -> list[Violation]:
        """
        Rules broken so far; leaving the double with any raises `ViolationError`.
        """
        return self._rest.checking.violations

    @property
    def defects(self) -> list[Exception]:
        """
        Errors of the double itself; leaving it with any raises `DoubleError`.
        """
        return self._rest.defects

    def take_violations(self) -> list[Violation]:
        """
        Return those that a test provoked, and forget them.
        """
        taken = list(self._rest.checking.violations)
        self._rest.checking.violations.clear()
        return taken

    def requests(self, route: str) -> list[Exchange]:
        """
        Those of one route, as `POST /channels/{channel_id}/messages`.
        """
        return [exchange for exchange in self.exchanges if exchange.route == route]

    def messages(self, channel: Channel | None = None) -> list[Message]:
        """
        What everyone sees in a channel (the made one by default), oldest first.
        """
        return self.world.history(channel or self.channel)

    async def until(self, condition: Callable[[], Any], what: str, *, within_s: float = _WITHIN_S) -> Any:
        """
        Wait until a condition on the double's state is true, and return its value.

        Raises:
            NothingHappenedError: it was not within `within_s` seconds; the text names `what`.
        """
        try:
            return await self.world.pulse.until(condition, within_s=within_s)
        except TimeoutError as error:
            raise NothingHappenedError(what, within_s, self._recent()) from error

    async def ready(self, *, within_s: float = _WITHIN_S) -> None:
        """
        Wait until a bot has a session.
        """
        await self.until(lambda: self.gateway.is_ready, "a session of the bot", within_s=within_s)

    async def commands(self, *names: str, within_s: float = _WITHIN_S) -> None:
        """
        Wait until commands of these names are registered.
        """
        wanted = set(names)
        await self.until(
            lambda: wanted <= {command.name for command in self.world.commands.values()},
            f"the registration of {', '.join(names)}",
            within_s=within_s,
        )

    async def message(
        self, channel: Channel | None = None, *, after: Message | None = None, within_s: float = _WITHIN_S
    ) -> Message:
        """
        Wait for the bot's first message in a channel, or its first after another message.

        Raises:
            NothingHappenedError: there was none within `within_s` seconds.
        """
        place, bot = channel or self.channel, self.world.bot
        since = 0 if after is None else after.id

        def first() -> Message | None:
            mine = (each for each in self.world.history(place) if each.author.is_bot and each.id > since)
            return next(mine, None)

        what = f"a message of {bot.name} in {place.name!r}"
        found: Message = await self.until(first, what, within_s=within_s)
        return found

    def _recent(self) -> tuple[str, ...]:
        return tuple(str(exchange) for exchange in self.exchanges[-5:])

    # ------------------------------------------------------------ users

    async def slash(self, user: User, channel: Channel, path: str, **options: Any) -> Reply:
        """
        As `Actors.slash`.
        """
        return await self.actors.slash(user, channel, path, **options)

    async def autocomplete(
        self, user: User, channel: Channel, path: str, option: str, typed: str = "", **options: Any
    ) -> list[tuple[str, Any]]:
        """
        As `Actors.autocomplete`.
        """
        return await self.actors.autocomplete(user, channel, path, option, typed, **options)

    async def click(self, user: User, message: Message | Reply, label: str, **how: Any) -> Reply:
        """
        As `Actors.click`.
        """
        return await self.actors.click(user, message, label, **how)

    async def select(self, user: User, message: Message | Reply, label: str, *values: str, **how: Any) -> Reply:
        """
        As `Actors.select`.
        """
        return await self.actors.select(user, message, label, *values, **how)

    async def submit_modal(self, opened: Reply, values: dict[str, str], **how: Any) -> Reply:
        """
        As `Actors.submit_modal`.
        """
        return await self.actors.submit_modal(opened, values, **how)

    def text(self, user: User, channel: Channel, content: str, **how: Any) -> Message:
        """
        As `Actors.text`.
        """
        return self.actors.text(user, channel, content, **how)

    def direct_message(self, user: User, content: str) -> Message:
        """
        As `Actors.direct_message`.
        """
        return self.actors.direct_message(user, content)

    def direct(self, user: User) -> Channel:
        """
        The direct messages of a user, as the channel of an act.
        """
        return self.world.direct(user)

    # ------------------------------------------------------------ trouble

    def fail(self, fault: Fault, *, on: str = "*", times: int | None = None) -> FaultRule:
        """
        Let requests fail from now on: `double.fail(Status(503), on="POST /channels/*/messages", times=2)`.
        """
        return self._rest.faults.add(fault, on=on, times=times)

    def heal(self) -> None:
        """
        No rule is in force any more, and both sites are reachable.
        """
        self._rest.faults.clear()
        for site in self._sites:
            if not site.is_reachable:
                site.restore()

    def go_down(self) -> None:
        """
        REST interface and gateway refuse connections; those that are open are reset.
        """
        for site in self._sites:
            site.refuse()

    def revoke_token(self) -> None:
        """
        As after a reset of the token: 401 on every request, and the gateway closes with 4004.
        """
        self.world.token = f"revoked.{self.world.snowflakes.take()}"
        self.gateway.forget_sessions()
        self.gateway.close(4004)

    @contextlib.contextmanager
    def outage(self, *, rest: bool = True, gateway: bool = True) -> Any:
        """
        Within the block one site or both refuse connections.
        """
        down = [site for site, wanted in ((self.rest_site, rest), (self.gateway_site, gateway)) if wanted]
        for site in down:
            site.refuse()
        try:
            yield
        finally:
            for site in down:
                site.restore()


def discord_authority() -> Authority:
    """
    A certificate authority for Discord's names, which several doubles can share.
    """
    return Authority(*REST_HOSTS, *GATEWAY_HOSTS)
