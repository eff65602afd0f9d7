"""
Killed at any instant, the monitor loses no change and a receiver that honours the key acts on each once, in order.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest


class Receiver(http.server.ThreadingHTTPServer):
    """
    Remembers keys and acts on each once; now and then it acts and then drops the connection without an answer.
    """

    daemon_threads = True

    def __init__(self, drop):
        super().__init__(("127.0.0.1", 0), Handler)
        self.rng = random.Random(7)
        self.drop = drop
        self.raw = []
        self.acted = []
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["webhook-id"]
        with self.server.lock:
            self.server.raw.append(key)
            if key not in {acted for acted, _ in self.server.acted}:
                self.server.acted.append((key, body["data"]["address"]))
            dropped = self.server.rng.random() < self.server.drop
        if dropped:
            self.close_connection = True
            return
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def handle(self):
        with contextlib.suppress(ConnectionError):  # the killed process is the point
            super().handle()

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver(request):
    server = Receiver(drop=getattr(request, "param", 0.0))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Zygote:
    def __init__(self, database, url):
        script = Path(__file__).with_name("zygote.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.fields = {"database": str(database), "url": url}

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


@pytest.fixture
def zygote(tmp_path, receiver):
    zygote = Zygote(tmp_path / "ip.sqlite3", receiver.url)
    yield zygote
    zygote.close()


def recorded(path):
    db = sqlite3.connect(path)
    try:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        pending = db.execute("SELECT count(*) FROM deliveries WHERE state = 'pending'").fetchone()[0]
        return [row[0] for row in db.execute("SELECT address FROM changes ORDER BY id")], pending
    finally:
        db.close()


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
    assert ["93.0.0.1", "93.0.0.2", "93.0.0.3"] == addresses == [address for _, address in receiver.acted]
    assert pending == 0
    assert len(receiver.raw) <= 4


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
            f"\ncrash: {rounds} kills, {len(addresses)} changes, {len(receiver.raw)} messages, "
            f"{len(receiver.raw) - len(receiver.acted)} repeats"
        )
    assert addresses == [address for _, address in receiver.acted]
    assert len(set(addresses)) == len(addresses)
    assert pending == 0
