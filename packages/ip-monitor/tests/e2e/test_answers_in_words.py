"""
What commands say to a person: the text beside the JSON that other tests read.
"""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from ip_monitor.domain.addresses import Family


@pytest.fixture
def where(services, settings_for, tmp_path):
    return ["--config", str(settings_for(services)), "--database", str(tmp_path / "ip.sqlite3")]


@pytest.fixture
def typed(in_one_process, where):
    """
    Type lines one after the other: what each said, by the line. All of them must succeed.
    """

    async def run(*lines: str) -> dict[str, str]:
        done = await asyncio.to_thread(in_one_process, [[*line.split(), *where] for line in lines])
        assert [
            (line, status, said) for line, (status, _, said) in zip(lines, done, strict=True) if status or said
        ] == []
        return {line: shown for line, (_, shown, _) in zip(lines, done, strict=True)}

    return run


@pytest.fixture
def address(services):
    return str(services.line.address(Family.V4))


async def test_what_a_running_monitor_remembers_is_shown_renewed_and_forgotten(start, typed, where, address):
    """
    `cache`, in words and as JSON; the audit tells each.
    """
    running = await start("run", *where)
    await running.line("address is")

    said = await typed(
        "cache refresh",
        "cache show",
        "cache stats",
        "cache stats --json",
        "cache cleanup",
        "cache clear --namespace checks",
        "cache clear --json",
        "cache refresh --json",
        "audit",
        "audit --json",
    )

    assert said["cache refresh"] == f"IPv4  {address}  stable\n"
    assert re.search(
        rf"^checks +last +\d+\.\d s +check 2: stable {re.escape(address)}$", said["cache show"], re.MULTILINE
    )
    assert re.search(r"^stale hits +\d+$", said["cache stats"], re.MULTILINE)
    assert json.loads(said["cache stats --json"])["size"] == 1
    assert said["cache cleanup"] == "forgot 0 entries\n"
    assert said["cache clear --namespace checks"] == "forgot 1 entry\n"
    assert json.loads(said["cache clear --json"]) == {"removed": 0}
    assert json.loads(said["cache refresh --json"])["ballots"][0]["verdict"]["address"] == address
    rows = [line.split("(command line)") for line in said["audit"].splitlines()[1:]]
    assert [" ".join(what.split()) for _, what in rows] == [
        "cache.refresh stable",
        "cache.clear 0 entries went",
        "cache.clear checks 1 entry went",
        "cache.cleanup 0 entries went",
        "cache.refresh stable",
    ]
    assert [entry["subject"] for entry in json.loads(said["audit --json"])] == ["", "", "checks", "", ""]


async def test_what_holds_announcements_back_is_told_with_what_ends_it(typed, address):
    """
    By `status` and `queue status`, also while no monitor runs; a change that is taken back is told as one.
    """
    said = await typed(
        "check",
        "status",
        "notify mute 2h",
        "queue stop",
        "status --json",
        "queue status",
        "queue start",
        "notify unmute",
        "audit --limit 1",
    )
    held = await typed("notify mute 1d", "queue stop", "status")

    assert re.match(rf"IPv4 +{re.escape(address)} +first: \d of 4 operators say {re.escape(address)}", said["check"])
    assert re.match(rf"IPv4  {re.escape(address)}  since .+ ago: \d of 4 operators say", said["status"])
    assert said["status"].endswith("no monitor is running on this database\n")
    assert said["notify mute 2h"].startswith("announcements to people wait until 20")
    announcements = json.loads(said["status --json"])["announcements"]
    assert (announcements["is_stopped"], announcements["muted_until"][-1]) == (True, "Z")
    stopped, muted, *_ = said["queue status"].splitlines()
    assert stopped == "The queue is stopped; `ip-monitor queue start` sends again."
    assert re.fullmatch(r"Announcements to people wait until .+; `ip-monitor notify unmute` sends them\.", muted)
    assert said["notify unmute"] == "announcements are sent\n"
    assert re.search(r"notify\.unmute +muted until \S+ → none$", said["audit --limit 1"], re.MULTILINE)
    assert held["status"].splitlines()[1] == stopped
    assert held["status"].splitlines()[2].startswith("Announcements to people wait until ")


async def test_settings_are_changed_taken_back_and_listed(start, typed, where, tmp_path):
    """
    A running monitor is told; what needs a restart says so.
    """
    running = await start("run", *where)
    await running.line("address is")
    empty = await typed("config audit", "audit")

    said = await typed(
        "config set retry_s 7",
        "config set web 127.0.0.1:0",
        "config unset retry_s",
        "config audit",
        "config reload",
        "config reload --json",
        f"config save {tmp_path}/saved.toml",
    )

    process = f"process {running.pid}"
    assert set(empty.values()) == {"Nothing was changed.\n", "Nothing was done by hand yet.\n"}
    assert said["config set retry_s 7"].startswith("retry_s = 7 (from `config set`, kept in ")
    assert said["config set retry_s 7"].endswith(f"{process} takes it over now\n")
    assert said["config set web 127.0.0.1:0"].endswith(f"it applies when {process} is started again\n")
    assert said["config unset retry_s"].startswith(f"retry_s = 1 (from {where[1]})\n")
    rows = [line.split("(command line)")[1].split() for line in said["config audit"].splitlines()[1:]]
    assert rows == [["retry_s", "7", "unset"], ["web", "none", "127.0.0.1:0"], ["retry_s", "1", "7"]]
    assert said["config reload"] == f"told {process} to read its settings again\n"
    assert json.loads(said["config reload --json"]) == {"process": running.pid}
    assert said[f"config save {tmp_path}/saved.toml"] == f"written to {tmp_path}/saved.toml\n"
    assert "interval_s" in (tmp_path / "saved.toml").read_text()
