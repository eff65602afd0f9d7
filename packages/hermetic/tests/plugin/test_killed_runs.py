"""
A run, or a worker of one, that is killed at a random moment: what its journal still tells.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hermetic.record import read
from hermetic.record.events import LogWritten
from hermetic.record.report import TestReporter

if TYPE_CHECKING:
    from pathlib import Path

# Each test says when it begins and every millisecond, to whoever listens; what it says there and logs has one moment.
SUITE = """
import logging, os, socket, time
import pytest

SAID = socket.create_connection(("127.0.0.1", PORT))
SAID.sendall(f"{os.getpid()} 0\\n".encode())

@pytest.mark.parametrize("n", range(1000))
def test_works(n):
    for step in range(30):
        now = time.monotonic()
        logging.getLogger("work").warning("%.6f", now)
        SAID.sendall(f"{n} {now:.6f}\\n".encode())
        time.sleep(0.001)
"""
TENTH = 0.1
# A run by itself, and a worker of one that goes on without it.
WAYS = ((), ("-p", "xdist.plugin", "-n1", "--max-worker-restart=0"))


@pytest.mark.prove("journal-kill", sample=2, full=50)
def test_what_is_killed_at_random_keeps_all_but_the_last_tenth_of_a_second(tmp_path, rounds):
    """
    Every record that is older is in the report, and the test that was running is said to be lost.
    """
    chance = random.Random(7)
    for number in range(rounds):
        directory = tmp_path / str(number)
        directory.mkdir()
        way = WAYS[number % len(WAYS)]
        told, killed_at = _killed(directory, way, after=chance.randrange(5, 400))
        report = TestReporter.from_journals(*directory.glob("journal*.jsonl"))
        kept = [
            float(one.message)
            for journal in read(directory)
            for one in journal.events
            if isinstance(one, LogWritten) and one.logger == "work"
        ]

        assert [moment for _, moment in told if moment < killed_at - TENTH and moment not in kept] == []
        (lost,) = [test.nodeid for test in report.run.tests if test.outcome == "lost"]
        assert lost == f"test_work.py::test_works[{told[-1][0]}]"
        assert [one["rule"] for one in report.document["diagnoses"]] == ([] if way else ["run.never-ended"])


def _killed(directory: Path, way: tuple[str, ...], *, after: int) -> tuple[list[tuple[str, float]], float]:
    # Killed when it has spoken so many times; what it said, and the last moment at which it lived.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        (directory / "test_work.py").write_text(SUITE.replace("PORT", str(listener.getsockname()[1])))
        (directory / "pytest.ini").write_text("[pytest]\n")
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-p", "hermetic._pytest.plugin", "-p", "no:cacheprovider"),
            *("--hermetic-journal=journal.jsonl", "--hermetic-history=off", *way),
        ]
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdout=subprocess.DEVNULL,
        )
        with process, listener.accept()[0] as connection, connection.makefile() as said:
            pid = int(said.readline().split()[0])
            lines = [said.readline() for _ in range(after)]
            os.kill(pid, signal.SIGKILL)
            lines += said.readlines()
            process.wait(60)
    told = [(number, float(moment)) for number, moment in (line.split() for line in lines if line.endswith("\n"))]
    return told, told[-1][1]
