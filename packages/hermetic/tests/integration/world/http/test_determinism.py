"""
The same seed strikes the same requests, however they interleave; a ledger can be replayed and shrunk.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from itertools import chain, pairwise

import pytest
from hermetic.foundation import ListSink
from hermetic.world.http import MockServer, Schedule, ashrink, brown_out, uniform
from hermetic.world.http.decisions import Decided
from hermetic.world.http.faults import reset

CLIENTS = 32
EACH = 6


class Client:
    """
    One connection, requests one after the other, by hand, so that nothing is retried behind our back.
    """

    def __init__(self, server: MockServer, label: str | None) -> None:
        self._server = server
        self._label = "" if label is None else f"Hermetic-Client: {label}\r\n"
        self.statuses: list[int] = []

    async def ask(self, times: int) -> list[int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        try:
            for _ in range(times):
                writer.write(f"GET /ip HTTP/1.1\r\nHost: x\r\n{self._label}\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-len"))
                await reader.readexactly(length)
                self.statuses.append(int(head.split()[1]))
        finally:
            writer.close()
            await writer.wait_closed()
        return self.statuses


def server(seed: int, sink: ListSink, *, schedule: Schedule | None = None, rate: float = 0.3) -> MockServer:
    api = MockServer("api", seed=seed, sink=sink, schedule=schedule)
    api.shape(brown_out(0, 1e9, error_rate=rate))
    # Replies take their own random times, so that the requests of the clients overtake one another.
    api.get("/ip").latency(uniform(0, 0.004)).text("203.0.113.7")
    return api


async def run(seed: int, *, labelled: bool, schedule: Schedule | None = None) -> tuple[list[list[int]], ListSink]:
    sink = ListSink()
    async with server(seed, sink, schedule=schedule) as api:
        clients = [Client(api, f"c{n}" if labelled else None) for n in range(CLIENTS)]
        return list(await asyncio.gather(*(client.ask(EACH) for client in clients))), sink


def decisions(sink: ListSink) -> dict[tuple[str, str, int, str], object]:
    return {(e.route, e.who, e.nth, e.purpose): e.outcome for e in sink.events if isinstance(e, Decided)}


def order(sink: ListSink) -> list[tuple[str, int]]:
    return [(e.who, e.nth) for e in sink.events if isinstance(e, Decided)]


@pytest.mark.prove("determinism", sample=2, full=20)
async def test_one_seed_strikes_the_same_requests_of_32_concurrent_clients(rounds):
    """
    Each client sees the same statuses in both runs, and every decision about every request is the same; the orders of
    arrival differ, or this would show nothing.
    """
    differing = 0
    for seed in range(rounds):
        first, ledger = await run(seed, labelled=True)
        second, again = await run(seed, labelled=True)

        assert first == second
        assert decisions(ledger) == decisions(again)
        assert {200, 500} == {status for statuses in first for status in statuses}
        differing += order(ledger) != order(again)

    assert differing


@pytest.mark.prove("determinism", sample=1, full=20)
async def test_identical_unlabelled_requests_share_one_multiset(rounds):
    """
    Which client is struck may differ, how many are may not, nor any of the draws.
    """
    for seed in range(rounds):
        first, ledger = await run(seed, labelled=False)
        second, again = await run(seed, labelled=False)

        assert Counter(chain(*first)) == Counter(chain(*second))
        assert decisions(ledger) == decisions(again)
        assert 1 + max(nth for _, _, nth, _ in decisions(ledger)) == CLIENTS * EACH


class TestFaults:
    """
    Faults on the wire, set by rules of every kind, repeat by seed and by schedule.
    """

    RULES = (
        {"rate": 0.3},
        {"rate": lambda elapsed: 0.3 if elapsed >= 0 else 0.0},
        {"rate": 0.5, "times": 4},
        {"nth": (2, 5, 9)},
        {"rate": 0.4, "client": "c1"},
    )

    async def run(self, rule, *, pace: int, schedule=None, labels=("c0", "c1", "c2")):
        """
        Three clients in turn, one request each a round; `pace` shuffles the turns. What each of them got.
        """
        sink, got = ListSink(), {label: [] for label in labels}
        async with MockServer("api", seed=11, sink=sink, schedule=schedule) as api:
            api.get("/ip").text("203.0.113.7")
            api.fault(reset(), **rule)
            turns = [label for label in labels for _ in range(6)]
            random.Random(pace).shuffle(turns)
            for label in turns:
                try:
                    got[label] += await Client(api, label).ask(1)
                except (ConnectionError, asyncio.IncompleteReadError):
                    got[label].append(0)
        return got, sink

    @pytest.mark.parametrize("rule", [RULES[0], RULES[1], RULES[4]], ids=["rate", "function", "client"])
    async def test_a_seed_repeats_them_in_any_order(self, rule):
        """
        Rules that look at nothing but the request strike the same requests, whoever comes first.
        """
        first, _ = await self.run(rule, pace=1)
        second, _ = await self.run(rule, pace=2)

        assert first == second
        assert {0, 200} == {status for statuses in first.values() for status in statuses}

    @pytest.mark.parametrize("rule", RULES, ids=["rate", "function", "times", "nth", "client"])
    async def test_a_schedule_repeats_them_in_any_order(self, rule):
        """
        Also those that count requests, and so depend on their order.
        """
        first, sink = await self.run(rule, pace=1)
        second, _ = await self.run(rule, pace=2, schedule=Schedule.from_events(sink.events))

        assert first == second
        assert {0, 200} == {status for statuses in first.values() for status in statuses}


async def test_another_seed_strikes_others():
    """
    The seed matters.
    """
    first, _ = await run(1, labelled=True)
    second, _ = await run(2, labelled=True)

    assert first != second


async def test_a_ledger_replays_a_run_under_any_seed():
    """
    The schedule takes the place of chance: same statuses for the same requests.
    """
    first, sink = await run(1, labelled=True)
    again, _ = await run(77, labelled=True, schedule=Schedule.from_events(sink.events))

    assert first == again


@pytest.mark.parametrize("rate, statuses", [(0, {200}), (1, {500})])
async def test_a_rate_of_zero_strikes_none_and_of_one_all(rate, statuses):
    """
    On the wire too; the 100,000 are drawn without it.
    """
    async with server(1, ListSink(), rate=rate) as api:
        answered = await asyncio.gather(*(Client(api, None).ask(50) for _ in range(4)))

    assert statuses == {status for one in answered for status in one}


async def test_a_failure_shrinks_to_the_two_errors_that_cause_it():
    """
    A client that gives up after two errors in a row: of all the decisions of a failing run, exactly such a pair is left.
    """

    async def gives_up(schedule: Schedule | None, sink: ListSink) -> bool:
        async with server(3, sink, schedule=schedule) as api:
            statuses = await Client(api, "c").ask(20)
        return any(pair == (500, 500) for pair in pairwise(statuses))

    sink = ListSink()
    assert await gives_up(None, sink)

    result = await ashrink(Schedule.from_events(sink.events), lambda schedule: gives_up(schedule, ListSink()))
    first, second = sorted(result.schedule)

    assert result.is_minimal
    assert (first.purpose, second.purpose) == ("weather.error", "weather.error")
    assert second.identity.nth - first.identity.nth == 1
