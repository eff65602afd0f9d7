"""
Announcing through a Discord webhook, against an aiohttp server on loopback.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from ip_monitor.adapters.notifiers.discord_webhook import DiscordWebhookNotifier, WebhookRefusedError
from ip_monitor.adapters.notifiers.log import LogNotifier
from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.bootstrap.discord import webhook_notifier
from ip_monitor.domain.changes import Change
from ip_monitor.domain.notices import Notice
from ip_monitor.settings import Settings

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECRET = "s3cr3t-token"
CHANGE = Change(
    key="0123456789abcdef",
    address=ipaddress.ip_address("93.184.216.35"),
    previous=ipaddress.ip_address("93.184.216.34"),
    at=AT,
    previous_since=AT - timedelta(hours=26),
    operators=("Amazon", "ipify"),
)
NOTICE = Notice(key=f"{CHANGE.key}:hook", sink="hook", change=CHANGE, attempts=0, created_at=AT, due_at=AT)


@pytest.fixture
async def hook():
    """
    A webhook at a server that answers as told and keeps what it got.
    """
    got, answers = [], []

    async def handle(request):
        got.append((request.path_qs, await request.json()))
        status, headers, body = answers.pop(0) if answers else (200, {}, "{}")
        return web.Response(status=status, headers=headers, text=body)

    server = RawTestServer(handle)
    await server.start_server()
    url = str(server.make_url(f"/api/webhooks/1/{SECRET}?thread_id=9"))
    settings = Settings(database=Path("never-opened.sqlite3"), discord_address="spoiler")
    notifier = webhook_notifier(url, settings, now=lambda: settings)
    notifier.got, notifier.answers = got, answers
    yield notifier
    await notifier.aclose()
    await notifier.aclose()
    await server.close()


async def test_a_change_is_posted_as_one_embed(hook):
    """
    Old, new, how long, who agreed, addresses hidden as wished; in the thread named by the address; nobody is mentioned.
    """
    await hook.send(NOTICE)

    ((path, message),) = hook.got
    (embed,) = message["embeds"]
    assert f"/api/webhooks/1/{SECRET}?thread_id=9&wait=true" == path
    assert embed["title"] == "IPv4 address changed"
    assert {field["name"]: field["value"] for field in embed["fields"]} == {
        "New": "||`93.184.216.35`||",
        "Old": "||`93.184.216.34`||",
        "Old one lasted": "1 d 2 h",
        "Seen by": "`Amazon`, `ipify`",
    }
    assert message["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize(
    ("answer", "permanent", "patience"),
    [
        ((429, {}, '{"retry_after": 1.25, "global": false}'), False, 1.25),
        ((429, {"Retry-After": "7"}, "<html>banned</html>"), False, 7.0),
        ((429, {}, '{"retry_after": "NaN of"}'), False, None),
        ((500, {}, ""), False, None),
        ((503, {"Retry-After": "3"}, ""), False, 3.0),
        ((520, {}, "<html>"), False, None),
        ((302, {"Location": "https://elsewhere.example/"}, ""), True, None),
        ((400, {}, '{"message": "Invalid Form Body"}'), True, None),
        ((401, {}, ""), True, None),
        ((404, {}, '{"code": 10015}'), True, None),
    ],
)
async def test_every_refusal_is_told_as_passing_or_for_good(hook, answer, permanent, patience):
    """
    What may pass is tried again, with the patience asked for; what cannot, is given up. No text holds the secret.
    """
    hook.answers.append(answer)

    with pytest.raises(DeliveryFailedError) as caught:
        await hook.send(NOTICE)

    assert (permanent, patience) == (caught.value.is_permanent, caught.value.retry_after_s)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(hook)


async def test_an_unreachable_server_is_a_passing_failure_without_the_secret():
    """
    Refused connections are tried again; the error does not quote the address, which is a secret.
    """
    with socket.create_server(("127.0.0.1", 0)) as guard:
        port = guard.getsockname()[1]
    notifier = DiscordWebhookNotifier(f"http://127.0.0.1:{port}/{SECRET}", embeds=lambda _: [], allow_plain_http=True)
    try:
        with pytest.raises(DeliveryFailedError) as caught:
            await notifier.send(NOTICE)
    finally:
        await notifier.aclose()

    assert not caught.value.is_permanent
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "url", ["", "discord.com/api", "http://discord.com/api/webhooks/1/x", "ftp://x/", "https://[::1"]
)
def test_a_bad_webhook_address_is_refused_without_quoting_it(url):
    """
    The message says where to find the right one.
    """
    with pytest.raises(WebhookRefusedError, match="Integrations"):
        DiscordWebhookNotifier(url, embeds=lambda _: [])


async def test_the_log_sink_writes_one_line_a_change(caplog):
    """
    At level INFO, with the fields for structured logs.
    """
    caplog.set_level(logging.INFO, logger="ip_monitor.changes")

    await LogNotifier().send(NOTICE)

    (record,) = caplog.records
    assert record.message.startswith(
        "IPv4 address changed from 93.184.216.34 to 93.184.216.35; the previous one lasted 1 d 2 h"
    )
    assert record.address == "93.184.216.35"
