"""
`ip-monitor run` on a terminal, as a person starts it: a real pseudo-terminal with a size.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sysconfig
import termios
import time
from pathlib import Path

import pytest

PROGRAM = Path(sysconfig.get_path("scripts")) / "ip-monitor"
PATIENCE_S = 40.0

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SHOW_CURSOR = "\x1b[?25h"


class Terminal:
    """
    A program on a terminal of so many columns. `text` is all that it wrote.
    """

    def __init__(self, words, *, columns, env, cwd):
        self.ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        self.process = subprocess.Popen(
            words, stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=cwd, start_new_session=True
        )
        os.close(theirs)
        self.text = ""
        self.ends = time.monotonic() + PATIENCE_S

    def read(self):
        """
        Some more; empty when the program has closed its end.
        """
        left = max(0.0, self.ends - time.monotonic())
        assert select.select([self.ours], [], [], left)[0], self.text[-2000:]
        try:
            data = os.read(self.ours, 65536).decode()
        except OSError:  # how Linux says that nobody holds the other end any more
            return ""
        self.text += data
        return data

    def wait_for(self, words):
        while words not in CONTROL.sub("", self.text):
            assert self.read(), f"{words!r} never came: {self.text[-2000:]}"

    def finish(self):
        """
        The status, once it has ended and all is read.
        """
        while self.read():
            pass
        return self.process.wait(PATIENCE_S)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.ours)


@pytest.fixture
def on_terminal(environ, home):
    """
    Start `ip-monitor WORDS…` on a terminal.
    """
    started = []

    def start(*words, columns=100):
        env = {name: value for name, value in environ.items() if name != "COLUMNS"} | {"TERM": "xterm-256color"}
        started.append(Terminal([PROGRAM, *map(str, words)], columns=columns, env=env, cwd=home))
        return started[-1]

    yield start
    for terminal in started:
        terminal.close()


@pytest.mark.parametrize("columns", [100, 40])
def test_the_live_view_waits_for_the_next_check_and_leaves_the_last_picture_when_it_is_stopped(
    on_terminal, nobody, tmp_path, columns
):
    """
    The cursor comes back, the hint at how to stop goes, the status is 0; also where lines are cut.
    """
    terminal = on_terminal("run", "--config", nobody, "--database", tmp_path / "ip.sqlite3", columns=columns)
    terminal.wait_for("next check in")
    os.killpg(terminal.process.pid, signal.SIGINT)
    status = terminal.finish()
    last = CONTROL.sub("", terminal.text).replace("\r", "")[-1500:]

    assert status == 0
    assert SHOW_CURSOR in terminal.text
    assert "not known" in last
    assert "ip-monitor simulate" in last
    assert "Ctrl-C" in CONTROL.sub("", terminal.text)
    assert "Ctrl-C" not in last[last.rindex("IP Monitor") :]
    widest = max(len(line) for line in CONTROL.sub("", terminal.text).replace("\r", "\n").splitlines())
    assert widest <= columns


def test_plain_output_is_for_logs_on_a_terminal_too(on_terminal, nobody, tmp_path):
    """
    `--plain` draws nothing.
    """
    terminal = on_terminal("run", "--plain", "--config", nobody, "--database", tmp_path / "ip.sqlite3")
    terminal.wait_for("no provider can be reached")
    os.killpg(terminal.process.pid, signal.SIGINT)

    assert terminal.finish() == 0
    assert SHOW_CURSOR not in terminal.text
