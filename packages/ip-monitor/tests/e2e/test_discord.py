"""
The whole bot in a process of its own, with nothing of it replaced: it reaches the double through a proxy, and trusts its
certificate by SSL_CERT_FILE.
"""

from __future__ import annotations

import re
import signal
import sqlite3

import pytest
from ip_monitor.testing import PLAY_RANGES, MockAPICluster
from ip_monitor.testing.discord import DiscordDouble, Hang, Permission, discord_authority


@pytest.fixture
async def double():
    async with DiscordDouble(authority=discord_authority()) as running:
        yield running


@pytest.fixture
async def services():
    async with MockAPICluster({"alder": "ipify", "birch": "ipify", "cedar": "aws"}, seed=7) as cluster:
        yield cluster


@pytest.fixture
def settings(double, services, tmp_path):
    """
    A settings file for both, and the token in a file of its own.
    """
    path, token = tmp_path / "settings.toml", tmp_path / "token"
    token.write_text(double.token + "\n")
    lines = [
        "default_providers = false",
        'families = "ipv4"',
        "confirm_pause_s = 0",
        "interval_s = 3600",
        f"public_ranges = {[str(network) for network in PLAY_RANGES]}",
        f"database = '{tmp_path / 'ip.sqlite3'}'",
        f"discord_token_file = '{token}'",
        f"discord_channel = {double.channel.id}",
        f"discord_proxy = '{double.proxy}'",
    ]
    for server in services:
        lines += ["[[providers]]", f"name = '{server.name}'", f"url = '{server.spec().url}'", "plain_http = true"]
        lines += ["private_address = true"]
    path.write_text("\n".join(lines))
    return path


async def test_the_whole_bot_is_started_commanded_changed_and_stopped(start, double, services, settings, tmp_path):
    """
    It announces the first address, answers commands, takes a setting, announces a change, and ends within 3 s of SIGTERM,
    shown as offline at once, with neither token nor traceback in what it wrote.
    """
    trusting = {"SSL_CERT_FILE": str(double.write_ca(tmp_path / "ca.pem"))}
    running = await start("run", "--config", settings, env=trusting)
    await double.ready(within_s=30)
    first = await double.message(within_s=30)
    assert first.embed["title"] == "IPv4 address known"

    await double.commands("ip", "config", within_s=30)
    status = await double.slash(double.member, double.channel, "status", within_s=30)
    assert "IP Monitor" in status.embed["title"]
    changed = await double.slash(
        double.admin, double.channel, "config set", name="discord_address", value="masked", within_s=30
    )
    assert "was changed" in changed.embed["title"]
    services.line.change()
    for _ in range(2):  # the first may join a check that began before the change
        checked = await double.slash(double.admin, double.channel, "cache refresh", within_s=30)
        assert "IPv4" in checked.text
    told = await double.message(after=first, within_s=30)
    assert told.embed["title"] == "IPv4 address changed"
    assert re.search(r"`\d+\.\d+\.x\.x`", told.text)

    status, errors, took_s = await running.stop()
    assert (status, errors) == (0, "")
    assert took_s < 3
    assert double.gateway.status == "offline"
    assert double.token not in "\n".join(running.lines)
    assert "Traceback" not in "\n".join(running.lines)


async def test_a_webhook_alone_needs_neither_bot_nor_library(start, double, services, settings, tmp_path):
    """
    Where discord.py is not installed, the process announces through a proxy and never asks for a gateway.
    """
    missing = tmp_path / "missing" / "discord"
    missing.mkdir(parents=True)
    (missing / "__init__.py").write_text("raise ModuleNotFoundError('discord')\n")
    hook = double.world.add_webhook(double.channel)
    lines = [line for line in settings.read_text().splitlines() if not line.startswith(("discord_t", "discord_c"))]
    settings.write_text("\n".join([f"discord_webhook = '{hook.url}'", *lines]))
    trusting = {"SSL_CERT_FILE": str(double.write_ca(tmp_path / "ca.pem")), "PYTHONPATH": str(missing.parent)}
    running = await start("run", "--config", settings, env=trusting)
    first = await double.message(within_s=30)
    status, errors, _ = await running.stop()

    assert (status, errors) == (0, "")
    assert first.embed["title"] == "IPv4 address known"
    assert [each.route for each in double.exchanges] == ["POST /webhooks/{webhook_id}/{webhook_token}"]
    assert hook.token not in "\n".join(running.lines)


def recorded(database):
    """
    The keys of all changes, oldest first.
    """
    db = sqlite3.connect(database)
    try:
        return [row[0] for row in db.execute("SELECT key FROM changes ORDER BY id")]
    finally:
        db.close()


@pytest.mark.parametrize("after", [True, False], ids=["Discord had it already", "Discord never got it"])
async def test_killed_while_sending_it_tells_every_change_once_and_in_order(start, double, services, settings, after):
    """
    No answer comes, the process is killed in the middle, the address changes again before the next one starts.
    """
    trusting = {"SSL_CERT_FILE": str(double.write_ca(settings.parent / "ca.pem"))}
    hanging = double.fail(Hang(after=after), on="POST /channels/*/messages", times=1)
    killed = await start("run", "--config", settings, env=trusting)
    await double.until(lambda: hanging.met, "an announcement under way", within_s=40)
    await killed.stop(signal.SIGKILL)
    double.heal()
    services.line.change()
    again = await start("run", "--config", settings, env=trusting)
    expected = 2
    told = await double.until(
        lambda: len(double.messages()) >= expected and double.messages(), "both announcements", within_s=40
    )
    status, errors, _ = await again.stop()

    assert (status, errors) == (0, "")
    assert [message.embed["footer"]["text"].split()[-1] for message in told] == recorded(settings.parent / "ip.sqlite3")
    assert len(double.messages()) == expected


async def test_doctor_looks_at_token_channel_and_permissions(start, double, settings, tmp_path):
    """
    Before anything runs: what works, what is missing, and what to do; nothing is sent.
    """
    trusting = {"SSL_CERT_FILE": str(double.write_ca(tmp_path / "ca.pem"))}
    good = await start("doctor", "--config", settings, env=trusting)
    assert "#ip of Home" in await good.line("ok", "discord: may announce")
    double.world.overwrite(double.channel, double.guild.roles[0], allow=Permission.NONE, deny=Permission.EMBED_LINKS)
    lacking = await start("doctor", "--config", settings, env=trusting)
    assert "lacks Embed Links" in await lacking.line("wrong", "discord:")
    assert double.messages() == []
