"""
How long a total outage takes to be decided, where the network swallows everything: the whole command against a server that
takes connections and never answers.

The baseline is the panel's own deadline of 5 s, the least that silence can take.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from datetime import datetime
from pathlib import Path

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "ip-monitor")
DEADLINE_S, LIMIT_S = 5.0, 5.0


def silent(family: socket.AddressFamily, host: str) -> socket.socket:
    """
    A server whose kernel takes connections, and where nobody reads them.
    """
    listener = socket.socket(family)
    listener.bind((host, 0))
    listener.listen(64)
    return listener


def main() -> int:
    with tempfile.TemporaryDirectory() as name, silent(socket.AF_INET, "127.0.0.1") as v4:
        home = Path(name)
        port = v4.getsockname()[1]
        settings = home / "settings.toml"
        settings.write_text(
            f'default_providers = false\nfamilies = "ipv4"\ntimeout_s = {DEADLINE_S}\n'
            + "".join(
                f'[[providers]]\nname = "service {n}"\nurl = "http://127.0.0.1:{port}/{n}"\n'
                "plain_http = true\nprivate_address = true\n"
                for n in range(5)
            )
        )
        words = [PROGRAM, "check", "--json", "--config", str(settings), "--database", str(home / "ip.sqlite3")]
        began = time.perf_counter()
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
        whole_s = time.perf_counter() - began
    told = json.loads(done.stdout)
    took_s = (datetime.fromisoformat(told["finished_at"]) - datetime.fromisoformat(told["started_at"])).total_seconds()
    held = told["verdict"] == "offline" and took_s <= LIMIT_S
    print(f"verdict                 {told['verdict']}")
    print(f"decided after           {took_s:6.2f} s   {took_s / DEADLINE_S:.2f} times the panel's deadline")
    print(f"the command in all      {whole_s:6.2f} s")
    print(f"                        limit {LIMIT_S:g} s: {'held' if held else 'MISSED'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
