"""
From settings to the bot and its sinks. Nothing of Discord's library is imported where the settings name no bot.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import warnings
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import aiohttp

    from ip_monitor.adapters.discord.connection import Route
    from ip_monitor.adapters.discord.examination import Diagnosis
    from ip_monitor.adapters.discord.state import StateStore
    from ip_monitor.adapters.discord.texts import Texts
    from ip_monitor.application.admin import Admin
    from ip_monitor.application.announcing import Announcer
    from ip_monitor.application.ports import Clock, Notifier
    from ip_monitor.application.standing import Standing
    from ip_monitor.domain.changes import Change
    from ip_monitor.resilience.rate_limiter import RateLimiter
    from ip_monitor.settings import Request, Settings

MakeConnector: TypeAlias = "Callable[[], aiohttp.BaseConnector | None] | None"
"""
Gives each client of Discord its connector, inside the running loop.
"""
CHANNEL_SINK = "discord"
_LOG = logging.getLogger("ip_monitor")
_AGAIN_S = 30.0
_MOST_SETTINGS_BYTES = 1_000_000


class DiscordMissingError(IPMonitorError, ImportError):
    """
    The settings name a bot, and its library is not installed.
    """

    def __str__(self) -> str:
        return 'the settings name a Discord bot, which needs its extra. Install it: pip install "ip-monitor[discord]"'


def has_bot(settings: Settings) -> bool:
    """
    Whether the settings name a bot.
    """
    return settings.discord_token is not None or settings.discord_token_file is not None


def hurry_if_likely(request: Request) -> None:
    """
    Import the library early where the sources look as if they named a bot: that takes as long as reading the settings in
    another process does. A wrong guess costs memory or time, and decides nothing.
    """
    sources = [request.found_config_file, *request.found_secret_directories]
    likely = any("DISCORD_TOKEN" in name for name in request.environ)
    for source in sources:
        with contextlib.suppress(OSError):
            if source is not None and source.is_dir():
                likely |= any("discord_token" in path.name.lower() for path in source.iterdir())
            elif source is not None:
                likely |= b"\ndiscord_token" in b"\n" + source.read_bytes()[:_MOST_SETTINGS_BYTES]
    if likely:
        with contextlib.suppress(DiscordMissingError):
            import_library()


def recipient_sink(user: int) -> str:
    """
    The name of the sink of a person's direct messages.
    """
    return f"{CHANNEL_SINK}-{user}"


def discord_notifiers(
    settings: Settings, *, clock: Clock, now: Callable[[], Settings], make_connector: MakeConnector = None
) -> list[Notifier]:
    """
    One sink for the channel, and one for each person.

    Raises:
        DiscordMissingError: the library is not installed.
    """
    import_library()
    from ip_monitor.adapters.discord.address_style import AddressStyle  # noqa: PLC0415
    from ip_monitor.adapters.discord.rest_line import RestLine  # noqa: PLC0415
    from ip_monitor.adapters.discord.sink import ChannelPlace, DirectPlace, DiscordNotifier  # noqa: PLC0415
    from ip_monitor.adapters.discord.texts import announcement_texts  # noqa: PLC0415

    line = RestLine(route_for(settings, make_connector))

    def texts() -> Texts:
        return announcement_texts(now().discord_language)

    made: list[Notifier] = []
    if settings.discord_channel is not None:
        made.append(
            DiscordNotifier(
                CHANNEL_SINK,
                ChannelPlace(settings.discord_channel),
                line=line,
                clock=clock,
                texts=texts,
                style=lambda: AddressStyle(now().discord_address),
            )
        )
    made += [
        DiscordNotifier(
            recipient_sink(user),
            DirectPlace(user),
            line=line,
            clock=clock,
            texts=texts,
            # Nobody else reads it.
            style=lambda: AddressStyle.PLAIN,
        )
        for user in settings.discord_recipients
    ]
    return made


def webhook_notifier(
    url: str, settings: Settings, *, now: Callable[[], Settings], make_connector: MakeConnector = None
) -> Notifier:
    """
    A sink without a bot: what the bot announces with, but for the buttons, which a webhook may not send. Needs nothing of
    Discord's library.

    Raises:
        WebhookRefusedError: `url` is no web address.
    """
    from ip_monitor.adapters.discord.address_style import AddressStyle  # noqa: PLC0415
    from ip_monitor.adapters.discord.announcement import announcement_card  # noqa: PLC0415
    from ip_monitor.adapters.discord.card import embeds  # noqa: PLC0415
    from ip_monitor.adapters.discord.texts import announcement_texts  # noqa: PLC0415
    from ip_monitor.adapters.notifiers.discord_webhook import DiscordWebhookNotifier  # noqa: PLC0415

    def shown(changes: Sequence[Change]) -> list[dict[str, Any]]:
        texts, style = announcement_texts(now().discord_language), AddressStyle(now().discord_address)
        return embeds([announcement_card(changes, texts=texts, style=style)])

    # The settings let plain HTTP pass only on this machine.
    return DiscordWebhookNotifier(
        url,
        embeds=shown,
        proxy=settings.discord_proxy,
        make_connector=make_connector,
        allow_plain_http=True,
    )


async def diagnose(settings: Settings) -> Sequence[Diagnosis]:
    """
    Whether the bot of the settings could work, and what stands in its way.

    Raises:
        DiscordMissingError: the library is not installed.
    """
    import_library()
    from ip_monitor.adapters.discord.examination import examine  # noqa: PLC0415
    from ip_monitor.adapters.discord.log_bridge import discord_log  # noqa: PLC0415

    with discord_log():
        return await examine(route_for(settings), settings)


def route_for(settings: Settings, make_connector: MakeConnector = None) -> Route:
    """
    The way to Discord.
    """
    from ip_monitor.adapters.discord.connection import Route  # noqa: PLC0415

    return Route(
        token=settings.discord_token,
        token_file=settings.discord_token_file,
        proxy=settings.discord_proxy,
        make_connector=make_connector or (lambda: None),
    )


class Host(Protocol):
    """
    The running product, as the bot needs it.
    """

    @property
    def settings(self) -> Settings: ...

    @property
    def asks(self) -> RateLimiter: ...

    @property
    def standing(self) -> Standing: ...

    @property
    def storage(self) -> StateStore: ...

    @property
    def announcer(self) -> Announcer: ...

    @property
    def clock(self) -> Clock: ...


async def keep_bot(application: Host, *, admin: Admin, make_connector: MakeConnector = None) -> None:
    """
    Run the bot beside the monitor until cancelled. A defect of the bot is logged, and never ends the monitor.
    """
    import_library()
    from ip_monitor.adapters.discord.bot import DiscordBot  # noqa: PLC0415

    while True:
        bot = DiscordBot(
            route_for(application.settings, make_connector),
            settings=lambda: application.settings,
            admin=admin,
            limiter=application.asks.statistics,
            services=application.standing,
            store=application.storage,
            announcer=application.announcer,
            clock=application.clock,
        )
        application.announcer.add(bot)
        try:
            await bot.run()
        except Exception:  # noqa: BLE001 # a defect of the bot must not end the monitor
            _LOG.exception("the Discord bot ended with a defect; it starts again in %g s", _AGAIN_S)
        finally:
            application.announcer.remove(bot)
        await application.clock.sleep(_AGAIN_S)


def import_library() -> None:
    """
    Import what the bot needs.

    Raises:
        DiscordMissingError: the library is not installed.
    """
    try:
        with warnings.catch_warnings():
            # Its voice, which nobody hears here, imports what Python 3.11 and 3.12 warn of.
            warnings.filterwarnings("ignore", message="'audioop' is deprecated", category=DeprecationWarning)
            importlib.import_module("discord")
            importlib.import_module("ip_monitor.adapters.discord.bot")
    except ImportError as error:
        raise DiscordMissingError from error
