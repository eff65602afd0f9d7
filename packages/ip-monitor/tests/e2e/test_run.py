"""
`ip-monitor run` without anybody to ask: what it says, how it stops, and what it does about its database.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hermetic.world.http import MockServer
from ip_monitor.domain.addresses import Family


@pytest.fixture
def database(tmp_path):
    return tmp_path / "state" / "ip.sqlite3"


async def test_without_internet_it_says_so_and_keeps_running(start, nobody, database):
    """
    Plain words, the way to see it work nevertheless, and the next check by itself.
    """
    running = await start("run", "--config", nobody, "--database", database, "--set", "log_level=debug")
    await running.line("no provider can be reached", "ip-monitor simulate")
    await running.line("asking", "check=2")

    assert f"watching IPv4 by 2 providers of 2 operators, every 300 s; database {database}" in running.lines[0]
    assert running.process.returncode is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_signal_ends_it_at_once_and_leaves_a_whole_file(start, nobody, database, number):
    """
    Within a second (on a machine so busy that starting takes longer, within that time), status 0, nothing on standard
    error, the write-ahead log checked in and gone. `./dev bench footprint` gives the figure.
    """
    began = time.monotonic()
    running = await start("run", "--config", nobody, "--database", database)
    await running.line("offline")
    starting_s = time.monotonic() - began
    status, complaint, took_s = await running.stop(number)

    assert (status, complaint) == (0, "")
    assert took_s < max(1.0, starting_s)
    assert not database.with_name(database.name + "-wal").exists()
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        count = db.execute("SELECT count(*) FROM ballots").fetchone()[0]
    db.close()
    assert count >= 1


async def test_a_stop_signal_before_anything_began_ends_it_quietly_too(start, nobody, database):
    """
    A service manager may change its mind while the program is still starting.
    """
    running = await start("run", "--config", nobody, "--database", database)
    running.process.send_signal(signal.SIGSTOP)
    running.process.send_signal(signal.SIGCONT)
    status, complaint, _ = await running.stop()

    assert status in {0, -signal.SIGTERM}  # the latter before Python itself is up
    assert complaint == ""


async def test_sigusr1_makes_it_check_now_also_where_the_pages_port_is_taken(start, nobody, database):
    """
    A script that knows better than the schedule can say so. A page that cannot be shown is a warning that names the port and
    who has it; the watch goes on.
    """
    words = ("--set", "retry_s=3600", "--set", "interval_s=3600", "--set", "log_level=debug")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = (*words, "--web", f"127.0.0.1:{port}")
        running = await start("run", "--config", nobody, "--database", database, *words)
        await running.line("warning", f"port {port} is taken, by ", f"({os.getpid()})")
    await running.line("next check")
    running.process.send_signal(signal.SIGUSR1)

    await running.line("asking", "check=2", "trigger=request")


@pytest.mark.needs_program("unshare", "nsenter", "ip")
async def test_an_address_that_comes_makes_it_check_now(start, nobody, database):
    """
    In a network of its own: the kernel tells of the new address, and the next check, which is minutes away, comes at once.
    """
    prefix = ("unshare", "--map-root-user", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    settings = ("--set", "log_level=debug", "--set", "retry_s=3000", "--set", "interval_s=3000")
    running = await start("run", "--config", nobody, "--database", database, *settings, prefix=prefix)
    await running.line("next check")
    words = ["nsenter", "--preserve-credentials", "--user", "--net", f"--target={running.pid}"]
    await asyncio.to_thread(subprocess.run, [*words, *["ip", "addr", "add", "192.0.2.5/24", "dev", "lo"]], check=True)

    await running.line("asking", "check=2", "trigger=network")


async def test_json_lines_are_json(start, nobody, database):
    """
    With `--json` there is one object a line. Files of the older program beside the database are taken up at the first start.
    """
    database.parent.mkdir()
    rows = [{"ip": f"93.184.216.{number}", "timestamp": f"2025-01-0{number}T00:00:00"} for number in (1, 2)]
    (database.parent / "ip_history.json").write_text(json.dumps(rows))
    running = await start("run", "--config", nobody, "--database", database, "--json")
    event = json.loads(await running.line("offline"))
    taken = json.loads(running.lines[0])

    assert event["event"] == "offline"
    assert event["family"] == "IPv4"
    assert event["level"] == "warning"
    assert taken["event"] == f"took up 2 changes of an older program from {database.parent}"


async def test_a_second_one_on_the_same_database_is_refused_with_the_first_ones_process_id(
    start, ip_monitor, nobody, database
):
    """
    Two writers would announce everything twice.
    """
    running = await start("run", "--config", nobody, "--database", database)
    await running.line("offline")
    second = await asyncio.to_thread(ip_monitor, "run", "--config", nobody, "--database", database)

    assert second.returncode == 7
    assert f"in use by process {running.pid}" in second.stderr
    assert second.stdout == ""


async def test_a_damaged_database_is_left_alone_until_told_otherwise(start, ip_monitor, nobody, database):
    """
    Refused with a way out; the way out keeps the damaged file under another name.
    """
    database.parent.mkdir()
    damaged = b"this is not a database" * 100
    database.write_bytes(damaged)
    refused = await asyncio.to_thread(ip_monitor, "run", "--config", nobody, "--database", database)

    assert refused.returncode == 8
    assert f"{database} is damaged" in refused.stderr
    assert "ip-monitor run --start-anew" in refused.stderr
    assert database.read_bytes() == damaged

    running = await start("run", "--config", nobody, "--database", database, "--start-anew")
    await running.line("kept as", "a new one was begun")
    await running.line("offline")
    await running.stop()
    (kept,) = database.parent.glob("*.corrupt-*")

    assert kept.read_bytes() == damaged
    told = await asyncio.to_thread(ip_monitor, "history", "--database", database)
    assert told.stdout == "No address is known yet.\n"


def test_a_page_damaged_in_the_middle_is_noticed(ip_monitor, nobody, database):
    """
    Not only the first bytes are looked at.
    """
    database.parent.mkdir()
    db = sqlite3.connect(database)
    db.execute("CREATE TABLE changes (x)")
    db.executemany("INSERT INTO changes VALUES (?)", [("y" * 500,) for _ in range(100)])
    db.commit()
    db.close()
    content = bytearray(database.read_bytes())
    content[8192:12288] = os.urandom(4096)
    database.write_bytes(content)
    done = ip_monitor("run", "--config", nobody, "--database", database)

    assert done.returncode == 8
    assert database.read_bytes() == bytes(content)


def test_a_directory_in_the_place_of_the_database_is_refused(ip_monitor, nobody, tmp_path):
    """
    A path that is no file gets a sentence, not a traceback.
    """
    done = ip_monitor("run", "--config", nobody, "--database", tmp_path)

    assert done.returncode == 8
    assert "is not a file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.needs_program("setpriv")
def test_a_database_that_may_not_be_read_is_refused(nobody, database, environ):
    """
    With the system's reason and what to do.
    """
    database.parent.mkdir()
    database.write_bytes(b"")
    database.chmod(0)
    words = [sys.executable, "-m", "ip_monitor", "run", "--config", str(nobody), "--database", str(database)]
    if os.geteuid() == 0:
        # Root may read everything, unless it gives that up.
        words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *words]
    done = subprocess.run(words, env=environ, cwd="/", capture_output=True, text=True, check=False, timeout=30)

    assert done.returncode == 8
    assert str(database) in done.stderr
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_that_leave_nobody_to_ask_are_refused(ip_monitor, nobody):
    """
    Before anything is opened.
    """
    done = ip_monitor("run", "--config", nobody, "--set", "disabled_providers=one,two")

    assert done.returncode == 2
    assert "no provider is left to ask" in done.stderr


def test_a_provider_that_there_is_not_is_refused_with_a_suggestion(ip_monitor, nobody):
    """
    A misspelled name in a list is a mistake like any other.
    """
    done = ip_monitor("run", "--config", nobody, "--set", "disabled_providers=ipfy")

    assert done.returncode == 2
    assert "Did you mean 'ipify'?" in done.stderr


def test_a_run_with_a_log_and_no_page_imports_nothing_for_either_view(environ):
    """
    Coloured tracebacks of a library are not worth 4 MiB to a log, and a page that is off costs nothing.
    """
    code = (
        "import sys\n"
        "import ip_monitor.cli.session, ip_monitor.cli.views\n"
        "from ip_monitor.cli.log_lines import logger\n"
        "logger(style='text', level='info', file=sys.stdout).info('hello', who='you there', n=1)\n"
        "heavy = ('rich', 'pydantic', 'jinja2', 'prometheus_client', 'aiohttp.web', 'ip_monitor.adapters.web')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()

    assert first.endswith(' info    hello  who="you there"  n=1')
    assert second == "[]"


async def test_it_recovers_by_itself_when_the_internet_is_back(services, settings_for, start, database):
    """
    Offline is a state, not an end.
    """
    settings = settings_for(services)
    await services.stop()
    running = await start("run", "--config", settings, "--database", database)
    await running.line("no provider can be reached")
    await services.start()

    await running.line("IPv4 address is", str(services.line.address(Family.V4)))


async def test_a_change_is_announced_once_to_every_sink(services, settings_for, start, database):
    """
    The log and a Discord webhook hear of the first address and of the change, once each and in order.
    """
    async with MockServer("discord", seed=7) as discord:
        hook = discord.post("/api/webhooks/1/hush").json({"id": "1"})
        env = {"IP_MONITOR_DISCORD_WEBHOOK": discord.url_for("/api/webhooks/1/hush")}
        running = await start("run", "--config", settings_for(services), "--database", database, env=env)
        first = str(services.line.address(Family.V4))
        await running.line("delivered", "discord-webhook", first)
        second = str(services.line.change(Family.V4))
        running.process.send_signal(signal.SIGUSR1)
        await running.line("delivered", "discord-webhook", second)
        status, complaint, _ = await running.stop()
        embeds = [call.request.json()["embeds"][0] for call in hook.calls]

    assert (status, complaint) == (0, "")
    told = [(one["title"], next(f["value"] for f in one["fields"] if f["name"] == "New")) for one in embeds]
    assert told == [("IPv4 address known", f"`{first}`"), ("IPv4 address changed", f"`{second}`")]
    assert sum(f"changed from {first} to {second}" in line for line in running.lines) == 1
    assert "hush" not in "\n".join(running.lines)


@pytest.mark.needs_program("sqlite3")
async def test_the_history_can_be_read_with_the_sqlite3_program(services, settings_for, start, database):
    """
    The file is a plain SQLite database that any tool opens.
    """
    running = await start("run", "--config", settings_for(services), "--database", database)
    await running.line("IPv4 address is")
    await running.stop()
    query = "SELECT family, address, previous FROM changes"
    words = ["sqlite3", database, query]
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=True)

    assert done.stdout == f"4|{services.line.address(Family.V4)}|\n"


@pytest.mark.needs_program("unshare", "mount")
async def test_a_full_disk_stops_nothing_and_loses_nothing(services, settings_for, start, tmp_path):
    """
    On a file system of 400 KiB that is filled up: the change is not announced before it could be written, and is
    written and announced when there is space again.
    """
    small = tmp_path / "small"
    small.mkdir()
    script = f'mount -t tmpfs -o size=400k none "{small}" && exec "$@"'
    prefix = ("unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh")
    running = await start("run", "--config", settings_for(services), "--database", small / "ip.sqlite3", prefix=prefix)
    await running.line("IPv4 address is")
    inside = Path(f"/proc/{running.pid}/root{small}")
    with (inside / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(1024))
    changed = str(services.line.change(Family.V4))
    running.process.send_signal(signal.SIGUSR1)
    await running.line("error", "disk is full")

    assert not any(f"to {changed}" in line for line in running.lines)

    (inside / "filler").unlink()
    await running.line("IPv4 address changed", f"to {changed}")
    status, complaint, _ = await running.stop()

    assert (status, complaint) == (0, "")
    assert sum(f"to {changed}" in line for line in running.lines) == 1
