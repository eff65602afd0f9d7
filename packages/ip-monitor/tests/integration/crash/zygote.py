"""
Runs the monitor in forked children, so that hundreds of them can be killed in little time.

Reads one JSON object a line: {"database", "url", "changes", "kill"}; answers {"pid"} when the child runs and {"ended"}
with its wait status afterwards. `kill` is "method:before" or "method:after": the child kills itself there.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from ip_monitor.adapters.notifiers.webhook import WebhookNotifier
from ip_monitor.adapters.storage.sqlite import SQLiteIPStorage
from ip_monitor.application.announcing import Announcer
from ip_monitor.application.delivery import Delivery
from ip_monitor.application.monitor import Monitor
from ip_monitor.application.panel import Panel
from ip_monitor.application.schedule import Schedule
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Source
from ip_monitor.resilience.clock import SystemClock


class Deadly:
    """
    Passes everything on, and kills the process before or after one method.
    """

    def __init__(self, real, kill):
        self._real = real
        self._method, _, self._when = (kill or ":").partition(":")

    def __getattr__(self, name):
        real = getattr(self._real, name)
        if name != self._method:
            return real

        async def deadly(*args, **kwargs):
            if self._when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = await real(*args, **kwargs)
            if self._when == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return deadly


class Walking:
    """
    Says the address that comes after as many changes as there were.
    """

    def __init__(self, name, steps):
        self.source = Source(name=name, operator=name, family=Family.V4)
        self.steps = steps

    async def ask(self):
        address = ipaddress.ip_address("93.0.0.1") + self.steps()
        return Answer(source=self.source, at=datetime.now(UTC), latency_s=0.0, address=address)


class Hastened(SystemClock):
    """
    Fifty seconds in one, so that retries take a fiftieth of the time that they do between two machines.
    """

    FASTER = 50.0

    def monotonic(self):
        return super().monotonic() * self.FASTER

    async def sleep(self, delay):
        await super().sleep(delay / self.FASTER)


async def live(database, url, changes, kill):
    clock = SystemClock()
    real = await SQLiteIPStorage.open(Path(database))
    storage = Deadly(real, kill)
    webhook = WebhookNotifier(url, clock=clock, allow_plain_http=True)
    announcer = Announcer([], clock=clock)
    done = len(await real.get_ip_history(limit=10**9))
    delivery = Delivery(storage, [Deadly(webhook, kill)], announcer=announcer, clock=Hastened())
    monitor = Monitor(
        Panel([Walking(name, lambda: done) for name in "abc"], clock=clock),
        storage=storage,
        ballots=storage,
        announcer=announcer,
        clock=clock,
        schedule=Schedule(confirm_pause_s=0.0),
        sinks=delivery.sinks,
        on_change=delivery.wake,
    )
    sending = asyncio.create_task(delivery.run())
    while done < changes:
        await monitor.check()
        done += 1
    await delivery.drain()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await webhook.aclose()
    await real.close()


def answer(**fields):
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def main():
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            asyncio.run(live(order["database"], order["url"], order["changes"], order["kill"]))
            os._exit(0)
        answer(pid=pid)
        _, status = os.waitpid(pid, 0)
        answer(ended=os.waitstatus_to_exitcode(status))


main()
