"""
What any storage of the monitor must do, as a suite: for who writes another one, and for the one there is.

    @pytest.mark.parametrize("promise", STORAGE_CONTRACT, ids=lambda promise: promise.__name__)
    async def test_my_storage_keeps_the_contract(promise):
        await promise(open_my_storage)

`open_my_storage` is called without arguments, opens the same store each time, empty at the first, and returns a
`FullStorage`. A promise that is not kept raises AssertionError, with what was expected and what was there.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

from ip_monitor.application.ports import BallotStore, IPStorage, Outbox, StorageUnavailableError
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.answers import Answer, Failure, FailureKind, Source
from ip_monitor.domain.ballots import Ballot, Electorate, tally
from ip_monitor.domain.changes import Change


class FullStorage(IPStorage, BallotStore, Outbox, Protocol):
    """
    Everything that a monitor keeps.
    """


OpenStorage: TypeAlias = Callable[[], Awaitable[FullStorage]]
Promise: TypeAlias = Callable[[OpenStorage], Awaitable[None]]

_AT = datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
_FIRST = ipaddress.IPv4Address("93.184.216.34")
_SIX = ipaddress.IPv6Address("2a02:2f0f:1:2::a")


async def an_empty_storage_knows_nothing(open_storage: OpenStorage) -> None:
    """
    No address, no history, no ballots, nothing to send.
    """
    storage = await open_storage()
    try:
        _equal(await storage.load_last_ip(Family.V4), None)
        _equal(await storage.get_current_ip(Family.V6), None)
        _equal(list(await storage.get_ip_history()), [])
        _equal(list(await storage.last_ballots()), [])
        _equal(list(await storage.pending_notices(sink="a")), [])
    finally:
        await storage.close()


async def what_was_saved_outlives_closing(open_storage: OpenStorage) -> None:
    """
    The address with its times to the microsecond, the change whole, its ballots, and what is to be sent.
    """
    change, ballots = _change(1), [_ballot(1), _ballot(2)]
    storage = await open_storage()
    await storage.save_current_ip(change, ballots=ballots, sinks=["a", "b"])
    await storage.close()
    storage = await open_storage()
    try:
        current = await storage.get_current_ip(Family.V4)
        _equal(current and (current.address, current.since, current.seen_at), (change.address, change.at, change.at))
        _equal(await storage.load_last_ip(Family.V4), change.address)
        _equal(list(await storage.get_ip_history()), [change])
        _equal(list(await storage.ballots_of(change.key)), ballots)
        for sink in ("a", "b"):
            notices = await storage.pending_notices(sink=sink)
            _equal([(one.sink, one.change, one.attempts) for one in notices], [(sink, change, 0)])
    finally:
        await storage.close()


async def the_same_change_twice_is_one(open_storage: OpenStorage) -> None:
    """
    A caller that was not told of its success may say it again.
    """
    storage = await open_storage()
    try:
        for _ in range(2):
            await storage.save_current_ip(_change(1), ballots=[_ballot(1)], sinks=["a"])
        _equal(len(await storage.get_ip_history()), 1)
        _equal(len(await storage.ballots_of(_change(1).key)), 1)
        _equal(len(await storage.pending_notices(sink="a")), 1)
    finally:
        await storage.close()


async def history_is_in_the_order_of_writing(open_storage: OpenStorage) -> None:
    """
    Newest first, whatever the wall clock said; in pages, and by family.
    """
    storage = await open_storage()
    try:
        times = [_AT, _AT - timedelta(days=1), _AT, _AT + timedelta(days=1)]
        changes = [replace(_change(number), at=at) for number, at in enumerate(times, 1)]
        six = Change(key="six", address=_SIX, previous=None, at=_AT, pool=(_SIX, _SIX + 2**64))
        for change in (*changes, six):
            await storage.save_current_ip(change)
        newest = [six, *reversed(changes)]
        _equal(list(await storage.get_ip_history()), newest)
        _equal(list(await storage.get_ip_history(limit=2)), newest[:2])
        _equal(list(await storage.get_ip_history(limit=2, before=newest[1].key)), newest[2:4])
        _equal(list(await storage.get_ip_history(family=Family.V6)), [six])
        _equal(list(await storage.get_ip_history(before="no such key")), [])
    finally:
        await storage.close()


async def families_are_kept_apart(open_storage: OpenStorage) -> None:
    """
    A change of one leaves the other as it was.
    """
    storage = await open_storage()
    try:
        await storage.save_current_ip(_change(1))
        await storage.save_current_ip(Change(key="six", address=_SIX, previous=None, at=_AT))
        await storage.save_current_ip(_change(2))
        _equal(await storage.load_last_ip(Family.V6), _SIX)
        _equal(await storage.load_last_ip(Family.V4), _change(2).address)
    finally:
        await storage.close()


async def a_stable_ballot_says_when_the_address_was_seen(open_storage: OpenStorage) -> None:
    """
    Since when it is known stays; ballots are kept whole, newest first.
    """
    storage = await open_storage()
    try:
        change = replace(_change(0), previous=None)
        await storage.save_current_ip(change)
        ballots = [_ballot(60), _ballot(120)]
        await storage.save_ballots(ballots)
        current = await storage.get_current_ip(Family.V4)
        _equal(current and (current.since, current.seen_at), (change.at, ballots[-1].at))
        _equal(list(await storage.last_ballots(limit=2)), ballots[::-1])
        _equal(list(await storage.last_ballots(family=Family.V6)), [])
    finally:
        await storage.close()


async def a_delivery_is_pending_until_it_is_finished(open_storage: OpenStorage) -> None:
    """
    Oldest change first; a try that failed is counted; delivered, refused and expired ones do not come again.
    """
    storage = await open_storage()
    try:
        for number in range(1, 5):
            await storage.save_current_ip(_change(number), sinks=["a"])
        notices = await storage.pending_notices(sink="a")
        _equal([one.change.key for one in notices], [f"k{number}" for number in range(1, 5)])
        first, second, third, fourth = notices
        later = _AT + timedelta(hours=1)
        await storage.mark_delivered(first, at=later)
        await storage.mark_failed(second, at=later, reason="refused")
        await storage.mark_expired(third, at=later)
        await storage.mark_retry(fourth, due_at=later, reason="busy")
        left = await storage.pending_notices(sink="a")
        _equal([(one.key, one.attempts, one.due_at) for one in left], [(fourth.key, 1, later)])
    finally:
        await storage.close()


async def closing_twice_is_closing_once(open_storage: OpenStorage) -> None:
    """
    And what is asked of a closed one is an error of ours.
    """
    storage = await open_storage()
    await storage.close()
    await storage.close()
    try:
        await storage.get_ip_history()
    except StorageUnavailableError:
        return
    raise AssertionError("a closed storage answered")


STORAGE_CONTRACT: tuple[Promise, ...] = (
    an_empty_storage_knows_nothing,
    what_was_saved_outlives_closing,
    the_same_change_twice_is_one,
    history_is_in_the_order_of_writing,
    families_are_kept_apart,
    a_stable_ballot_says_when_the_address_was_seen,
    a_delivery_is_pending_until_it_is_finished,
    closing_twice_is_closing_once,
)
"""
Each promise stands alone and wants a store of its own.
"""


def _change(number: int) -> Change:
    previous = _FIRST + number - 1 if number else None
    return Change(
        key=f"k{number}",
        address=_FIRST + number,
        previous=previous,
        at=_AT + timedelta(seconds=number),
        previous_since=_AT if number else None,
        operators=("a", "b"),
    )


def _ballot(after_s: float) -> Ballot:
    """
    A stable one with an address, and a failure, as evidence.
    """
    at = _AT + timedelta(seconds=after_s)
    sources = [Source(name=name, operator=name, family=Family.V4) for name in ("a", "b", "c")]
    failure = Failure(kind=FailureKind.RATE_LIMITED, detail="429", retry_after_s=30.0)
    answers = [
        *(Answer(source=one, at=at, latency_s=0.25, address=_FIRST, raw=b"93.184.216.34\n") for one in sources[:2]),
        Answer(source=sources[2], at=at, latency_s=0.5, failure=failure, raw=b"\xff"),
    ]
    return tally(answers, Electorate.of(sources, Family.V4), _FIRST, at=at)


def _equal(found: object, expected: object) -> None:
    if found != expected:
        raise AssertionError(f"expected {expected!r}, found {found!r}")
