"""
The real command in a process of its own, away from the user's files.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = Path(sysconfig.get_path("scripts")) / "ip-monitor"
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path):
    """
    An empty home directory.
    """
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def environ(home):
    """
    The environment that the command gets: none of this machine's settings, and bytecode is kept, as for a user.
    """
    mine = {
        name: os.environ[name]
        for name in ("PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
        if name in os.environ
    }
    return {**mine, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONWARNINGS": "error", "COLUMNS": "120"}


@pytest.fixture
def ip_monitor(environ, home) -> Command:
    """
    Run `ip-monitor WORDS…` to its end; `env=` adds variables.
    """

    def run(*words: object, env: dict[str, str] | None = None, **options) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *map(str, words)],
            env={**environ, **(env or {})},
            cwd=home,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
            **options,
        )

    return run
