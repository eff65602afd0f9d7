"""
The supervisor's side: what systemd is told, and the unit that it is given.
"""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from ip_monitor.adapters.systemd import Systemd
from ip_monitor.cli.install_service import command, unit
from ip_monitor.resilience.clock import SystemClock

PACKAGE = Path(__file__).resolve().parents[2]
DOCKERFILE = (PACKAGE / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def supervisor(tmp_path):
    """
    What systemd listens on.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(0)
        yield listener


async def hear(supervisor):
    async with asyncio.timeout(10):
        return (await asyncio.get_running_loop().sock_recv(supervisor, 4096)).decode()


async def test_systemd_hears_that_it_is_up_alive_and_ending(supervisor):
    """
    Signs of life come only while the monitor does its work.
    """
    told = Systemd({"NOTIFY_SOCKET": supervisor.getsockname(), "WATCHDOG_USEC": "20000"})
    alive = True
    work = asyncio.create_task(told.run(lambda: alive, clock=SystemClock()))

    assert await hear(supervisor) == "READY=1"
    assert await hear(supervisor) == "WATCHDOG=1"
    alive = False
    work.cancel()
    await asyncio.wait([work])
    rest = [await hear(supervisor)]
    while rest[-1] != "STOPPING=1":
        rest.append(await hear(supervisor))
    assert told.beat_s == 0.01


def test_a_watchdog_of_another_process_is_left_alone(supervisor):
    """
    And without systemd nothing is said.
    """
    assert Systemd({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}).beat_s == 0
    assert not Systemd({}).is_there
    Systemd({"NOTIFY_SOCKET": "/nowhere"}).tell(READY="1")


@pytest.mark.needs_program("systemd-analyze")
@pytest.mark.parametrize("is_user", [False, True])
def test_the_unit_is_one_that_systemd_takes(tmp_path, is_user):
    """
    Without a warning; and the system's service is walled in well: an exposure of at most 2.0 of 10.
    """
    path = tmp_path / "ip-monitor.service"
    path.write_text(unit(sys.executable, is_user=is_user, web="127.0.0.1:8787"))
    words = ["systemd-analyze", "--user" if is_user else "--system", "verify", "--man=no", path]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    own = [line for line in done.stderr.splitlines() if "ip-monitor" in line]
    assert own == []
    if not is_user:
        words = ["systemd-analyze", "security", "--offline=yes", "--no-pager", path]
        told = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        (exposure,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", told)
        assert float(exposure) <= 2.0


def install(*words, environ=None):
    """
    The command's exit status, and what it said.
    """
    done = CliRunner().invoke(command, [str(word) for word in words], env=environ)
    return done.exit_code, done.output + (str(done.exception) if done.exception else "")


def test_the_unit_is_written_where_it_belongs_and_how_to_start_it_is_said(tmp_path):
    """
    The system's below the root; a user's in that user's directory; and nothing of a half-written file is left.
    """
    status, said = install("--root", tmp_path, "--web", "127.0.0.1:8787")
    mine = install("--user", environ={"XDG_CONFIG_HOME": str(tmp_path / "mine")})
    written = tmp_path / "etc/systemd/system/ip-monitor.service"
    own = tmp_path / "mine/systemd/user/ip-monitor.service"

    assert (status, mine[0]) == (0, 0)
    assert " run --plain --web 127.0.0.1:8787\n" in written.read_text()
    assert "DynamicUser=yes" in written.read_text()
    assert f"{written} written" in said
    assert "systemctl enable --now ip-monitor" in said
    assert "DynamicUser" not in own.read_text()
    assert "systemctl --user enable --now ip-monitor" in mine[1]
    assert [path.name for path in (*written.parent.iterdir(), *own.parent.iterdir())] == ["ip-monitor.service"] * 2


def test_printing_writes_nothing(tmp_path):
    """
    What would be written, to the letter.
    """
    _, printed = install("--root", tmp_path, "--print")
    assert list(tmp_path.iterdir()) == []
    install("--root", tmp_path)

    assert printed == (tmp_path / "etc/systemd/system/ip-monitor.service").read_text()


def test_a_unit_that_differs_is_kept_unless_told_otherwise(tmp_path):
    """
    The same again is no difference; somebody's changes are not written over by chance.
    """
    written = tmp_path / "etc/systemd/system/ip-monitor.service"
    assert install("--root", tmp_path)[0] == install("--root", tmp_path)[0] == 0
    written.write_text("# mine")
    refused = install("--root", tmp_path)
    kept = written.read_text()
    forced = install("--root", tmp_path, "--force")

    assert (refused[0], kept) == (1, "# mine")
    assert "exists and differs. Look at it, and write it anew with --force" in refused[1]
    assert (forced[0], written.read_text() == "# mine") == (0, False)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    """
    With what helps.
    """
    (tmp_path / "etc").write_text("in the way")
    status, said = install("--root", tmp_path)

    assert status == 1
    assert "cannot be written: Not a directory. Use sudo, or --user for a service of your own." in said


def instructions():
    text = re.sub(r"\\\n\s*", "", DOCKERFILE)
    return [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_is_what_its_users_expect():
    """
    Pinned bases, no root at the end, programs as lists so that signals reach them, a health check, one place to write, and
    nothing copied that is not kept in by the ignore file.
    """
    found = instructions()
    last = dict(found)

    assert {name for name, _ in found} <= {
        "FROM",
        "ENV",
        "COPY",
        "RUN",
        "USER",
        "WORKDIR",
        "VOLUME",
        "EXPOSE",
        "STOPSIGNAL",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
    }
    assert all(re.match(r"python:3\.\d+-slim-\w+( AS build)?$", value) for name, value in found if name == "FROM")
    assert last["USER"] == "10001:10001"
    assert last["ENTRYPOINT"].startswith("[")
    assert last["CMD"].startswith("[")
    assert "/readyz" in last["HEALTHCHECK"]
    assert last["VOLUME"] == "/data"
    names = [name for name, _ in found]
    assert names.index("USER") > max(n for n, name in enumerate(names) if name == "RUN")
    ignored = (PACKAGE.parents[1] / ".dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    for kept in (line.removeprefix("!") for line in ignored if line.startswith("!")):
        assert (PACKAGE.parents[1] / kept).exists()
