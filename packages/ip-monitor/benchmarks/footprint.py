"""
What `ip-monitor` costs before it does anything, and while it does its work: start time, memory, and the time to stop.

Start: `ip-monitor --version` against a Python that does nothing, best of several warm runs of each, taken in turn.
Memory: VmRSS of `ip-monitor run` after its first panel over TLS, with log output, no Discord, no page; against a Python
that has imported aiohttp and aiosqlite and done nothing. The services run in this process.

    ./dev bench footprint

Bytecode is cached as in any installation, whatever PYTHONDONTWRITEBYTECODE says here: compiling on every start would
double the one and add megabytes to the other.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from hermetic.world.http import MockServer
from ip_monitor.testing import PLAY_RANGES

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "ip-monitor")
RUNS = 15
VERSION_LIMIT_S = 0.25
STOP_LIMIT_S = 1.0
MEMORY_LIMIT_MIB, MEMORY_AIM_MIB = 48.0, 42.0
LIBRARIES = "import asyncio, aiohttp, aiosqlite"


def environment(home: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"}


def seconds(words: list[str], env: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(words, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def start_times(env: dict[str, str]) -> tuple[float, float]:
    ours, bare = [PROGRAM, "--version"], [sys.executable, "-c", "pass"]
    for words in (ours, bare):
        seconds(words, env)
    pairs = [(seconds(ours, env), seconds(bare, env)) for _ in range(RUNS)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


def resident_mib(pid: int | str) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def baseline_mib(env: dict[str, str]) -> float:
    code = f"{LIBRARIES}\nprint(open('/proc/self/status').read())"
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    found = re.search(r"VmRSS:\s+(\d+) kB", done.stdout)
    assert found is not None
    return int(found[1]) / 1024


def running_mib(env: dict[str, str], home: Path) -> tuple[float, float]:
    """
    The monitor's memory when it has announced its first address, seen by five services over TLS; then the seconds
    that it takes to stop.
    """
    with MockServer("services", tls=True, seed=1) as server:
        server.get("/").text("203.0.113.7")
        settings = home / "settings.toml"
        settings.write_text(
            f'default_providers = false\nfamilies = "ipv4"\nconfirm_pause_s = 0\n'
            f"public_ranges = {[str(network) for network in PLAY_RANGES]}\n"
            + "".join(
                f'[[providers]]\nname = "service {n}"\nurl = "{server.url_for("/")}"\nprivate_address = true\n'
                for n in range(5)
            )
        )
        env = {**env, "SSL_CERT_FILE": str(server.authority.write_pem(home / "ca.pem"))}
        words = [PROGRAM, "run", "--config", str(settings), "--database", str(home / "ip.sqlite3")]
        with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if "IPv4 address is 203.0.113.7" in line:
                    break
            else:
                raise SystemExit("the monitor ended before it knew the address")
            measured = resident_mib(process.pid)
            began = time.perf_counter()
            process.terminate()
            process.wait()
            stopping_s = time.perf_counter() - began
    return measured, stopping_s


def main() -> int:
    with tempfile.TemporaryDirectory() as home:
        env = environment(home)
        ours_s, bare_s = start_times(env)
        running_mib(env, Path(home))  # writes the bytecode
        (Path(home) / "ip.sqlite3").unlink()
        (running, stopping_s), libraries = running_mib(env, Path(home)), baseline_mib(env)
    print(
        f"ip-monitor --version   {ours_s * 1000:6.0f} ms   {ours_s / bare_s:4.1f} times a bare Python ({bare_s * 1000:.0f} ms)"
    )
    print(
        f"                       limit {VERSION_LIMIT_S * 1000:.0f} ms: {'held' if ours_s <= VERSION_LIMIT_S else 'MISSED'}"
    )
    print(
        f"ip-monitor run, VmRSS  {running:6.1f} MiB  {running / libraries:4.2f} times {LIBRARIES!r} ({libraries:.1f} MiB)"
    )
    held = "aim held" if running <= MEMORY_AIM_MIB else "limit held" if running <= MEMORY_LIMIT_MIB else "MISSED"
    print(f"                       limit {MEMORY_LIMIT_MIB:g} MiB, aim {MEMORY_AIM_MIB:g} MiB: {held}")
    print(f"SIGTERM to exit        {stopping_s * 1000:6.0f} ms   {stopping_s / ours_s:4.1f} times --version")
    print(
        f"                       limit {STOP_LIMIT_S * 1000:.0f} ms: {'held' if stopping_s <= STOP_LIMIT_S else 'MISSED'}"
    )
    return 0 if ours_s <= VERSION_LIMIT_S and running <= MEMORY_LIMIT_MIB and stopping_s <= STOP_LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
