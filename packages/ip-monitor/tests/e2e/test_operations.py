"""
The commands of an operator: providers, doctor, queue, backup, test-notify, status, why.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from hermetic.world.http import MockServer
from ip_monitor.adapters.control import call
from ip_monitor.domain.addresses import Family


@pytest.fixture
def typed(ip_monitor, services, settings_for, tmp_path):
    """
    Type a command against the simulated services.
    """
    where = ("--config", settings_for(services), "--database", tmp_path / "ip.sqlite3")

    async def run(*words, env=None):
        return await asyncio.to_thread(ip_monitor, *words, *where, env=env)

    return run


async def test_providers_are_listed_and_asked(typed, services):
    """
    Who they are, and what each says; one that fails makes the status 1.
    """
    listed = json.loads((await typed("providers", "list", "--json")).stdout)
    services["birch"].fail_as("down")
    asked = await typed("providers", "test", "--json")
    answers = {answer["provider"]: answer for answer in json.loads(asked.stdout)}

    assert [one["operator"] for one in listed] == ["alder", "birch", "cedar", "dogwood"]
    assert asked.returncode == 1
    assert answers["birch IPv4"]["failure"] == "status"
    assert answers["alder IPv4"]["address"] == str(services.line.address(Family.V4))


async def test_a_provider_is_asked_alone(typed, services):
    """
    By its operator's name, whatever the others do; a name that nobody has is told.
    """
    services["birch"].fail_as("down")

    assert (await typed("providers", "test", "cedar")).returncode == 0
    assert (await typed("providers", "test", "nobody")).returncode == 2


async def test_the_doctor_finds_nothing_on_a_sound_system(typed):
    """
    Every line is ok, and the status 0.
    """
    done = await typed("doctor", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    assert {one["state"] for one in json.loads(done.stdout)} == {"ok"}


async def test_the_doctor_replaces_no_database_for_a_name_that_is_wrong(typed, tmp_path):
    """
    A copy in its place is for what is damaged.
    """
    (tmp_path / "ip.sqlite3").mkdir()
    done = await typed("doctor", "--json")
    (wrong,) = [one for one in json.loads(done.stdout) if one["state"] == "wrong"]

    assert done.returncode == 1
    assert wrong["text"].endswith("ip.sqlite3 is not a file. Name a file for the database.")
    assert "start-anew" not in done.stdout


async def test_the_doctor_names_what_is_wrong_with_a_remedy(typed, services, tmp_path):
    """
    A damaged database, services that do not answer, a broker where nobody listens.
    """
    (tmp_path / "ip.sqlite3").write_bytes(b"no database" * 100)
    await services.stop()
    done = await typed("doctor", "--json", env={"IP_MONITOR_MQTT_URL": "mqtt://home:secret@127.0.0.1:1"})
    found = json.loads(done.stdout)
    wrong = {one["topic"]: one for one in found if one["state"] == "wrong"}

    assert done.returncode == 1
    assert "is damaged" in wrong["database"]["text"]
    assert "--start-anew" in wrong["database"]["remedy"]
    assert "ip-monitor simulate" in wrong["providers"]["remedy"]
    assert "127.0.0.1:1 cannot be reached" in wrong["mqtt"]["text"]
    assert [one for one in found if one["state"] != "ok" and not one["remedy"]] == []
    assert "secret" not in done.stdout


async def test_the_queue_tells_what_was_delivered(typed):
    """
    By sink and state; what is delivered cannot be given up.
    """
    await typed("check")
    done = await typed("queue", "status", "--json")

    assert done.returncode == 0
    assert json.loads(done.stdout)["sinks"]["log"]["delivered"] == 1
    assert (await typed("queue", "clear")).stdout == "gave up 0 announcements\n"


async def test_what_was_refused_can_be_made_due(typed):
    """
    A webhook that refuses for good, then takes it.
    """
    async with MockServer("discord", seed=7) as discord:
        hook = discord.post("/hook").status(404)
        env = {"IP_MONITOR_DISCORD_WEBHOOK": discord.url_for("/hook")}
        await typed("check", env=env)
        refused = json.loads((await typed("queue", "status", "--json", env=env)).stdout)["sinks"]["discord-webhook"]
        hook.json({"id": "1"})
        retried = await typed("queue", "retry", "--sink", "discord-webhook", env=env)
        await typed("check", env=env)
        delivered = json.loads((await typed("queue", "status", "--json")).stdout)["sinks"]["discord-webhook"]

    assert refused["failed"] == 1
    assert retried.stdout.startswith("1 announcement is due now")
    assert delivered["delivered"] == 1


async def test_the_settings_that_were_changed_go_with_a_backup(typed, tmp_path):
    """
    In a file of their own beside the copy.
    """
    await typed("check")
    changed = await typed("config", "set", "interval_s", "77")
    target = tmp_path / "copy.sqlite3"
    done = await typed("backup", target, "--json")

    assert "interval_s = 77 (from" in changed.stdout
    assert json.loads(done.stdout)["settings"]["file"] == f"{target}.settings.jsonl"
    assert '"after": "77"' in target.with_name("copy.sqlite3.settings.jsonl").read_text()


async def test_a_backup_is_a_whole_database(typed, ip_monitor, tmp_path):
    """
    It holds the history, and an existing file is not overwritten.
    """
    await typed("check")
    target = tmp_path / "copy.sqlite3"
    done = await typed("backup", target, "--json")
    again = await typed("backup", target)
    history = await asyncio.to_thread(ip_monitor, "history", "--database", target, "--json")

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["database"] == {"file": str(target), "size_bytes": target.stat().st_size}
    assert again.returncode == 8
    assert len(json.loads(history.stdout)) == 1


async def test_the_older_programs_files_are_taken_up_once_by_a_command(ip_monitor, tmp_path):
    """
    From their directory, into a database without an address; what was taken up can be exported and taken up elsewhere.
    """
    entries = [{"ip": "93.184.216.34", "timestamp": "2026-01-01T00:00:00"}, {"ip": "93.184.216.35", "timestamp": 1.8e9}]
    (tmp_path / "ip_history.json").write_text(json.dumps(entries))
    first, second = tmp_path / "a.sqlite3", tmp_path / "b.sqlite3"

    def typed(*words):
        return asyncio.to_thread(ip_monitor, *words)

    taken = await typed("import", tmp_path, "--database", first)
    again = await typed("import", tmp_path, "--database", first, "--json")
    exported = await typed("history", "--all", "--json", "--database", first)
    (tmp_path / "export.json").write_text(exported.stdout)
    moved = await typed("import", "--history", tmp_path / "export.json", "--database", second, "--json")

    assert (taken.stdout, taken.returncode) == ("took up 2 changes\n", 0)
    assert json.loads(again.stdout) == {"imported": 0}
    assert json.loads(moved.stdout) == {"imported": 2}


async def test_a_test_notice_reaches_every_sink_and_is_not_recorded(typed):
    """
    It tells of an address that nobody has.
    """
    async with MockServer("discord", seed=7) as discord:
        hook = discord.post("/hook").json({"id": "1"})
        env = {"IP_MONITOR_DISCORD_WEBHOOK": discord.url_for("/hook")}
        done = await typed("test-notify", env=env)
        hook.status(404)
        refused = await typed("test-notify", "--json", env=env)

    assert (done.returncode, done.stdout, done.stderr) == (0, "discord-webhook: delivered\n", "")
    assert "192.0.2.1" in hook.calls[0].request.body.decode()
    assert refused.returncode == 1
    assert not json.loads(refused.stdout)["discord-webhook"]["delivered"]


async def test_status_and_why_tell_what_the_last_check_found(typed, services):
    """
    Without asking anybody again.
    """
    services["dogwood"].lie("198.51.100.7")
    await typed("check")
    address = str(services.line.address(Family.V4))
    await services.stop()
    status = await typed("status", "--json")
    why = await typed("why", "last")
    unknown = await typed("why", "zzz")

    assert (status.returncode, json.loads(status.stdout)["families"]["IPv4"]["address"]) == (0, address)
    assert why.returncode == 0
    assert "3 of 4 operators say" in why.stdout
    assert "198.51.100.7" in why.stdout
    assert unknown.returncode == 2
    assert "no change has a key that begins with 'zzz'" in unknown.stderr


async def test_a_running_monitor_does_what_commands_ask(start, ip_monitor, services, settings_for, tmp_path):
    """
    Queue, mute, providers and cache, over the socket beside its database, written into the audit; the socket goes with the
    monitor. Half of it is asked as the commands ask, without their start.
    """
    database = tmp_path / "ip.sqlite3"
    where = ("--config", settings_for(services), "--database", database)
    running = await start("run", *where)
    await running.line("address is")

    async def typed(*words):
        done = await asyncio.to_thread(ip_monitor, *words, *where)
        return done.returncode, done.stdout, done.stderr

    def ask(do, **arguments):
        return asyncio.to_thread(call, database, do, arguments, who="alice")

    stopped = await typed("queue", "stop")
    cleared = await ask("queue.clear")
    muted = await ask("notify.mute", for_s=7200)
    queue = await ask("queue.status")
    disabled = await ask("providers.disable", name="alder")
    await running.line("asking from now on", "birch IPv4, cedar IPv4, dogwood IPv4")
    refused = await typed("providers", "add", "own", "https://10.0.0.1/")
    ranks = await ask("providers.statistics")
    shown = await ask("cache.show")
    audit = await ask("audit.entries")

    assert stopped == (0, "the queue is stopped\n", "")
    assert cleared == 0
    assert muted["remaining_s"] > 7000
    assert (queue["is_stopped"], queue["quiet"]["muted_until"]) == (True, muted["muted_until"])
    assert [one["name"] for one in disabled] == ["alder IPv4"]
    assert refused[0] == 2
    assert "RFC 1918" in refused[2]
    assert ranks[0]["statistics"]["successes"] == 2  # the panel and its confirmation
    assert {one["namespace"] for one in shown} <= {"checks"}
    assert [(entry["action"], entry["refused"]) for entry in audit] == [
        ("providers.add", "ProviderRefusedError"),
        ("providers.disable", ""),
        ("notify.mute", ""),
        ("queue.clear", ""),
        ("queue.stop", ""),
    ]
    assert (await running.stop())[0] == 0
    assert not database.with_name(database.name + ".control").exists()


async def test_decisions_without_a_monitor_hold_when_one_starts(typed, services):
    """
    On the database itself.
    """
    disabled = await typed("providers", "disable", "alder", "--json")
    await typed("check")
    ranks = await typed("providers", "stats")

    assert [(one["name"], one["is_enabled"]) for one in json.loads(disabled.stdout)] == [("alder IPv4", False)]
    assert len(services["alder"].calls) == 0
    assert sum(len(services[name].calls) for name in ("birch", "cedar", "dogwood")) >= 4
    assert ranks.returncode == 0
    assert "alder IPv4 (off)" in ranks.stdout


async def test_what_lives_in_a_running_monitor_says_that_none_runs(typed):
    """
    With an exit status of its own and the database.
    """
    nobody = await typed("cache", "stats")

    assert nobody.returncode == 1
    assert "no monitor is running on" in nobody.stderr
