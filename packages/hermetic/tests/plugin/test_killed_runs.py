"""
A run that is killed at a random moment: what its journal still tells.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hermetic.record import read
from hermetic.record.events import LogWritten
from hermetic.record.report import TestReporter

if TYPE_CHECKING:
    from pathlib import Path

# Each test says on a pipe when it begins and every millisecond; what it says there and logs has one moment.
SUITE = """
import logging, os, time
import pytest

@pytest.mark.parametrize("n", range(1000))
def test_works(n):
    for step in range(30):
        now = time.monotonic()
        logging.getLogger("work").warning("%.6f", now)
        os.write(WRITING, f"{n} {now:.6f}\\n".encode())
        time.sleep(0.001)
"""
TENTH = 0.1


@pytest.mark.prove("journal-kill", sample=2, full=50)
def test_a_run_killed_at_random_keeps_all_but_the_last_tenth_of_a_second(tmp_path, rounds):
    """
    Every record that is older is in the report, and the test that was running is said to be lost.
    """
    chance = random.Random(7)
    for number in range(rounds):
        directory = tmp_path / str(number)
        directory.mkdir()
        told, killed_at = _killed(directory, after=chance.randrange(5, 400))
        report = TestReporter.from_journals(directory / "journal.jsonl")
        kept = [
            float(one.message)
            for journal in read(directory / "journal.jsonl")
            for one in journal.events
            if isinstance(one, LogWritten)
        ]

        assert [moment for _, moment in told if moment < killed_at - TENTH and moment not in kept] == []
        (lost,) = [test.nodeid for test in report.run.tests if test.outcome == "lost"]
        assert lost == f"test_work.py::test_works[{told[-1][0]}]"
        assert [one["rule"] for one in report.document["diagnoses"]] == ["run.never-ended"]


def _killed(directory: Path, *, after: int) -> tuple[list[tuple[str, float]], float]:
    # Killed when it has spoken so many times; what it said, and the last moment at which it lived.
    reading, writing = os.pipe()
    (directory / "test_work.py").write_text(SUITE.replace("WRITING", str(writing)))
    (directory / "pytest.ini").write_text("[pytest]\n")
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "hermetic._pytest.plugin", "-p", "no:cacheprovider"),
        *("--hermetic-journal=journal.jsonl", "--hermetic-history=off"),
    ]
    process = subprocess.Popen(
        command,
        cwd=directory,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
    )
    os.close(writing)
    with process, os.fdopen(reading) as pipe:
        lines = [pipe.readline() for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        lines += pipe.readlines()
    told = [(number, float(moment)) for number, moment in (line.split() for line in lines if line.endswith("\n"))]
    return told, told[-1][1]
