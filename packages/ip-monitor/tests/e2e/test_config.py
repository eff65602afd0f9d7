"""
`ip-monitor config` beside a running monitor.
"""

from __future__ import annotations

import asyncio
import json
import signal
import tomllib

import pytest


@pytest.fixture
def database(tmp_path):
    return tmp_path / "state" / "ip.sqlite3"


async def test_a_change_reaches_the_running_monitor_at_once(start, ip_monitor, nobody, database):
    """
    `config set` tells it, it goes on with the new value, and the audit says who did it.
    """
    where = ("--config", nobody, "--database", database)
    running = await start("run", *where, "--set", "log_level=debug", env={})
    await running.line("offline")
    done = await asyncio.to_thread(ip_monitor, "config", "set", *where, "retry_s", "7", "--json")
    await running.line("read the settings again")

    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["name"], told["value"], told["process"], told["applies"]) == ("retry_s", 7.0, running.pid, "now")
    audit = json.loads((await asyncio.to_thread(ip_monitor, "config", "audit", *where, "--json")).stdout)

    assert [(one["name"], one["before"], one["after"]) for one in audit] == [("retry_s", "1", "7")]
    assert audit[0]["who"].endswith(" (command line)")


async def test_settings_that_cannot_be_used_leave_the_old_ones(start, nobody, database):
    """
    A mistake in the file is told at reload, and nothing stops.
    """
    running = await start("run", "--config", nobody, "--database", database)
    await running.line("offline")
    good = nobody.read_text()
    nobody.write_text(good.replace("retry_s = 1", "retry_s = -1"))
    running.process.send_signal(signal.SIGHUP)
    await running.line("the settings were not taken over", "must be 1 to 3600 seconds")
    nobody.write_text(good)
    running.process.send_signal(signal.SIGHUP)
    await running.line("works again", "settings")
    status, complaint, _ = await running.stop()

    assert (status, complaint) == (0, "")


def test_reload_without_a_monitor_says_so(ip_monitor, nobody, database):
    """
    Nobody was told, so the status is not 0.
    """
    done = ip_monitor("config", "reload", "--config", nobody, "--database", database, "--json")
    told = json.loads(done.stderr)

    assert (done.returncode, done.stdout) == (1, "")
    assert (told["kind"], told["exit_status"]) == ("NoMonitorError", 1)
    assert f"no monitor is running on {database}" in told["error"]


def test_what_is_saved_reads_back_the_same(ip_monitor, nobody, database, tmp_path):
    """
    The file that `config save` writes gives the same settings, without the secrets.
    """
    target = tmp_path / "saved.toml"
    env = {"IP_MONITOR_DISCORD_WEBHOOK": "https://discord.com/hush", "IP_MONITOR_INTERVAL_S": "60"}
    words = ("--config", nobody, "--database", database)
    saved = ip_monitor("config", "save", *words, target, "--json", env=env)
    before = json.loads(ip_monitor("config", "show", *words, "--json", env={"IP_MONITOR_INTERVAL_S": "60"}).stdout)
    after = json.loads(ip_monitor("config", "show", "--config", target, "--json").stdout)

    assert (saved.returncode, saved.stderr) == (0, "")
    assert json.loads(saved.stdout) == {"file": str(target), "toml": target.read_text()}
    assert "hush" not in target.read_text()
    assert tomllib.loads(target.read_text())["interval_s"] == 60
    assert {name: one["value"] for name, one in after.items()} == {name: one["value"] for name, one in before.items()}
    assert ip_monitor("config", "save", *words, target).returncode == 2
