"""
Settings through the process that reads them.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from ip_monitor.settings import Reading, Request, SettingsError, ValidatorFailedError, load, loading, validation


@pytest.fixture(autouse=True)
def _nothing_that_validates(monkeypatch):
    """
    As in a program that has not imported it, and so starts the process.
    """
    monkeypatch.delitem(sys.modules, "ip_monitor.settings.validation", raising=False)


def test_what_validates_is_used_where_it_is_loaded_already(tmp_path, monkeypatch):
    """
    No process is started, and the same comes out, errors too.
    """
    requests = [
        Request(environ={"HOME": str(tmp_path), "IP_MONITOR_INTERVAL_S": value}, env_file=None) for value in ("20", "1")
    ]
    crossed = Reading(*requests).answers()
    # Under its name again, as it was imported for all these tests.
    monkeypatch.setitem(sys.modules, "ip_monitor.settings.validation", validation)
    monkeypatch.setattr(loading.sys, "executable", str(tmp_path / "none"))

    assert Reading(*requests).answers() == crossed


def test_valid_settings_cross_over_with_their_types_and_origins(tmp_path):
    """
    What arrives are the same plain dataclasses, secrets still hidden.
    """
    loaded = load(
        Request(
            environ={"HOME": str(tmp_path), "IP_MONITOR_DISCORD_WEBHOOK": "https://discord.com/hush"},
            env_file=None,
            overrides={"interval_s": ("20", "--set")},
        )
    )

    assert loaded.settings.interval_s == 20.0
    assert loaded.origins["interval_s"].where == "--set"
    assert loaded.settings.database == tmp_path / ".local/state/ip-monitor/ip-monitor.sqlite3"
    assert str(loaded.settings.discord_webhook) == "(hidden)"


def test_problems_cross_over_as_one_error(tmp_path):
    """
    The parent raises what the child found, with one line a problem.
    """
    with pytest.raises(SettingsError) as caught:
        load(Request(environ={"HOME": str(tmp_path), "IP_MONITOR_INTERVAL_S": "1"}, env_file=None))

    assert str(caught.value) == (
        "a setting cannot be used:\n"
        "  interval_s = 1 (from IP_MONITOR_INTERVAL_S in the environment): must be 10 to 86400 seconds.\n"
        "Nothing was started. `ip-monitor config list` names every setting with its range."
    )


def test_the_reader_brings_no_pydantic_into_the_program():
    """
    That is why there is a second process at all.
    """
    code = (
        "import os, sys; from ip_monitor.settings import Request, load; load(Request(environ=dict(os.environ)));"
        "print(sorted(name for name in sys.modules if name.startswith(('pydantic', 'dotenv', 'asyncio'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "[]"


def test_a_module_in_the_current_directory_is_not_taken_for_a_library(tmp_path, monkeypatch):
    """
    A file `pydantic.py` where the user happens to stand must not run.
    """
    (tmp_path / "pydantic.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)

    assert load(Request(environ={"HOME": str(tmp_path)}, env_file=None)).settings.interval_s == 300


def test_a_reader_that_fails_says_how(monkeypatch, tmp_path):
    """
    A broken installation shows the cause, not an EOFError.
    """
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no module named pydantic' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(loading.sys, "executable", str(broken))

    with pytest.raises(ValidatorFailedError, match=r"(?s)status 3.*no module named pydantic"):
        load(Request(environ={"HOME": str(tmp_path)}, env_file=None))
