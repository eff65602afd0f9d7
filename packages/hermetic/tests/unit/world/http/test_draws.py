"""
Draws depend on their names and on nothing else.
"""

from __future__ import annotations

import asyncio
import random

import pytest
from hermetic.foundation import ListSink, NullSink, SystemClock
from hermetic.world.http.bounds import BoundsError
from hermetic.world.http.decisions import Decided
from hermetic.world.http.distributions import constant, lognormal
from hermetic.world.http.draws import SeededDraws
from hermetic.world.http.identity import Identity, fingerprint, labelled


def draws(seed: int = 7, *, server: str = "api", sink=None) -> SeededDraws:
    return SeededDraws(seed, server=server, clock=SystemClock(), sink=sink or NullSink())


def test_the_same_name_always_draws_the_same_number():
    """
    Draws are values of their names: fixed over processes, versions and machines. A change of the hashing would make
    every committed schedule and seed mean something else.
    """
    drawn = draws().uniform(Identity("api", "GET /ip", "@a", 0), "fault:reset")

    assert drawn == 0.15557086352885297


def test_a_rate_of_zero_strikes_none_of_100_000_and_a_rate_of_one_all():
    """
    0 means never and 1 means always, not almost.
    """
    source = draws()
    none = sum(source.next_of("@a", route="r").happens("fault", 0) for _ in range(100_000))
    every = sum(source.next_of("@b", route="r").happens("fault", 1) for _ in range(100_000))

    assert (none, every) == (0, 100_000)


def test_a_rate_strikes_that_share_within_four_standard_errors():
    """
    0.2 of 100,000 is 20,000, give or take four times sqrt(n p (1 - p)) = 506. Fixed seed, so it never varies.
    """
    source = draws()
    struck = sum(source.next_of("@a", route="r").happens("fault", 0.2) for _ in range(100_000))

    assert abs(struck - 20_000) < 506


@pytest.mark.parametrize("rate", [-0.1, 1.1, 20, float("nan"), float("inf"), "0.2", True])
def test_a_rate_outside_zero_to_one_is_refused(rate):
    """
    A bad rate is named where it enters.
    """
    with pytest.raises(BoundsError, match=r"the rate of fault got .*Give a rate from 0 \(never\) to 1 \(always\)"):
        draws().next_of("@a", route="r").happens("fault", rate)


def test_a_percentage_is_told_how_to_be_a_rate():
    """
    The usual mistake is answered with the number to write.
    """
    with pytest.raises(BoundsError) as caught:
        draws().next_of("@a", route="r").happens("fault", 20)

    assert (
        str(caught.value) == "the rate of fault got 20. Give a rate from 0 (never) to 1 (always); for 20 % write 0.2."
    )


async def test_order_of_arrival_changes_nothing_for_labelled_clients():
    """
    32 clients with 20 requests each, interleaved at random in two runs: the same faults strike the same requests.
    """

    async def run(order: int) -> dict[Identity, tuple[bool, float]]:
        source, chance, seen = draws(), random.Random(order), {}

        async def client(name: int) -> None:
            for _ in range(20):
                await asyncio.sleep(chance.random() / 1000)
                lot = source.next_of(labelled(str(name)), route="GET /ip")
                seen[lot.identity] = (lot.happens("fault", 0.3), lot.seconds("latency", lognormal(median=1, p99=9)))

        await asyncio.gather(*(client(name) for name in range(32)))
        return seen

    first, second = await run(1), await run(2)

    assert first == second
    assert list(first) != list(second), "the orders must differ, or this test shows nothing"


def test_identical_unlabelled_requests_share_one_multiset_of_draws():
    """
    Which of the identical requests is struck may depend on order, how many are may not.
    """
    who = fingerprint("GET", "/ip")
    first, second = draws(), draws()
    forward = [first.next_of(who, route="GET /ip").uniform("fault") for _ in range(100)]
    lots = [second.next_of(who, route="GET /ip") for _ in range(100)]
    random.Random(3).shuffle(lots)

    assert sorted(forward) == sorted(lot.uniform("fault") for lot in lots)


