"""
Killed at any instant, the monitor loses no change and a receiver that honours the key acts on each once, in order.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ip_monitor.testing import MockWebhookServer


@pytest.fixture
def receiver(request):
    """
    Acts on each key once; now and then it acts and its answer is lost.
    """
    with MockWebhookServer(lost_share=getattr(request, "param", 0.0), seed=7) as server:
        yield server


class Zygote:
    def __init__(self):
        script = Path(__file__).with_name("zygote.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.fields = {}

    def start(self, changes, kill=None):
        self.process.stdin.write(json.dumps({**self.fields, "changes": changes, "kill": kill}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())["pid"]

    def ended(self):
        return json.loads(self.process.stdout.readline())["ended"]

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def started():
    """
    One process for all tests: it imports the product once, and forks the lives that are ended.
    """
    zygote = Zygote()
    yield zygote
    zygote.close()


@pytest.fixture
def zygote(started, tmp_path, receiver):
    started.fields = {"database": str(tmp_path / "ip.sqlite3"), "url": receiver.hook_url}
    return started


def recorded(path):
    db = sqlite3.connect(path)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        pending = db.execute("SELECT count(*) FROM deliveries WHERE state = 'pending'").fetchone()[0]
        return [row[0] for row in db.execute("SELECT address FROM changes ORDER BY id")], pending
    finally:
        db.close()


def told(receiver):
    return [one.payload["data"]["address"] for one in receiver.acted]


BOUNDARIES = [
    f"{method}:{when}"
    for method in ("save_current_ip", "pending_notices", "send", "mark_delivered", "save_ballots")
    for when in ("before", "after")
]


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_every_boundary_between_commit_and_send_survives_a_kill(zygote, receiver, tmp_path, boundary):
    """
    Before and after the commit, the reading of the outbox, the sending and the marking.
    """
    zygote.start(3, kill=boundary)
    assert zygote.ended() == -signal.SIGKILL
    zygote.start(3)
    assert zygote.ended() == 0

    addresses, pending = recorded(tmp_path / "ip.sqlite3")
    assert ["93.0.0.1", "93.0.0.2", "93.0.0.3"] == addresses == told(receiver)
    assert pending == 0
    assert len(receiver.keys) <= 4


@pytest.mark.deadline(1800)
@pytest.mark.timeout(1800)
@pytest.mark.prove("crash", sample=6, full=500)
@pytest.mark.parametrize("receiver", [0.1], indirect=True)
def test_killed_at_random_points_every_change_is_acted_on_once_and_in_order(zygote, receiver, tmp_path, rounds, capsys):
    """
    Also while the receiver drops a tenth of its acknowledgements.
    """
    rng = random.Random(rounds)
    for _ in range(rounds):
        pid = zygote.start(10**9)
        # From before the database is open to well into the work; the instant is the point, there is no condition.
        time.sleep(rng.uniform(0.0, 0.25))
        os.kill(pid, signal.SIGKILL)
        assert zygote.ended() == -signal.SIGKILL
    before, _ = recorded(tmp_path / "ip.sqlite3") if (tmp_path / "ip.sqlite3").exists() else ([], 0)
    zygote.start(len(before) + 1)
    assert zygote.ended() == 0

    addresses, pending = recorded(tmp_path / "ip.sqlite3")
    with capsys.disabled():
        print(  # noqa: T201 - the counts are part of the proof
            f"\ncrash: {rounds} kills, {len(addresses)} changes, {len(receiver.keys)} messages, "
            f"{receiver.repeats} repeats"
        )
    assert addresses == told(receiver)
    assert len(set(addresses)) == len(addresses)
    assert pending == 0
