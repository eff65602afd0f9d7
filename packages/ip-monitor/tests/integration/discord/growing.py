"""
The bot alone in a process, measuring what each command leaves behind in it.

    python growing.py SETTINGS ROUNDS CALLS WARM_ROUNDS [leak]

It writes a line when it wants a command to be used, reads one when that was answered, and writes at last what it found.
With `leak` it keeps something of every interaction, which must be found.

What is bounded, and full or emptied only now and then, is no growth, but noise here: the weak references that CPython's
sqlite3 keeps of 200 cursors of each connection (`Modules/_sqlite/connection.c`), the caches of yarl and discord.py, which
hold 128 and 256 and are full after the warm-up, and the timers below.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import sys
from pathlib import Path

from hermetic import ResourceBenchmark
from ip_monitor.bootstrap import assemble
from ip_monitor.settings import Request, load_here

CHECKS = 120


async def lines_of_stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def forget_cancelled_timers() -> None:
    """
    The loop keeps timers that were cancelled until they are more than a hundred and more than half of all, and what
    they hold with them: bounded, and much more than what is measured here.

    Source: CPython, asyncio/base_events.py, `_run_once`.
    """
    loop = asyncio.get_running_loop()
    loop._scheduled[:] = [timer for timer in loop._scheduled if not timer.cancelled()]
    heapq.heapify(loop._scheduled)
    loop._timer_cancelled_count = 0


def leak() -> None:
    from ip_monitor.adapters.discord.interactions import Interactions

    kept, original = [], Interactions.answer

    async def keeping(self, interaction) -> None:
        kept.append(str(interaction.id) * 4)
        await original(self, interaction)

    Interactions.answer = keeping


async def main(path: str, rounds: str, calls: str, warm: str, *more: str) -> None:
    request = Request(environ={}, config_file=Path(path), env_file=None, secret_directories=())
    if more:
        leak()
    async with assemble(load_here(request).settings, request=request) as application:
        running = asyncio.create_task(application.run())
        reader = await lines_of_stdin()
        await reader.readline()
        # The statistics of providers look back over so many answers.
        for _ in range(CHECKS):
            await application.check()

        async def a_command() -> None:
            say("next")
            await reader.readline()
            # Only so many checks may be asked for in a minute, and the question here is another one.
            application.asks.reset()
            forget_cancelled_timers()

        benchmark = ResourceBenchmark(rounds=int(rounds), calls=int(calls), warmup=int(warm), frames=1)
        result = await benchmark.run_async(a_command, name="a command")
        say(json.dumps({"is_leaking": result.is_leaking, "text": str(result), "calls": result.calls}))
        application.request_stop()
        await running


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
