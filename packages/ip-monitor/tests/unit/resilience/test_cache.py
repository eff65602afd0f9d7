"""
Remembering for a while.
"""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest
from ip_monitor.resilience.cache import Cache, CacheRecord, CacheRefusedError


class Loads:
    """
    Counts loads; each waits for `gate`.
    """

    def __init__(self, *, open_=True):
        self.count = 0
        self.gate = asyncio.Event()
        if open_:
            self.gate.set()
        self.trouble = None

    async def __call__(self):
        self.count += 1
        number = self.count
        await self.gate.wait()
        if self.trouble:
            raise self.trouble
        return number


@pytest.fixture
async def cache(clock):
    cache = Cache(ttl_s=10, stale_s=20, capacity=3, clock=clock)
    yield cache
    await cache.aclose()


async def test_what_was_written_is_read(cache, clock):
    """
    Fresh for its time and not a moment longer; namespaces are apart.
    """
    cache.put("k", 1)
    cache.put("k", 2, namespace="other")
    assert (cache.get("k"), cache.get("k", namespace="other")) == (1, 2)

    clock.advance(10)

    assert cache.get("k") is None


async def test_a_thousand_concurrent_reads_are_one_load(cache):
    """
    Single flight: all get the same value.
    """
    load = Loads()

    values = await asyncio.gather(*(cache.get_or_load("k", load) for _ in range(1000)))

    assert (values, load.count) == ([1] * 1000, 1)


async def test_a_stale_value_is_given_at_once_while_it_is_renewed(cache, clock):
    """
    Nobody waits, one load runs, and then it is fresh.
    """
    load = Loads()
    await cache.get_or_load("k", load)
    clock.advance(15)
    load.gate.clear()
    assert [await cache.get_or_load("k", load), await cache.get_or_load("k", load)] == [1, 1]
    load.gate.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert 2 == cache.get("k") == load.count


async def test_a_value_too_old_to_be_stale_is_loaded_again(cache, clock):
    """
    Beyond ttl and stale time the caller waits for the truth.
    """
    load = Loads()
    await cache.get_or_load("k", load)
    clock.advance(30)

    assert await cache.get_or_load("k", load) == 2


async def test_a_failed_load_reaches_all_who_wait_and_is_not_remembered(cache):
    """
    The next one tries again.
    """
    load = Loads()
    load.trouble = OSError("down")
    results = await asyncio.gather(*(cache.get_or_load("k", load) for _ in range(3)), return_exceptions=True)
    assert [OSError] * 3 == [type(result) for result in results]
    load.trouble = None

    assert await cache.get_or_load("k", load) == 2
    assert cache.statistics().load_failures == 1


async def test_a_failed_renewal_leaves_the_stale_value(cache, clock):
    """
    While it may be stale it is still given, and each reader tries to renew it.
    """
    load = Loads()
    await cache.get_or_load("k", load)
    clock.advance(15)
    load.trouble = OSError("down")
    for _ in range(3):
        assert await cache.get_or_load("k", load) == 1
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert load.count == 4


@pytest.mark.parametrize("forget", ["invalidate", "clear", "put"])
async def test_a_load_that_was_overtaken_does_not_write(cache, forget):
    """
    Invalidated, cleared or written meanwhile: its result goes to its waiters only.
    """
    load = Loads(open_=False)
    waiting = asyncio.create_task(cache.get_or_load("k", load))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    {"invalidate": lambda: cache.invalidate("k"), "clear": cache.clear, "put": lambda: cache.put("k", 99)}[forget]()
    load.gate.set()

    assert await waiting == 1
    assert (99 if forget == "put" else None) == cache.get("k")


