"""
`ip-monitor simulate`: the whole product, offline.
"""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.prove("simulate", sample=3, full=30)
def test_every_change_is_announced_once_and_the_liar_never_believed(ip_monitor, tmp_path, rounds):
    """
    For some seconds, and for thirty in the proof: what was true, recorded and announced are the same, and the file
    says so too.
    """
    speed = 1 if rounds >= 30 else 3
    database = tmp_path / "new" / "simulated.sqlite3"
    done = ip_monitor("simulate", "--seconds", rounds, "--speed", speed, "--database", database)
    said = dict(
        line.split(maxsplit=1)
        for line in done.stdout.splitlines()
        if line.startswith(("true ", "recorded ", "announced "))
    )

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert said["true"] == said["recorded"] == said["announced"]
    assert "Every change was announced exactly once." in done.stdout
    assert "; 0 were believed" in done.stdout
    history = ip_monitor("history", "--database", database, "--csv").stdout.splitlines()[1:]

    assert len(history) == int(said["true"].split(":")[0]) >= 2


def test_a_history_that_exists_is_not_written_into(ip_monitor, tmp_path):
    """
    Play addresses must never end up among real ones.
    """
    database = tmp_path / "real.sqlite3"
    database.write_bytes(b"precious")
    done = ip_monitor("simulate", "--database", database)

    assert done.returncode == 2
    assert "a simulation writes only into a new file" in done.stderr
    assert database.read_bytes() == b"precious"


def test_without_its_extra_it_says_what_to_install(environ, tmp_path):
    """
    A missing library is a sentence, not a traceback.
    """
    code = "import sys; sys.modules['hermetic'] = None; sys.argv = ['ip-monitor', 'simulate']\nfrom ip_monitor.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert 'pip install "ip-monitor[simulate]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_it_runs_without_pytest(environ):
    """
    The simulation uses a library that is also a pytest plugin, and takes none of the latter in.
    """
    code = (
        "import sys; sys.argv = ['ip-monitor', 'simulate', '--seconds', '2']\nfrom ip_monitor.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('pytest', '_pytest')])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_the_bot_is_at_work_in_a_simulated_discord_and_the_page_beside_it(ip_monitor):
    """
    It announces there and answers every command that is used meanwhile; the page is served, and its token told.
    """
    done = ip_monitor("simulate", "--discord", "--web", "127.0.0.1:0", "--seconds", 3, "--speed", 4)
    (used,) = [line.split() for line in done.stdout.splitlines() if line.startswith("commands ")]

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert int(used[1]) == int(used[5]) >= 1
    assert "The page's token, shown only now: " in done.stdout
    assert "the page is at http://127.0.0.1:" in done.stdout
    assert "Every change was announced exactly once." in done.stdout
