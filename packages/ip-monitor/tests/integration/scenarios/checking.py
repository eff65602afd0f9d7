"""
The monitor alone in a process, measuring what each check leaves behind in it.

    python checking.py SETTINGS ROUNDS CALLS WARM_ROUNDS LEAST_BYTES [leak]

It writes what it found. With `leak` it keeps the time of every check, which must be found by a proof.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from hermetic import ResourceBenchmark
from ip_monitor.bootstrap import assemble
from ip_monitor.settings import Request, load_here


class Keeper:
    """
    An observer that forgets nothing.
    """

    def __init__(self):
        self.kept = []

    def observe(self, event):
        self.kept.append((type(event).__name__, repr(event)[:40]))


async def main(path: str, *numbers: str) -> None:
    rounds, calls, warm, least = map(int, numbers[:4])
    loaded = load_here(Request(environ={}, config_file=Path(path), env_file=None, secret_directories=()))
    observers = [Keeper()] if numbers[4:] else []
    async with assemble(loaded.settings, observers=observers) as application:
        benchmark = ResourceBenchmark(rounds=rounds, calls=calls, warmup=warm, least_bytes=least, frames=1)
        result = await benchmark.run_async(application.check, name="a check")
    sys.stdout.write(json.dumps({"is_leaking": result.is_leaking, "text": str(result), "calls": result.calls}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