def test_each_part_of_the_name_makes_another_draw():
    """
    Seed, server, route, who, nth, purpose and index all count.
    """
    one = Identity("api", "r", "@a", 0)
    drawn = {
        draws(1).uniform(one, "p"),
        draws(2).uniform(one, "p"),
        draws(1, server="other").uniform(one, "p"),
        draws(1).uniform(Identity("api", "r2", "@a", 0), "p"),
        draws(1).uniform(Identity("api", "r", "@b", 0), "p"),
        draws(1).uniform(Identity("api", "r", "@a", 1), "p"),
        draws(1).uniform(one, "q"),
        draws(1).uniform(one, "p", 1),
    }

    assert len(drawn) == 8


def test_names_that_only_join_alike_draw_apart():
    """
    ("ab", "c") is not ("a", "bc"): names are framed before they are hashed.
    """
    left = draws().uniform(Identity("api", "ab", "c", 0), "p")
    right = draws().uniform(Identity("api", "a", "bc", 0), "p")

    assert left != right


def test_the_same_question_to_the_same_lot_has_the_same_answer():
    """
    Asking twice is not a second chance.
    """
    lot = draws().next_of("@a", route="r")

    assert lot.seconds("latency", lognormal(median=1, p99=9)) == lot.seconds("latency", lognormal(median=1, p99=9))


def test_every_decision_is_written_into_the_ledger():
    """
    What was asked, for whom, and what it came to.
    """
    sink = ListSink()
    lot = draws(sink=sink).next_of("@a", route="GET /ip")
    lot.happens("fault:reset", 1)
    lot.seconds("latency.first_byte", constant(0.5), factor=2, extra_s=1)
    lot.pick("answer", ["x"])
    lot.verdict("queue", "1 worker", lambda: True, nothing=False)
    rows = [(e.server, e.who, e.nth, e.purpose, e.asked, e.outcome) for e in sink.events if isinstance(e, Decided)]

    assert rows == [
        ("api", "@a", 0, "fault:reset", "rate 1", True),
        ("api", "@a", 0, "latency.first_byte", "constant(0.5) * 2 + 1", 2.0),
        ("api", "@a", 0, "answer", "one of 1", "x"),
        ("api", "@a", 0, "queue", "1 worker", True),
    ]


def test_picking_from_nothing_is_refused():
    """
    There is no draw among no options.
    """
    with pytest.raises(BoundsError, match="one option or more"):
        draws().next_of("@a", route="r").pick("answer", [])


def test_forgetting_counts_starts_over():
    """
    After it, everyone's next request is their first again.
    """
    source = draws()
    first = source.next_of("@a", route="r").uniform("p")
    source.forget_counts()

    assert first == source.next_of("@a", route="r").uniform("p")


def test_a_fingerprint_tells_method_target_and_body_apart_and_is_readable():
    """
    It is shown in ledgers, so it says what it stands for; a long target is cut but stays distinct.
    """
    long = "/" + "x" * 300
    marks = {
        fingerprint("GET", "/ip"),
        fingerprint("HEAD", "/ip"),
        fingerprint("GET", "/ip?a=1"),
        fingerprint("GET", "/ip", b"body"),
        fingerprint("GET", long + "1"),
        fingerprint("GET", long + "2"),
    }

    assert len(marks) == 6
    assert fingerprint("GET", "/ip") == "GET /ip"
    assert max(map(len, marks)) < 230


def test_a_target_of_stray_bytes_can_be_drawn_for():
    """
    Raw bytes of a broken client arrive as surrogates; they must not break the draw.
    """
    who = fingerprint("GET", b"/\xff\xfe".decode("utf-8", "surrogateescape") * 150)

    assert 0 <= draws().next_of(who, route="r").uniform("p") < 1


def test_representations_say_what_is_inside():
    """
    A repr is the first diagnosis.
    """
    source = draws()
    lot = source.next_of("@a", route="GET /ip")

    assert repr(source) == "<SeededDraws of 'api' [seed 7, 1 requests]>"
    assert repr(lot) == "<SeededDraw of api GET /ip @a #0>"
