"""
The command line itself: what it says about itself and about mistakes.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from ip_monitor import __version__


def test_version_is_one_line(ip_monitor):
    """
    Name and version, nothing else.
    """
    done = ip_monitor("--version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"ip-monitor {__version__}\n", "")


@pytest.mark.untraced("the tracer imports sqlite3 itself")
def test_version_and_help_import_no_command_and_no_heavy_library(environ):
    """
    They stay quick whatever the commands need.
    """
    heavy = "('asyncio', 'aiohttp', 'rich', 'structlog', 'pydantic', 'sqlite3', 'ip_monitor.settings')"
    for word in ("--version", "--help"):
        code = (
            f"import sys; sys.argv = ['ip-monitor', {word!r}]\nfrom ip_monitor.cli import main\n"
            f"try: main()\nexcept SystemExit: pass\nprint([name for name in {heavy} if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)

        assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command_with_its_own_first_line(ip_monitor, in_one_process):
    """
    The lines that `--help` shows without importing a command belong to commands that exist.
    """
    from ip_monitor.cli.main import COMMANDS

    shown = ip_monitor("--help").stdout
    helped = in_one_process([[name, "--help"] for name in COMMANDS])

    assert [name for name in COMMANDS if name not in shown] == []
    assert [(status, said.partition(":")[0]) for status, said, _ in helped] == [(0, "Usage")] * len(COMMANDS)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--colour",), "No such option"),
        (("cofnig",), "Did you mean 'config'?"),
        (("config", "show", "--jsn"), "No such option '--jsn'"),
        (("config", "show", "--set", "interval_s"), "is not of the form NAME=VALUE"),
        (("config", "show", "--set", "intervall_s=30"), "Did you mean interval_s?"),
        (("config", "show", "--set", "interval_s=3"), "interval_s = 3 (from --set): must be 10 to 86400 seconds."),
        (("config", "show", "--config", "/none.toml"), "/none.toml: cannot be read: No such file or directory."),
    ],
)
def test_a_mistake_on_the_command_line_is_status_2_and_says_what_to_do(ip_monitor, words, told):
    """
    Wrong words never start anything and never show a traceback.
    """
    done = ip_monitor(*words)

    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_config_show_tells_where_each_value_came_from(ip_monitor, home):
    """
    The question "why is it 60?" is answered by name of file or variable.
    """
    path = home / ".config/ip-monitor/config.toml"
    path.parent.mkdir(parents=True)
    path.write_text("interval_s = 60\ntimeout_s = 4\n")
    done = ip_monitor("config", "show", "--json", env={"IP_MONITOR_TIMEOUT_S": "3"})
    shown = json.loads(done.stdout)

    assert shown["interval_s"] == {"value": 60.0, "from": str(path)}
    assert shown["timeout_s"] == {"value": 3.0, "from": "IP_MONITOR_TIMEOUT_S in the environment"}


def test_config_show_hides_secrets(ip_monitor):
    """
    Showing the settings to a colleague gives nothing away.
    """
    for words in (("--json",), ()):
        done = ip_monitor("config", "show", *words, env={"IP_MONITOR_DISCORD_WEBHOOK": "https://discord.com/hush"})

        assert "(hidden)" in done.stdout
        assert "hush" not in done.stdout


def test_config_list_describes_every_setting(ip_monitor):
    """
    Each has a type, a default and a sentence.
    """
    rows = json.loads(ip_monitor("config", "list", "--json").stdout)

    assert {"interval_s", "database", "providers", "discord_webhook"} <= {row["name"] for row in rows}
    assert all(row["description"].endswith(".") and row["default"] and row["type"] for row in rows)
    text = ip_monitor("config", "list").stdout
    assert all(row["name"] in text for row in rows)


def test_a_closed_pipe_ends_quietly(ip_monitor, environ):
    """
    `ip-monitor config list | head -1` prints no complaint.
    """
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m ip_monitor config list | head -n 1"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.stdout == "database\n"
    assert done.stderr == ""
