"""
What a thousand commands leave behind in the bot: nothing.
"""

from __future__ import annotations

import itertools

import pytest
from hermetic import ResourceBenchmark

pytestmark = pytest.mark.asyncio(loop_scope="module")
CALLS = 5
# The library's own caches of addresses hold 128 and are full by then.
WARM_ROUNDS = 60


@pytest.mark.hermetic(blocking=2.0, reason="the benchmark collects garbage on the loop")
@pytest.mark.deadline(900)
@pytest.mark.timeout(900)
@pytest.mark.prove("discord-growth", sample=0, full=140)
async def test_commands_in_a_row_leave_nothing_behind(stage, rounds):
    """
    No memory, task, descriptor or thread for any of a thousand.
    """
    double = stage.double
    commands = itertools.cycle(["status", "help", "history", "why", "ip"])

    async def one():
        # Within which time is the benchmark's question: tracing every allocation makes all of it slow.
        await double.slash(double.member, double.channel, next(commands))
        stage.application.asks.reset()
        # What the double remembers of it is its business, and no growth of the bot.
        double.exchanges.clear()
        double.world.interactions.clear()
        double.world.messages(double.channel).clear()
        for session in double.gateway.sessions.values():
            session._kept.clear()

    result = await ResourceBenchmark(rounds=rounds, calls=CALLS, warmup=WARM_ROUNDS, frames=1).run_async(one)
    result.check()