async def test_a_cancelled_reader_does_not_end_a_shared_load(cache):
    """
    The others still get the value.
    """
    load = Loads(open_=False)
    one, other = (asyncio.create_task(cache.get_or_load("k", load)) for _ in range(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    one.cancel()
    load.gate.set()

    assert await other == 1
    with pytest.raises(asyncio.CancelledError):
        await one


async def test_the_least_recently_used_makes_room(cache):
    """
    The size is bounded.
    """
    for key in "abc":
        cache.put(key, key)
    cache.get("a")
    cache.put("d", "d")

    assert [cache.get(key) for key in "abcd"] == ["a", None, "c", "d"]
    assert (len(cache), cache.statistics().evictions) == (3, 1)


async def test_clear_takes_one_namespace_or_all(cache):
    """
    And tells how many.
    """
    cache.put("k", 1)
    cache.put("k", 2, namespace="n")

    assert (cache.clear(namespace="n"), cache.clear(), cache.get("k")) == (1, 1, None)


async def test_cleanup_forgets_only_what_is_of_no_use(cache, clock):
    """
    Stale entries can still serve.
    """
    cache.put("old", 1)
    clock.advance(15)
    cache.put("new", 2)
    clock.advance(15)

    assert cache.cleanup() == 1
    assert [record.key for record in cache.records()] == ["new"]


async def test_records_outlive_the_process_with_their_age(cache, clock):
    """
    An entry of 8 s is fresh for 2 more; too old ones and ones from the future are left out.
    """
    cache.put("ancient", 0)
    clock.advance(40)
    cache.put("k", 1)
    clock.advance(8)
    records = cache.records()
    successor = Cache(ttl_s=10, stale_s=20, clock=clock)
    assert successor.restore(records) == 1
    assert successor.get("k") == 1
    clock.advance(2)
    assert successor.get("k") is None

    clock.wall -= 86_400
    assert Cache(ttl_s=10, clock=clock).restore(records) == 0


async def test_closing_ends_every_load(clock):
    """
    Also one whose key was invalidated.
    """
    cache = Cache(ttl_s=10, clock=clock)
    before = asyncio.all_tasks()
    readers = [asyncio.create_task(cache.get_or_load(key, Loads(open_=False))) for key in "ab"]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cache.invalidate("a")
    await cache.aclose()
    await asyncio.gather(*readers, return_exceptions=True)

    assert before == asyncio.all_tasks()


@pytest.mark.parametrize("fields", [{"ttl_s": 0}, {"ttl_s": 1, "stale_s": -1}, {"ttl_s": 1, "capacity": 0}])
def test_settings_out_of_range_are_refused(clock, fields):
    """
    Named, with what is allowed.
    """
    with pytest.raises(CacheRefusedError):
        Cache(clock=clock, **fields)


def test_the_smallest_settings_are_taken(clock):
    """
    One entry, half a second, nothing stale.
    """
    cache = Cache(ttl_s=0.5, stale_s=0.0, capacity=1, clock=clock)
    cache.put("a", 1)
    cache.put("b", 2)

    assert (cache.get("a"), cache.get("b"), len(cache)) == (None, 2, 1)


async def test_left_alone_nothing_is_given_stale_and_1024_entries_fit(clock):
    """
    What the settings are when nobody says them.
    """
    cache = Cache(ttl_s=10, clock=clock)
    loads = Loads()
    for number in range(1025):
        cache.put(str(number), number)
    assert (len(cache), cache.get("0"), cache.get("1")) == (1024, None, 1)

    clock.advance(10)
    assert await cache.get_or_load("1", loads) == 1
    assert (loads.count, cache.statistics().stale_hits) == (1, 0)
    await cache.aclose()


async def test_each_way_to_ask_is_counted(cache, clock):
    """
    Hits, misses and stale hits, whether a value is only asked for or loaded if need be.
    """
    cache.get("k")
    cache.put("k", 1)
    cache.get("k")
    cache.get("k")
    counts = cache.statistics()
    assert (counts.hits, counts.misses, counts.stale_hits) == (2, 1, 0)

    await cache.get_or_load("k", Loads())
    clock.advance(10)
    await cache.get_or_load("k", Loads())
    await cache.get_or_load("other", Loads())
    counts = cache.statistics()
    assert (counts.hits, counts.misses, counts.stale_hits) == (3, 2, 1)


async def test_a_stale_read_keeps_an_entry_from_making_room(cache, clock):
    """
    Used is used, whichever way it was read.
    """
    for key in ("a", "b", "c"):
        cache.put(key, key)
    clock.advance(15)
    assert await cache.get_or_load("a", Loads()) == "a"
    cache.put("d", "d")

    assert {record.key for record in cache.records()} == {"a", "c", "d"}


async def test_writing_again_is_a_use(cache):
    """
    What was written over stays longer than what was not.
    """
    for key in ("a", "b", "c", "a", "d"):
        cache.put(key, key)

    assert {record.key for record in cache.records()} == {"a", "c", "d"}


def test_forgetting_tells_whether_there_was_something(cache):
    """
    One entry or a namespace's, and nothing of another.
    """
    cache.put("k", 1, namespace="one")
    cache.put("k", 2, namespace="other")

    assert (cache.invalidate("k"), cache.invalidate("k", namespace="one")) == (False, True)
    cache.put("k", 1, namespace="one")
    assert (cache.clear(namespace="one"), len(cache)) == (1, 1)
    assert cache.get("k", namespace="other") == 2


async def test_clearing_a_namespace_forgets_its_loads_alone(cache):
    """
    A load of it that is under way does not write; one of another does.
    """
    load = Loads(open_=False)
    readers = [asyncio.create_task(cache.get_or_load("k", load, namespace=name)) for name in ("one", "other")]
    await asyncio.sleep(0)
    cache.clear(namespace="one")
    load.gate.set()
    await asyncio.gather(*readers)

    assert [record.namespace for record in cache.records()] == ["other"]


@pytest.mark.parametrize(("age_s", "taken"), [(-1, 0), (0, 1), (29, 1), (30, 0)])
def test_a_record_is_taken_up_while_it_is_of_use(cache, clock, age_s, taken):
    """
    From now on to the end of its staleness, and keeps the moment at which it was written.
    """
    written = clock.time() - age_s

    assert cache.restore([CacheRecord(namespace="", key="k", value=1, stored_at=written)]) == taken
    assert [record.stored_at for record in cache.records()] == [written] * taken


async def test_a_reset_forgets_entries_and_counts(cache):
    """
    As if it were new.
    """
    await cache.get_or_load("k", Loads())
    assert (cache.statistics().loads, cache.statistics().misses) == (1, 1)
    cache.reset()

    assert (len(cache), cache.statistics().loads, cache.statistics().misses) == (0, 0, 0)


async def test_closing_waits_until_the_loads_have_ended(cache):
    """
    Also those that clean up; what they would have written is forgotten.
    """
    ended, is_begun = [], asyncio.Event()

    async def load():
        is_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("load")

    reader = asyncio.create_task(cache.get_or_load("k", load))
    await is_begun.wait()
    await cache.aclose()

    assert ended == ["load"]
    await asyncio.gather(reader, return_exceptions=True)
    assert await cache.get_or_load("k", Loads()) == 1


async def test_what_a_load_brings_after_closing_is_forgotten(cache):
    """
    Also when it answers its cancellation with a value.
    """
    is_begun = asyncio.Event()

    async def load():
        is_begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "late"

    reader = asyncio.create_task(cache.get_or_load("k", load))
    await is_begun.wait()
    await cache.aclose()

    assert await reader == "late"
    assert (len(cache), cache.get("k")) == (0, None)


async def test_a_load_that_never_began_leaves_nothing_behind(cache):
    """
    Closed before its first step: whoever asks afterwards gets a load of their own, and not its cancellation.
    """
    reader = asyncio.create_task(cache.get_or_load("k", Loads()))
    await asyncio.sleep(0)
    await cache.aclose()
    with pytest.raises(asyncio.CancelledError):
        await reader

    assert await cache.get_or_load("k", Loads()) == 1


async def test_nothing_is_held_of_a_load_that_has_ended(cache):
    """
    Once its entry is forgotten its value is free: a cache that runs for months does not grow.
    """

    class Value:
        pass

    async def load():
        return Value()

    value = weakref.ref(await cache.get_or_load("k", load))
    assert value() is cache.get("k") is not None
    cache.invalidate("k")
    # The task tells that it has ended in a callback of the loop.
    await asyncio.sleep(0)
    gc.collect()

    assert value() is None
