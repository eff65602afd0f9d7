"""
From settings to the notifiers that changes are announced to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.adapters.notifiers.log import LogNotifier
from ip_monitor.bootstrap.discord import discord_notifiers, has_bot, webhook_notifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from ip_monitor.application.ports import Clock, Notifier
    from ip_monitor.bootstrap.discord import MakeConnector
    from ip_monitor.settings import Settings

SINK_SETTINGS = (
    "apprise",
    "command",
    "discord_recipients",
    "discord_webhook",
    "email_from",
    "email_to",
    "expire_after_days",
    "smtp_url",
    "webhook",
    "webhook_secret",
)
"""
The settings that decide which notifiers there are, and how they are served.
"""

LOUD_SINKS = frozenset({"log", "command", "webhook"})
"""
Where programs listen, which act on a change and do not sleep: no quiet hours and no muting for these.
"""


def notifiers_for(
    settings: Settings, *, clock: Clock, now: Callable[[], Settings] | None = None, make_connector: MakeConnector = None
) -> list[Notifier]:
    """
    The log, and what the settings name. A library is imported only for a sink that is used.

    Args:
        settings: valid settings.
        clock: signs and dates what is sent.
        now: the settings that apply at a later time, for what may change while a sink lives; `settings` by default.
        make_connector: the way to Discord; the library's own by default.

    Raises:
        WebhookRefusedError, EmailRefusedError, AppriseRefusedError: an address or a secret cannot be used.
        ExtraMissingError, DiscordMissingError: a sink's library is not installed.
    """
    notifiers: list[Notifier] = [LogNotifier()]
    if settings.discord_webhook is not None:
        url = settings.discord_webhook.reveal()
        notifiers.append(webhook_notifier(url, settings, now=now or (lambda: settings), make_connector=make_connector))
    if has_bot(settings):
        notifiers += discord_notifiers(
            settings, clock=clock, now=now or (lambda: settings), make_connector=make_connector
        )
    if settings.webhook is not None:
        from ip_monitor.adapters.notifiers.webhook import WebhookNotifier  # noqa: PLC0415

        secret = None if settings.webhook_secret is None else settings.webhook_secret.reveal()
        url = settings.webhook.reveal()
        notifiers.append(WebhookNotifier(url, secret=secret, clock=clock, allow_plain_http=True))
    if settings.command:
        from ip_monitor.adapters.notifiers.command import CommandNotifier  # noqa: PLC0415

        notifiers.append(CommandNotifier(settings.command))
    if settings.smtp_url is not None:
        from ip_monitor.adapters.notifiers.email import EmailNotifier  # noqa: PLC0415

        url, recipients = settings.smtp_url.reveal(), settings.email_to
        notifiers.append(EmailNotifier(url, sender=settings.email_from, recipients=recipients))
    if settings.apprise is not None:
        from ip_monitor.adapters.notifiers.apprise import AppriseNotifier  # noqa: PLC0415

        notifiers.append(AppriseNotifier(settings.apprise.reveal().split()))
    return notifiers
