"""
The reading interface against a tool that means no good and knows the document.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

PROGRAM = Path(sysconfig.get_path("scripts")) / "ip-monitor"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.needs_program("schemathesis")
@pytest.mark.deadline(call=600)
@pytest.mark.prove("api", sample=0, full=200)
def test_no_request_makes_the_interface_fail_or_break_its_word(tmp_path, rounds):
    """
    schemathesis, a program of its own because its pytest plugin would slow every test down: so many requests for each
    operation, with what the document allows and what it does not; no 5xx, and every answer as the document says.
    """
    settings = tmp_path / "settings.toml"
    settings.write_text(
        'default_providers = false\nretry_s = 3600\nfamilies = "ipv4"\nweb = "127.0.0.1:0"\n'
        + "".join(
            f'[[providers]]\nname = "{name}"\nurl = "http://127.0.0.1:1/"\nplain_http = true\nprivate_address = true\n'
            for name in ("one", "two")
        )
    )
    words = [PROGRAM, "run", "--config", settings, "--database", tmp_path / "ip.sqlite3"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with subprocess.Popen([*map(str, words)], env=environ, stdout=subprocess.PIPE, text=True) as monitor:
        said = until(monitor, "the page is at")
        token, url = re.search(r"only now: (\S+)", said)[1], re.search(r"the page is at (\S+)/", said)[1]
        told = subprocess.run(
            [
                shutil.which("schemathesis") or "schemathesis",
                *("run", f"{url}/api/v1/openapi.json", "--url", url, "--header", f"Authorization: Bearer {token}"),
                *("--checks", CHECKS, "--max-examples", str(rounds), "--seed", "7", "--no-color"),
                *("--phases", "examples,coverage,fuzzing", "--mode", "all"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        monitor.send_signal(signal.SIGTERM)
        monitor.communicate(timeout=20)
    sys.stdout.write(told.stdout[-3000:])

    assert told.returncode == 0, told.stdout[-6000:]


def until(process, text):
    """
    What the process says up to the line with this text.
    """
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            break
    return "".join(lines)
