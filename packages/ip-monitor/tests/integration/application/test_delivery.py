"""
The outbox on a real SQLite file, emptied into sinks that misbehave.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
from datetime import UTC, datetime, timedelta

import pytest
from ip_monitor.application.delivery import Delivery
from ip_monitor.application.ports import DeliveryFailedError, StorageUnavailableError
from ip_monitor.application.quiet import QuietTime
from ip_monitor.application.standing import SINK_BREAKER
from ip_monitor.domain.changes import Change
from ip_monitor.domain.events import NoticeDelivered, NoticeFailed, Trouble
from ip_monitor.domain.quiet import QuietHours
from ip_monitor.resilience.circuit_breaker import BreakerRecord, CircuitBreaker

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def change(number):
    return Change(
        key=f"k{number}",
        address=ipaddress.ip_address(f"93.184.216.{number + 1}"),
        previous=ipaddress.ip_address(f"93.184.216.{number}") if number else None,
        at=AT + timedelta(seconds=number),
    )


class Sink:
    """
    A sink that raises what it is told, one after the other, and then works.
    """

    def __init__(self, name="sink", *troubles):
        self.name = name
        self.troubles = list(troubles)
        self.got = []
        self.tried = []
        self.asked = asyncio.Event()

    async def send(self, notice):
        self.tried.append(notice.key)
        self.asked.set()
        if self.troubles:
            trouble = self.troubles.pop(0)
            if trouble == "hang":
                await asyncio.Event().wait()
            raise trouble
        self.got.append(notice.key)

    async def aclose(self):
        pass


class SteadyRandom(random.Random):
    def uniform(self, a, b):
        return b

    def random(self):
        return 0.0


@pytest.fixture
def deliver(storage, announcer, clock):
    def make(*sinks, outbox=storage, **fields):
        return Delivery(outbox, sinks, announcer=announcer, clock=clock, rng=SteadyRandom(), **fields)

    return make


async def save(storage, *numbers, sinks=("sink",)):
    for number in numbers:
        await storage.save_current_ip(change(number), sinks=sinks)


async def test_pending_notices_are_sent_in_order_and_once(storage, deliver, events):
    """
    Each is acknowledged, marked and not sent again.
    """
    await save(storage, 0, 1, 2)
    sink = Sink()
    delivery = deliver(sink)

    await delivery.drain()
    await delivery.drain()

    assert ["k0:sink", "k1:sink", "k2:sink"] == sink.got == sink.tried
    assert len(events.of(NoticeDelivered)) == 3


async def test_a_failed_try_is_repeated_until_it_succeeds(storage, deliver, clock, events):
    """
    With growing pauses; the younger notice of the same sink waits its turn.
    """
    await save(storage, 0, 1)
    sink = Sink("sink", DeliveryFailedError("down"), DeliveryFailedError("down"), OSError("defect"))
    task = asyncio.create_task(deliver(sink).drain())
    for pause in (1.0, 2.0, 4.0):
        await clock.slept(pause)
    await task

    assert sink.tried == ["k0:sink"] * 4 + ["k1:sink"]
    assert sink.got == ["k0:sink", "k1:sink"]
    assert [event.reason for event in events.of(NoticeFailed)] == ["down", "down", "sink failed: OSError: defect"]


async def test_what_a_busy_disk_takes_is_a_part_of_the_pause(storage, deliver, clock, events):
    """
    The next try is made when it was said to be due.
    """

    class Busy:
        def __getattr__(self, name):
            return getattr(storage, name)

        async def mark_retry(self, notice, **fields):
            await storage.mark_retry(notice, **fields)
            clock.advance(0.75)

    await save(storage, 0)
    sink = Sink("sink", DeliveryFailedError("down"))
    task = asyncio.create_task(deliver(sink, outbox=Busy()).drain())
    await clock.slept(0.25)
    await task
    (failed,) = events.of(NoticeFailed)

    assert sink.got == ["k0:sink"]
    assert (failed.retry_at - failed.at).total_seconds() == 1.0


async def test_a_receiver_that_asks_for_patience_gets_it(storage, deliver, clock):
    """
    Retry-After is honoured, up to an hour.
    """
    await save(storage, 0)
    patience = [DeliveryFailedError("busy", retry_after_s=42.5), DeliveryFailedError("busy", retry_after_s=1e9)]
    sink = Sink("sink", *patience)
    task = asyncio.create_task(deliver(sink).drain())
    await clock.slept(42.5)
    await clock.slept(3600.0)
    await task

    assert sink.got == ["k0:sink"]


async def test_a_refusal_for_good_is_recorded_and_the_next_one_is_sent(storage, deliver, events):
    """
    One message that the receiver will never take does not block the others.
    """
    await save(storage, 0, 1)
    sink = Sink("sink", DeliveryFailedError("refused", is_permanent=True))

    await deliver(sink).drain()

    assert sink.got == ["k1:sink"]
    assert [event.retry_at for event in events.of(NoticeFailed)] == [None]
    assert list(await storage.pending_notices(sink="sink")) == []


async def test_a_sink_that_never_answers_is_a_failed_try(storage, deliver, clock):
    """
    A hanging receiver costs its own notices a delay, and nothing else.
    """
    await save(storage, 0, sinks=["stuck", "fine"])
    stuck, fine = Sink("stuck", "hang"), Sink("fine")
    task = asyncio.create_task(deliver(stuck, fine, send_timeout_s=0.05).drain())
    await clock.slept(1.0)
    await task

    assert fine.got == ["k0:fine"]
    assert stuck.got == ["k0:stuck"]


async def test_a_dead_sink_does_not_hold_up_another(storage, deliver, clock, in_background, events):
    """
    Every sink has a lane of its own.
    """
    await save(storage, 0, 1, sinks=["dead", "alive"])
    dead, alive = Sink("dead", *[DeliveryFailedError("down")] * 99), Sink("alive")
    in_background(deliver(dead, alive).run())
    await events.wait(NoticeDelivered, 2)

    assert alive.got == ["k0:alive", "k1:alive"]


async def test_waking_sends_what_was_written_meanwhile(storage, deliver, in_background, events):
    """
    A new change is announced at once, without polling.
    """
    sink = Sink()
    delivery = deliver(sink)
    in_background(delivery.run())
    await save(storage, 0)
    delivery.wake()
    await events.wait(NoticeDelivered)
    await save(storage, 1)
    delivery.wake()
    await events.wait(NoticeDelivered, 2)

    assert sink.got == ["k0:sink", "k1:sink"]


async def test_what_an_earlier_process_left_is_sent(storage, deliver, virtual_clock):
    """
    A message in flight at a crash is sent again after the restart, under the same key.
    """
    await save(storage, 0)
    first = Sink("sink", "hang")
    task = asyncio.create_task(deliver(first).drain())
    await first.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    second = Sink()
    await deliver(second).drain()

    assert first.tried == second.got == ["k0:sink"]


async def test_a_sent_notice_that_cannot_be_marked_is_not_sent_twice(storage, deliver, clock, events):
    """
    The disk is full just after the send: the mark is repeated, the message is not.
    """

    class Full:
        failures = 3

        def __getattr__(self, name):
            return self.mark if name == "mark_delivered" else getattr(storage, name)

        async def mark(self, notice, *, at):
            if self.failures:
                self.failures -= 1
                raise StorageUnavailableError("disk is full")
            await storage.mark_delivered(notice, at=at)

    await save(storage, 0)
    sink = Sink()
    task = asyncio.create_task(deliver(sink, outbox=Full()).drain())
    for pause in (1.0, 2.0, 4.0):
        await clock.slept(pause)
    await task

    assert sink.tried == ["k0:sink"]
    assert [event.count for event in events.of(Trouble)] == [1, 2, 3]
    assert list(await storage.pending_notices(sink="sink")) == []


@pytest.mark.parametrize("jump_s", [-86_400, 86_400])
async def test_a_clock_that_jumped_a_day_does_not_stall_delivery(storage, deliver, clock, jump_s):
    """
    A pause written before the jump is bounded by the longest pause there is.
    """
    await save(storage, 0)
    (notice,) = await storage.pending_notices(sink="sink")
    now = datetime.fromtimestamp(clock.time(), UTC)
    await storage.mark_retry(notice, due_at=now + timedelta(seconds=60), reason="down")
    clock.advance(0, wall=jump_s)
    sink = Sink()
    task = asyncio.create_task(deliver(sink).drain())
    if jump_s < 0:
        await clock.slept(300.0)
    await task

    assert sink.got == ["k0:sink"]


class Answering(Sink):
    """
    Acknowledges when the test says so.
    """

    def __init__(self, name="sink"):
        super().__init__(name)
        self.answer = asyncio.Event()

    async def send(self, notice):
        await super().send(notice)
        await self.answer.wait()


async def test_a_stop_waits_for_the_answer_to_what_was_sent(storage, deliver, events):
    """
    What the sink took is marked, so the next process does not tell it again; what was not sent yet is left to that.
    """
    await save(storage, 0, 1)
    sink = Answering()
    ending = asyncio.create_task(deliver(sink).run())
    await sink.asked.wait()
    ending.cancel()
    asyncio.get_running_loop().call_soon(sink.answer.set)
    await asyncio.wait({ending})
    again = Sink()
    await deliver(again).drain()

    assert ending.cancelled()
    assert (sink.got, again.got) == (["k0:sink"], ["k1:sink"])
    assert len(events.of(NoticeDelivered)) == 2


async def test_a_stop_does_not_wait_for_ever(storage, deliver, virtual_clock):
    """
    Five seconds for a sink that does not answer; the notice stays.
    """
    await save(storage, 0)
    sink = Answering()
    ending = asyncio.create_task(deliver(sink).run())
    await sink.asked.wait()
    began = virtual_clock.monotonic()
    ending.cancel()
    await asyncio.wait({ending})
    took_s = virtual_clock.monotonic() - began
    sink.answer.set()
    await deliver(sink).drain()

    assert took_s >= 5
    assert sink.got == ["k0:sink", "k0:sink"]


async def test_draining_while_the_delivery_runs_sends_nothing_twice(storage, deliver, in_background):
    """
    A single check that drains beside the running delivery shares its work.
    """
    await save(storage, *range(20))
    sink = Sink()
    delivery = deliver(sink)
    in_background(delivery.run())

    await asyncio.gather(delivery.drain(), delivery.drain())

    assert [f"k{number}:sink" for number in range(20)] == sink.tried


class Digesting(Sink):
    """
    A sink that can tell several changes in one message.
    """

    def __init__(self, *args):
        super().__init__(*args)
        self.digests = []

    async def send_digest(self, notices):
        self.tried.append(len(notices))
        if self.troubles:
            raise self.troubles.pop(0)
        self.digests.append([notice.key for notice in notices])


async def test_what_waited_through_an_outage_is_one_message(storage, deliver, clock):
    """
    Not a flood; a failed digest is tried again whole, and single changes go singly.
    """
    await save(storage, *range(6))
    sink = Digesting("sink", DeliveryFailedError("down"))
    delivery = deliver(sink)
    task = asyncio.create_task(delivery.drain())
    await clock.slept(1.0)
    await task
    await save(storage, 6)
    await delivery.drain()

    assert sink.digests == [[f"k{number}:sink" for number in range(6)]]
    assert sink.got == ["k6:sink"]
    assert list(await storage.pending_notices(sink="sink")) == []


async def test_what_is_too_old_expires_with_a_record(storage, deliver, clock, events):
    """
    It is not sent any more, and stays in the database as expired.
    """
    await save(storage, 0)
    clock.advance(3601)
    await save(storage, 1)
    sink = Sink()

    await deliver(sink, expire_after_s=3600.0).drain()

    counts = await storage.count_deliveries()
    assert {state.value: count for state, count in counts["sink"].items()} == {
        "expired": 2 - len(sink.got),
        "delivered": 1,
    }
    assert [event.reason for event in events.of(NoticeFailed)] == ["expired"]


async def test_a_stopped_queue_keeps_what_comes_and_sends_it_when_started(storage, deliver, in_background, events):
    """
    Nothing is lost by stopping.
    """
    sink = Sink()
    delivery = deliver(sink)
    delivery.stop()
    in_background(delivery.run())
    await save(storage, 0)
    delivery.wake()
    await asyncio.sleep(0)
    assert (sink.tried, delivery.is_stopped) == ([], True)

    delivery.start()
    await events.wait(NoticeDelivered)
    assert sink.got == ["k0:sink"]


async def test_quiet_hours_hold_people_back_and_not_programs(storage, deliver, clock, events, in_background):
    """
    From 22:00 to 07:00, and it is 03:04:05. Looked at once a minute, because wall clocks jump; when they are over what waited goes out, in order.
    """
    hours = QuietHours.parse("22:00-07:00")
    quiet = QuietTime(clock=clock, hours=hours, loud={"program"}, local=lambda s: datetime.fromtimestamp(s, UTC))
    await save(storage, 0, 1, sinks=("sink", "program"))
    people, program = Sink(), Sink("program")
    in_background(deliver(people, program, quiet=quiet).run())
    await events.wait(NoticeDelivered, 2)
    await clock.until_sleeping(60.0)
    assert (people.tried, program.got) == ([], ["k0:program", "k1:program"])

    clock.advance(60, wall=4 * 3600)
    await events.wait(NoticeDelivered, 4)

    assert people.got == ["k0:sink", "k1:sink"]


async def test_an_unmuting_sends_at_once_what_waited_and_a_muting_ends_by_itself(
    storage, deliver, clock, events, in_background
):
    """
    Neither waits for the next look.
    """
    quiet = QuietTime(clock=clock)
    quiet.mute(90)
    await save(storage, 0)
    sink = Sink()
    delivery = deliver(sink, quiet=quiet)
    in_background(delivery.run())
    await clock.until_sleeping(60.0)
    quiet.unmute()
    await events.wait(NoticeDelivered)
    quiet.mute(30)
    await save(storage, 1)
    delivery.wake()
    await clock.slept(30.0)
    await events.wait(NoticeDelivered, 2)

    assert sink.got == ["k0:sink", "k1:sink"]


async def test_a_revision_ends_a_pause_and_drops_what_was_cleared(storage, deliver, clock, events, in_background):
    """
    What was read from the outbox before it was changed by hand is not sent any more.
    """
    await save(storage, 0, 1)
    sink = Sink("sink", DeliveryFailedError("down"), DeliveryFailedError("down"))
    delivery = deliver(sink)
    in_background(delivery.run())
    await events.wait(NoticeFailed)
    await clock.until_sleeping(1.0)
    await storage.retry_failed(at=AT)
    delivery.revise()
    await events.wait(NoticeFailed, 2)
    assert sink.tried == ["k0:sink", "k0:sink"]

    await storage.clear_pending(at=AT)
    delivery.revise()
    await save(storage, 2)
    delivery.wake()
    await events.wait(NoticeDelivered)

    assert sink.tried == ["k0:sink", "k0:sink", "k2:sink"]


async def test_a_single_check_does_not_wait_for_what_is_held_back(storage, deliver, clock):
    """
    A stopped queue and a muted sink keep their notices for later, and the others get theirs.
    """
    quiet = QuietTime(clock=clock, loud={"program"})
    quiet.mute(3600)
    await save(storage, 0, sinks=("sink", "program"))
    people, program = Sink(), Sink("program")
    delivery = deliver(people, program, quiet=quiet)
    delivery.stop()
    await asyncio.wait_for(delivery.drain(), 20)
    assert (people.tried, program.tried) == ([], [])
    delivery.start()
    await asyncio.wait_for(delivery.drain(), 20)

    assert (people.tried, program.got) == ([], ["k0:program"])


async def test_a_sink_that_keeps_failing_is_left_alone_and_loses_nothing(
    storage, deliver, clock, events, in_background
):
    """
    After five failures in a row its breaker opens; it gets longer pauses than the backoff alone, and its notices.
    """
    await save(storage, 0)
    sink = Sink("sink", *[OSError("down")] * 5)
    in_background(deliver(sink).run())
    for pause in (1.0, 2.0, 4.0, 8.0):
        await clock.slept(pause)
    await clock.slept(30.0)  # the backoff alone would be 16 s
    await events.wait(NoticeDelivered)

    assert len(events.of(NoticeFailed)) == 5
    assert sink.got == ["k0:sink"]


async def test_a_broken_sink_is_left_alone_over_a_restart(storage, deliver, clock):
    """
    The breaker of the process before is taken over, and by hand it is closed.
    """
    await save(storage, 0)
    breaker = CircuitBreaker("sink", clock=clock, settings=SINK_BREAKER, rng=SteadyRandom())
    breaker.restore(
        BreakerRecord(name="sink", failures_in_a_row=5, openings_in_a_row=1, open_until=clock.time() + 25.0)
    )
    sink = Sink("sink")
    delivery = deliver(sink, breaker=lambda _: breaker)
    task = asyncio.create_task(delivery.drain())
    await clock.until_sleeping(25.0)
    assert sink.tried == []

    delivery.revise()
    await task
    assert sink.got == ["k0:sink"]


async def test_a_change_does_not_wait_for_a_reminder(storage, deliver, clock, events, in_background):
    """
    Changes come first in the queue, and one that arrives while a reminder is retried is sent at once.
    """
    await save(storage, 0)
    sink = Sink("sink")
    await deliver(sink).drain()
    await storage.add_reminder(change(0), at=AT + timedelta(days=7), sinks=["sink"])
    await storage.add_reminder(change(0), at=AT + timedelta(days=7), sinks=["sink"])
    sink.troubles = [OSError("down")] * 3
    delivery = deliver(sink)
    in_background(delivery.run())
    for pause in (1.0, 2.0):
        await clock.slept(pause)
    await clock.until_sleeping(4.0)
    await save(storage, 1)
    delivery.wake()
    await events.wait(NoticeDelivered, 2)
    await clock.slept(4.0)
    await events.wait(NoticeDelivered, 3)

    assert sink.got == ["k0:sink", "k1:sink", "k0-r202601090304:sink"]
    assert [event.notice.change.is_reminder for event in events.of(NoticeDelivered)] == [False, False, True]
