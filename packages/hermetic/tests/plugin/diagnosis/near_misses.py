"""
Near misses: for each rule at least ten failures that look like its case and are not, told without pytest.

`near(rule)` marks a function that raises, as a test of that shape would; what it raises is taken apart as in a run.
`told(rule, …)` adds what else the journal of that test says, or a story of events alone. A near miss must fail and must
not be diagnosed by its rule.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import http.client
import io
import json
import pathlib
import socket
import sqlite3
import tempfile
import threading
import time
import types
import unittest.mock
import urllib.error
from dataclasses import replace

from hermetic.foundation import Finding, Owner
from hermetic.guard.deadlines.events import DeadlinePassed, HangEnded
from hermetic.guard.events import FindingMended, FindingReported
from hermetic.guard.reached import DatabaseOpened, OutsideReached
from hermetic.record.events import (
    FixtureSetUp,
    LogWritten,
    OperationEnded,
    PastKnown,
    PastTry,
    TaskFailed,
    WarningIssued,
)
from hermetic.record.failure import Failure, FailureFrame
from hermetic.world.http.decisions import ExchangeEnded

RAISING = {}
STORIES = {}


def near(*rules, events=()):
    def add(function):
        for rule in rules:
            RAISING.setdefault(rule, []).append((function, events))
        return function

    return add


def told(rule, *stories):
    STORIES.setdefault(rule, []).extend(stories)


# ---------------------------------------------------------------- what journals say

OWNER = Owner(kind="test", name="t", node="t")


def finding(kind="socket", category="leak", level="error", subject="one"):
    made = Finding(category=category, kind=kind, title="Left open", subject=subject, owner=OWNER)
    return FindingReported(at_s=0.5, test="t", level=level, finding=made)


def mended(*, is_mended):
    return FindingMended(at_s=0.5, test="t", finding_kind="stain", done="put back", is_mended=is_mended)


def hang(part="call", budget=0.3, *, is_deadlock=False):
    return DeadlinePassed(
        at_s=0.5, test="t", phase=part, budget_s=budget, elapsed_s=budget, source="s", waiting_at="a.py:1",
        is_deadlock=is_deadlock, text="",
    )  # fmt: skip


def ended(by, *, is_responsive=True, part="call"):
    return HangEnded(at_s=0.6, test="t", phase=part, ended_by=by, is_responsive=is_responsive)


def fixture(name, took, scope="function"):
    return FixtureSetUp(at_s=0.4, fixture=name, scope=scope, duration_s=took)


def log(message):
    return LogWritten(at_s=0.4, logger="shop", level="ERROR", message=message)


def warned(category, message):
    return WarningIssued(at_s=0.4, test="t", category=category, message=message, file="a.py", line=1)


def operation(outcome):
    return OperationEnded(at_s=0.4, name="pay", number=1, outcome=outcome, duration_s=0.3)


def asked(host="192.0.2.1", means="connect"):
    return OutsideReached(at_s=0.4, host=host, port=443, means=means)


def opened(database):
    return DatabaseOpened(at_s=0.4, database=database)


EXCHANGE = ExchangeEnded(
    at_s=0.4, server="shop", route="/", who="a", nth=0, method="GET", target="/", outcome="replied", status=200,
    fault=None, refused_by=None, received_bytes=1, sent_bytes=1, close="kept", planned_s=0.0, first_byte_s=0.0, ended_s=0.0,
)  # fmt: skip


def exchange(**values):
    return replace(EXCHANGE, **values)


def failure(type_="ValueError", message="no", *, frames=(), bases=("Exception",), cause=None, **facts):
    return Failure(
        type=type_,
        message=message,
        bases=bases,
        frames=frames
        or (FailureFrame(file="a.py", line=1, function="buy", module="shop", source="buy()", is_own=True),),
        facts={name.replace("__", "."): value for name, value in facts.items()},
        cause=cause,
    )


def past(*tries, passed=0, failed=0):
    return PastKnown(
        at_s=0.9, test="t", strip="", judged="unknown", rate="", passed=passed, failed=failed, since_at=0.0, since_code="",
        tries=tuple(PastTry(seed=seed, position=position, did_pass=ok) for seed, position, ok in tries),
    )  # fmt: skip


# ---------------------------------------------------------------- mock.exhausted


@near("mock.exhausted")
def a_generator_of_ones_own():
    numbers = (one for one in (1,))
    next(numbers)
    next(numbers)


@near("mock.exhausted")
def a_mock_that_returns_an_empty_iterator():
    next(unittest.mock.Mock(return_value=iter([]))())


@near("mock.exhausted")
def an_iterator_behind_a_wrapped_function():
    values = iter([1])

    def give():
        return next(values)

    mock = unittest.mock.Mock(wraps=give)
    mock()
    mock()


@near("mock.exhausted")
def a_mock_called_too_often():
    mock = unittest.mock.Mock(side_effect=[1, 2])
    mock()
    mock()
    mock.assert_called_once()


@near("mock.exhausted")
def an_index_past_the_end():
    [1, 2].pop(2)


@near("mock.exhausted")
def an_asynchronous_mock_whose_effect_is_the_exception():
    asyncio.run(unittest.mock.AsyncMock(side_effect=StopAsyncIteration)())


@near("mock.exhausted")
def a_mock_of_an_iterator():
    mock = unittest.mock.MagicMock()
    mock.__next__ = unittest.mock.Mock(side_effect=StopIteration)
    next(mock)


@near("mock.exhausted")
def a_mock_whose_list_holds_another_error():
    unittest.mock.Mock(side_effect=[OSError("no")])()


@near("mock.exhausted")
def a_coroutine_driven_to_its_end():
    async def price():
        return 3

    price().send(None)


@near("mock.exhausted")
def words_about_side_effects():
    raise RuntimeError("StopIteration interacts badly with mock side_effect")


# ---------------------------------------------------------------- attributes


class _Slots:
    __slots__ = ("price",)


@near("attribute.missing-on-mock", "attribute.missing-on-product")
def of_none():
    None.price  # noqa: B018


@near("attribute.missing-on-mock", "attribute.missing-on-product")
def of_a_number():
    (3).price  # noqa: B018


@near("attribute.missing-on-mock", "attribute.missing-on-product")
def of_a_library_module():
    json.load_all  # noqa: B018


@near("attribute.missing-on-mock", "attribute.missing-on-product")
def of_a_library_object():
    threading.Lock().price  # noqa: B018


@near("attribute.missing-on-mock", "attribute.missing-on-product")
def by_hand_with_its_words():
    raise AttributeError("Mock object has no attribute 'price'; 'Client' object has no attribute 'fetch'")


@near("attribute.missing-on-mock", "attribute.missing-on-product")
def a_key_of_a_dictionary():
    {}["price"]


@near("attribute.missing-on-mock", "attribute.missing-on-product")
def a_name_that_is_not_there():
    fetch_price()  # noqa: F821


@near("attribute.missing-on-mock", "attribute.missing-on-product")
def an_import_of_what_is_not_there():
    from json import load_everything  # noqa: F401


@near("attribute.missing-on-mock")
def of_the_products_own_object():
    _Slots().cost  # noqa: B018


@near("attribute.missing-on-mock")
def a_mock_called_wrongly():
    unittest.mock.create_autospec(lambda price: price)(1, 2, 3)


@near("attribute.missing-on-product")
def of_a_mock_with_a_spec():
    unittest.mock.Mock(spec=_Slots).cost  # noqa: B018


@near("attribute.missing-on-product")
def of_a_namespace():
    types.SimpleNamespace().price  # noqa: B018


# ---------------------------------------------------------------- closed, left open, coroutines, tasks


@near("resource.used-after-close")
def a_number_that_is_none():
    with io.StringIO() as text:
        text.write("a")
    int("five")


@near("resource.used-after-close")
def words_about_a_closed_file():
    raise ValueError("I/O operation on closed file.")


@near("resource.used-after-close")
def words_about_a_closed_database():
    raise sqlite3.ProgrammingError("Cannot operate on a closed database.")


@near("resource.used-after-close")
def a_file_opened_for_reading():
    with tempfile.TemporaryFile("rb") as file:
        file.write(b"late")


@near("resource.used-after-close")
def a_statement_that_is_wrong():
    with contextlib.closing(sqlite3.connect(":memory:")) as one:
        one.execute("SELEC 1")


@near("resource.used-after-close")
def a_closed_one_that_is_only_compared():
    text = io.StringIO()
    text.close()
    assert text == "late"


@near("resource.used-after-close")
def another_name_than_the_closed_one():
    text, other = io.StringIO(), ""
    text.close()
    other.index("late")


@near("resource.used-after-close")
def a_socket_that_nobody_answers():
    with socket.socket() as one:
        one.recv(1, socket.MSG_DONTWAIT)


@near("resource.used-after-close")
def a_descriptor_that_never_was():
    raise OSError(errno.EBADF, "Bad file descriptor")


@near("resource.used-after-close")
def a_closed_one_where_the_error_is_of_another_class():
    text = io.StringIO()
    text.close()
    {}[text]


OTHER_KINDS = ("socket", "file", "sqlite.connection", "asyncio.task", "thread", "process", "loop", "executor")
told(
    "resource.left-open",
    *((finding(kind, category="stain"),) for kind in ("stain.environment", "stain.module-state", "stain.logging")),
    *((finding(kind, level="warn"),) for kind in OTHER_KINDS[:3]),
    *((finding(kind, level="kept"),) for kind in OTHER_KINDS[3:5]),
    (finding("coroutine.never_awaited"),),
    (finding("asyncio.exception_never_retrieved"),),
    (finding("loop.blocked", category="block"),),
    (warned("ResourceWarning", "unclosed <socket>"),),
    (log("socket left open"),),
)
told(
    "coroutine.never-awaited",
    *((finding(kind),) for kind in OTHER_KINDS),
    (finding("coroutine.never_awaited", level="warn"),),
    (finding("coroutine.never_awaited", level="kept"),),
    (warned("RuntimeWarning", "coroutine 'price' was never awaited"),),
    (log("coroutine 'price' was never awaited"),),
)
told(
    "task.failed-unseen",
    *((finding(kind),) for kind in OTHER_KINDS[:6]),
    (finding("asyncio.exception_never_retrieved", level="warn"),),
    (finding("asyncio.exception_never_retrieved", level="kept"),),
    # It failed while nobody waited, and somebody asked later.
    (TaskFailed(at_s=0.4, task="Task-1", failure=failure()),),
    (log("Task exception was never retrieved"),),
    (warned("RuntimeWarning", "Task exception was never retrieved"),),
)

# ---------------------------------------------------------------- loops


@near("loop.fixture-of-another", "loop.bound-to-another", "loop.closed", "loop.custom-fixture")
def words_about_another_loop():
    raise RuntimeError("Task got Future attached to a different loop; is bound to a different event loop")


@near("loop.fixture-of-another", "loop.bound-to-another", "loop.closed", "loop.custom-fixture")
def words_about_a_closed_loop():
    raise RuntimeError("Event loop is closed")


@near("loop.fixture-of-another", "loop.bound-to-another", "loop.closed", "loop.custom-fixture")
def a_loop_within_a_loop():
    async def inner():
        coroutine = asyncio.sleep(0)
        with contextlib.closing(coroutine):
            asyncio.run(coroutine)

    asyncio.run(inner())


@near("loop.fixture-of-another", "loop.bound-to-another", "loop.closed", "loop.custom-fixture")
def no_loop_at_all():
    asyncio.get_running_loop()


@near("loop.fixture-of-another", "loop.bound-to-another", "loop.closed", "loop.custom-fixture")
def a_future_that_was_set_twice():
    async def twice():
        future = asyncio.get_running_loop().create_future()
        future.set_result(1)
        future.set_result(2)

    asyncio.run(twice())


@near("loop.fixture-of-another", "loop.bound-to-another", "loop.closed", "loop.custom-fixture")
def a_lock_released_twice():
    async def release():
        asyncio.Lock().release()

    asyncio.run(release())


@near("loop.fixture-of-another", "loop.bound-to-another", "loop.closed", "loop.custom-fixture")
def a_coroutine_awaited_twice():
    async def nothing():
        pass

    async def twice():
        one = nothing()
        await one
        await one

    asyncio.run(twice())


@near("loop.fixture-of-another", "loop.bound-to-another", "loop.closed", "loop.custom-fixture")
def a_full_queue():
    async def put():
        queue = asyncio.Queue(1)
        queue.put_nowait(1)
        queue.put_nowait(2)

    asyncio.run(put())


@near("loop.fixture-of-another", "loop.bound-to-another", "loop.closed", "loop.custom-fixture")
def a_timeout_of_asyncio():
    async def wait():
        await asyncio.wait_for(asyncio.Event().wait(), 0.001)

    asyncio.run(wait())


@near("loop.fixture-of-another", "loop.bound-to-another", "loop.closed", "loop.custom-fixture")
def a_failed_future_of_this_loop():
    async def fail():
        future = asyncio.get_running_loop().create_future()
        future.set_exception(RuntimeError("attached to a different loop"))
        await future

    asyncio.run(fail())


# ---------------------------------------------------------------- surroundings


def _connect_to_nobody():
    with socket.socket() as taken, socket.socket() as one:
        taken.bind(("127.0.0.1", 0))
        one.connect(taken.getsockname())


NETWORK = ("network.outside", "port.taken", "sqlite.locked", "sqlite.memory-per-connection", "server.fault-struck")


@near(*NETWORK)
def nobody_listens_on_loopback():
    _connect_to_nobody()


@near(*NETWORK)
def words_of_the_system():
    raise OSError("Address already in use; Network is unreachable; database is locked")


@near("port.taken", "sqlite.locked", "sqlite.memory-per-connection")
def a_port_that_is_not_permitted():
    raise PermissionError(errno.EACCES, "Permission denied")


@near("port.taken", "sqlite.locked", "sqlite.memory-per-connection")
def an_address_that_is_not_ours():
    with socket.socket() as one:
        one.bind(("192.0.2.1", 0))


@near("port.taken")
def a_number_of_no_error():
    raise ValueError(errno.EADDRINUSE)


@near("port.taken")
def a_file_that_is_there():
    with tempfile.TemporaryDirectory() as name:
        pathlib.Path(name).mkdir()


@near("port.taken")
def a_port_that_is_none():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 70000))


@near("port.taken")
def a_socket_bound_twice():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.bind(("127.0.0.1", 0))


@near("port.taken")
def a_path_that_is_too_long():
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("x" * 200)


@near("port.taken")
def a_connection_refused_by_hand():
    raise ConnectionRefusedError(errno.ECONNREFUSED, "Address already in use")


def _statement(text, *, prepared=("CREATE TABLE prices (n INTEGER NOT NULL UNIQUE)",), path=":memory:"):
    with contextlib.closing(sqlite3.connect(path)) as one:
        for each in prepared:
            one.execute(each)
        one.execute(text)


SQLITE = ("sqlite.locked", "sqlite.memory-per-connection")
TWO_IN_MEMORY = (opened(":memory:"), opened(":memory:"))


@near(*SQLITE, events=TWO_IN_MEMORY)
def a_statement_with_a_mistake():
    _statement("SELEC n FROM prices")


@near(*SQLITE, events=TWO_IN_MEMORY)
def a_column_that_is_not_there():
    _statement("SELECT m FROM prices")


@near(*SQLITE, events=TWO_IN_MEMORY)
def a_table_that_is_there_already():
    _statement("CREATE TABLE prices (n)")


@near(*SQLITE, events=TWO_IN_MEMORY)
def a_value_that_is_missing():
    _statement("INSERT INTO prices VALUES (NULL)")


@near(*SQLITE, events=TWO_IN_MEMORY)
def another_table_of_a_database_that_has_one():
    _statement("SELECT n FROM costs")


@near(*SQLITE, events=TWO_IN_MEMORY)
def a_file_that_is_no_database():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"not a database, and long enough to be read as one" * 40)
        file.flush()
        _statement("SELECT 1 FROM sqlite_master", prepared=(), path=file.name)


@near(*SQLITE, events=TWO_IN_MEMORY)
def a_directory_that_is_not_there():
    sqlite3.connect("/no/such/place/a.db")


@near(*SQLITE, events=(opened(":memory:"),))
def one_connection_without_its_table():
    _statement("SELECT n FROM prices", prepared=())


@near("sqlite.locked")
def words_about_a_locked_database():
    raise sqlite3.OperationalError("database is locked")


@near("sqlite.memory-per-connection", events=TWO_IN_MEMORY)
def words_about_a_missing_table():
    raise sqlite3.OperationalError("no such table: prices")


@near("sqlite.locked")
def a_lock_of_a_thread():
    raise BlockingIOError(errno.EAGAIN, "database is locked")


REACHED = (asked(), asked("prices.invalid", "resolve"))


@near("network.outside", events=REACHED)
def reached_and_then_a_key():
    {}["price"]


@near("network.outside", events=REACHED)
def reached_and_then_an_assertion():
    assert sorted("ab") == ["b"]


@near("network.outside", events=REACHED)
def reached_and_then_a_value():
    int("unreachable")


@near("network.outside", events=REACHED)
def reached_and_then_an_attribute():
    None.fetch()


@near("network.outside", events=(opened("a.db"),))
def only_a_database():
    raise TimeoutError


@near("network.outside", events=(exchange(outcome="refused", status=None),))
def only_a_mock_server():
    raise ConnectionResetError(errno.ECONNRESET, "reset")


@near("network.outside", events=(log("connecting to 192.0.2.1"),))
def only_words_in_the_log():
    raise OSError(errno.ENETUNREACH, "unreachable")


@near("network.outside", events=(operation("timed out"),))
def only_an_operation_that_took_too_long():
    raise TimeoutError


@near("network.outside", "server.fault-struck", events=(hang(),))
def only_a_hang():
    raise TimeoutError


STRUCK = (exchange(outcome="faulted", status=None, fault="reset", close="rst"),)


@near("server.fault-struck", events=STRUCK)
def struck_and_then_a_key():
    {}["price"]


@near("server.fault-struck", events=STRUCK)
def struck_and_then_an_assertion():
    assert sorted("ab") == ["b"]


@near("server.fault-struck", events=STRUCK)
def struck_and_then_an_attribute():
    None.fetch()


@near("server.fault-struck", events=(exchange(status=503),))
def an_answer_with_an_error():
    raise urllib.error.HTTPError("http://127.0.0.1/", 503, "no", None, None)


@near("server.fault-struck", events=(exchange(),))
def an_answer_that_is_no_json():
    json.loads("<html>")


@near("server.fault-struck", events=(exchange(outcome="client gone", status=None, close="peer"),))
def a_client_that_went():
    raise TimeoutError


@near("server.fault-struck", events=(exchange(outcome="refused", status=429, refused_by="rate"),))
def a_request_that_was_refused():
    raise http.client.HTTPException("429")


@near("server.fault-struck", events=(log("fault reset struck GET /"),))
def only_words_about_a_fault():
    raise ConnectionResetError(errno.ECONNRESET, "reset")


# ---------------------------------------------------------------- time


@near("time.near-bound")
def numbers_without_a_clock():
    price, most = 12, 11.9
    assert price < most


@near("time.near-bound")
def far_beyond_its_bound():
    began = time.monotonic() - 100
    elapsed = time.monotonic() - began
    assert elapsed < 0.5


@near("time.near-bound")
def far_below_its_bound():
    elapsed = time.monotonic() - time.monotonic()
    assert elapsed > 10.0


@near("time.near-bound")
def equal_times():
    began = time.monotonic()
    assert began == began - 1


@near("time.near-bound")
def texts_in_order():
    one, two = "b", "a"
    assert one < two


@near("time.near-bound")
def a_chain_of_comparisons():
    began = time.monotonic() - 1
    elapsed = time.monotonic() - began
    assert 0 < elapsed < 0.99


@near("time.near-bound")
def a_number_that_is_named_like_a_clock():
    elapsed, bound = 1.0, 0.99
    assert elapsed < bound


@near("time.near-bound")
def raised_by_hand_with_times():
    elapsed, bound = time.monotonic(), time.monotonic() - 0.01
    if elapsed > bound:
        raise AssertionError("took 1.01 s, more than 1.00 s")


@near("time.near-bound")
def a_count_beside_a_clock():
    began = time.monotonic()
    calls = 3
    assert calls < 3, began


@near("time.near-bound")
def a_timeout_near_its_bound():
    raise TimeoutError("0.99 s of 1.00 s")


def _pairs(*events):
    return tuple((event,) for event in events)


told(
    "cancellation.swallowed",
    (hang(), ended("interrupted", is_responsive=False)),
    (hang(), ended("cancelled")),
    (hang(), ended("by itself")),
    (hang(is_deadlock=True), ended("cancelled")),
    (hang("setup"), ended("cancelled", part="setup")),
    (hang("teardown"), ended("interrupted", is_responsive=False, part="teardown")),
    (hang(),),
    (ended("interrupted"),),
    (ended("interrupted"), log("CancelledError swallowed")),
    (operation("cancelled"),),
    (finding("asyncio.task"),),
)
told(
    "fixture.slow",
    (fixture("one", 0.14), hang("setup")),
    (fixture("one", 0.29), hang("call")),
    (fixture("one", 0.29), hang("teardown")),
    (hang("setup"),),
    (fixture("one", 9.0),),
    (fixture("one", 9.0, "session"),),
    (fixture("one", 0.1), fixture("two", 0.1), hang("setup")),
    (fixture("one", 4.0), hang("setup", 10.0)),
    (operation("timed out"), hang("setup")),
    (fixture("one", 0.29), log("setup took longer than its 0.3 s")),
)
told(
    "test.hung",
    *_pairs(ended("cancelled"), ended("interrupted"), ended("by itself")),
    *_pairs(operation("timed out"), operation("cancelled")),
    (fixture("one", 100.0),),
    (log("hang: call took longer than its 0.3 s"),),
    (finding("loop.blocked", category="block"),),
    (finding("asyncio.task"),),
    (exchange(outcome="client gone", ended_s=60.0),),
)
told("retry.hides-failure", *_pairs(log("try 2"), fixture("retry", 0.1), operation("failed"), finding(), hang()))
told(
    "retry.hides-failure",
    *_pairs(log("RERUN"), warned("UserWarning", "flaky"), asked(), opened("a.db"), exchange()),
)

# ---------------------------------------------------------------- order


def stain(subject, *, is_mended=None, category="stain"):
    """
    What an earlier test of the same process left; put back or not.
    """
    left = finding("stain.module-state", category=category, level="warn", subject=subject)
    return (left,) if is_mended is None else (left, mended(is_mended=is_mended))


EARLIER = {}


def earlier(*events, source="assert shop.RATE == 1", worker="gw0"):
    EARLIER.setdefault("order.shared-state", []).append((events, source, worker))


earlier(*stain("shop.RATE: 1 -> 2", is_mended=True))
earlier(*stain("shop.RATE: 1 -> 2"), source="assert total == 3")
earlier(*stain("shop.RATE: 1 -> 2"), source="assert RATE_LIMIT == 3")
earlier(*stain("shop.RATES: 1 -> 2"))
earlier(*stain("cart.PRICE: 1 -> 2"))
earlier(*stain("shop.RATE: 1 -> 2"), worker="gw1")
earlier(*stain("shop.RATE: 1 -> 2", category="leak"))
earlier(*stain("PATH: a -> b"), source="assert PATH == 1")
earlier(log("shop.RATE: 1 -> 2"))
earlier(*stain("shop.RATE: 1 -> 2", is_mended=True), source="shop.RATE = 3")

SEEDS = [(str(seed), 2, seed % 2 == 0) for seed in range(6)]
told(
    "order.decides",
    (past(),),
    (past(*SEEDS, failed=1),),  # each order once: nothing was repeated
    (past(*SEEDS[:2], *SEEDS[:2], failed=1),),  # two repetitions may agree by chance
    (past(*([("1", 2, True)] * 6), *([("2", 2, True)] * 6), passed=12),),  # it always passed
    (past(*([("1", 2, False)] * 6), *([("2", 2, False)] * 6), failed=12),),  # it always failed
    (past(*([("1", 2, False)] * 6), *([("2", 2, True)] * 5), ("2", 2, False), failed=1),),  # one order, two ends
    (past(*([("", 2, False)] * 6), *([("", 3, True)] * 6), passed=6),),  # no seed, never the first
    (past(*([("", 1, True)] * 2), *([("", 5, False)] * 2), failed=2),),  # too few to tell
    (past(*([("", 1, True)] * 6), *([("", 5, False)] * 5), ("", 5, True), passed=1),),  # once it passed there too
    (past(*([("", 1, False)] * 3), ("", 1, True), *([("", 5, True)] * 6), passed=6),),
    (past(*([("7", 2, False), ("7", 2, True)] * 6), passed=1),),  # flaky under one order
    (log("depends on the order"),),
)

# What only a journal could say is told beside an exception that would fit.
for _rule in ("loop.fixture-of-another", "loop.bound-to-another", "loop.closed", "loop.custom-fixture"):
    told(_rule, (fixture("event_loop", 0.0),), (log("Event loop is closed"),))
