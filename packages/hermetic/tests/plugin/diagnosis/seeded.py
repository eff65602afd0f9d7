"""
Seeded cases for the rules of diagnosis, and near misses. Copied into a project of its own and run by pytest there.

A test named `test_RULE__…` must be diagnosed by that rule, dots written as `_dot_` and hyphens as `_dash_`; one named
`test_near__RULE__…` must fail and not be diagnosed by it. Every message of an exception is replaced when REWORD is set.
"""

import asyncio
import contextlib
import errno
import http.client
import json
import socket
import sqlite3
import time
import unittest.mock
import urllib.request

import hermetic
import pytest
import pytest_asyncio
import shop
from hermetic.world.http import faults

# ---------------------------------------------------------------- mock.exhausted


def test_mock_dot_exhausted__synchronous():
    mock = unittest.mock.Mock(side_effect=[1, 2])
    for _ in range(3):
        mock()


async def test_mock_dot_exhausted__asynchronous():
    mock = unittest.mock.AsyncMock(side_effect=[1, 2, 3])
    await asyncio.gather(*(mock() for _ in range(5)))


async def test_mock_dot_exhausted__behind_another_error():
    mock = unittest.mock.Mock(side_effect=[1])
    mock()
    try:
        mock()
    except StopIteration as error:
        raise ValueError("no price") from error


def test_near__mock_dot_exhausted__an_iterator_of_ones_own():
    next(iter([]))


def test_near__mock_dot_exhausted__a_side_effect_that_is_the_exception():
    unittest.mock.Mock(side_effect=StopIteration("done"))()


def test_near__mock_dot_exhausted__a_list_that_holds_the_exception():
    unittest.mock.Mock(side_effect=[StopIteration("done")])()


def test_near__mock_dot_exhausted__a_function_that_raises_it():
    def effect():
        raise StopIteration

    unittest.mock.Mock(side_effect=effect)()


def test_near__mock_dot_exhausted__a_mock_that_raises_another_error():
    unittest.mock.Mock(side_effect=KeyError("price"))()


async def test_near__mock_dot_exhausted__an_asynchronous_iterator():
    async def nothing():
        return
        yield

    await nothing().__anext__()


# ---------------------------------------------------------------- attributes


def test_attribute_dot_missing_dash_on_dash_mock__spec():
    unittest.mock.Mock(spec=shop.Client).fetch_prices()


def test_attribute_dot_missing_dash_on_dash_mock__autospec():
    unittest.mock.create_autospec(shop.Client, instance=True).close()


def test_attribute_dot_missing_dash_on_dash_product__class():
    shop.Client().fetch_prices()


def test_attribute_dot_missing_dash_on_dash_product__module():
    shop.RATES  # noqa: B018


def test_near__attribute_dot_missing_dash_on_dash_product__none():
    None.fetch()


def test_near__attribute_dot_missing_dash_on_dash_product__a_library():
    json.load_everything()


def test_near__attribute_dot_missing_dash_on_dash_product__raised_by_hand():
    raise AttributeError("fetch_prices")


def test_near__attribute_dot_missing_dash_on_dash_mock__a_key():
    unittest.mock.MagicMock(spec=dict).__getitem__.side_effect = KeyError("x")
    raise KeyError("fetch")


# ---------------------------------------------------------------- closed, left open, coroutines, tasks


def test_resource_dot_used_dash_after_dash_close__connection():
    connection = sqlite3.connect(":memory:")
    connection.close()
    connection.execute("SELECT 1")


def test_resource_dot_used_dash_after_dash_close__file(tmp_path):
    file = (tmp_path / "a").open("w")
    file.close()
    file.write("late")


def test_resource_dot_used_dash_after_dash_close__socket():
    one = socket.socket()
    one.close()
    one.send(b"late")


def test_near__resource_dot_used_dash_after_dash_close__another_one_is_closed(tmp_path):
    file = (tmp_path / "a").open("w")
    file.close()
    int("five")


def test_near__resource_dot_used_dash_after_dash_close__open_and_refused(tmp_path):
    with (tmp_path / "a").open("w") as file:
        file.read()


def test_near__resource_dot_used_dash_after_dash_close__closed_by_the_failure(tmp_path):
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("SELECT ?", ())


def test_near__resource_dot_used_dash_after_dash_close__wrong_class():
    connection = sqlite3.connect(":memory:")
    connection.close()
    assert connection is None


def test_resource_dot_left_dash_open__connection(tmp_path):
    sqlite3.connect(tmp_path / "a.db").execute("SELECT 1")


def test_resource_dot_left_dash_open__socket():
    test_resource_dot_left_dash_open__socket.kept = socket.socket()


def test_near__resource_dot_left_dash_open__closed_and_failed(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")):
        raise ValueError("no")


async def _price():
    return 3


def test_coroutine_dot_never_dash_awaited__dropped():
    _price()


async def test_near__coroutine_dot_never_dash_awaited__awaited():
    assert await _price() == 4


async def _refuse():
    raise ValueError("refused")


async def test_task_dot_failed_dash_unseen__dropped():
    task = asyncio.create_task(_refuse())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task


async def test_near__task_dot_failed_dash_unseen__seen():
    await asyncio.create_task(_refuse())


# ---------------------------------------------------------------- loops


LOCK = asyncio.Lock()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def module_future():
    return asyncio.get_running_loop().create_future()


@pytest.fixture(scope="module")
def bound_lock():
    # A lock is bound to the loop in which somebody first had to wait for it.
    async def contend():
        await LOCK.acquire()
        waiter = asyncio.create_task(LOCK.acquire())
        await asyncio.sleep(0)
        LOCK.release()
        await waiter

    asyncio.run(contend())


async def test_loop_dot_fixture_dash_of_dash_another__future(module_future):
    await module_future


async def test_loop_dot_bound_dash_to_dash_another__lock(bound_lock):
    await asyncio.wait_for(asyncio.shield(_lock_again()), 1)


async def _lock_again():
    await LOCK.acquire()


def test_loop_dot_closed__call_soon():
    loop = asyncio.new_event_loop()
    loop.close()
    loop.call_soon(print)


async def test_near__loop_dot_bound_dash_to_dash_another__a_runtime_error():
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    raise RuntimeError("is bound to a different event loop")


def test_near__loop_dot_closed__a_runtime_error():
    raise RuntimeError("Event loop is closed")


async def test_near__loop_dot_fixture_dash_of_dash_another__same_loop():
    future = asyncio.get_running_loop().create_future()
    future.set_exception(RuntimeError("attached to a different loop"))
    await future


# ---------------------------------------------------------------- surroundings


def test_network_dot_outside__refused_by_hermetic_network(monkeypatch):
    # The name is resolved nowhere: .invalid exists for that (RFC 6761).
    urllib.request.urlopen("http://prices.invalid/", timeout=0.2)


def test_network_dot_outside__address():
    with socket.socket() as one:
        one.settimeout(0.01)
        one.connect(("192.0.2.1", 9))
        raise OSError(errno.ENETUNREACH, "unreachable")


def test_near__network_dot_outside__loopback():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        urllib.request.urlopen(f"http://127.0.0.1:{taken.getsockname()[1]}/", timeout=0.2)


def test_near__network_dot_outside__reached_and_failed_otherwise():
    with contextlib.suppress(OSError):
        socket.getaddrinfo("prices.invalid", 80)
    raise LookupError("price")


def test_port_dot_taken__bind():
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(first.getsockname())


def test_near__port_dot_taken__not_ours():
    with socket.socket() as one:
        one.bind(("192.0.2.1", 0))


def test_near__port_dot_taken__words():
    raise OSError("Address already in use")


def test_sqlite_dot_locked__two_writers(tmp_path):
    with (
        contextlib.closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as one,
        contextlib.closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None, timeout=0)) as two,
    ):
        one.execute("BEGIN IMMEDIATE")
        two.execute("BEGIN IMMEDIATE")


def test_near__sqlite_dot_locked__words():
    raise sqlite3.OperationalError("database is locked")


def test_near__sqlite_dot_locked__read_only(tmp_path):
    (tmp_path / "a.db").write_text("")
    with contextlib.closing(sqlite3.connect(f"file:{tmp_path / 'a.db'}?mode=ro", uri=True)) as one:
        one.execute("CREATE TABLE a (b)")


@pytest.fixture
def connect(request):
    def opened(database):
        connection = sqlite3.connect(database)
        request.addfinalizer(connection.close)
        return connection

    return opened


def test_sqlite_dot_memory_dash_per_dash_connection__two(connect):
    one, two = connect(":memory:"), connect(":memory:")
    one.execute("CREATE TABLE prices (n)")
    two.execute("SELECT * FROM prices")


def test_near__sqlite_dot_memory_dash_per_dash_connection__a_wrong_statement(connect):
    one, two = connect(":memory:"), connect(":memory:")
    one.execute("CREATE TABLE prices (n)")
    two.execute("CREATE TABLE prices (n)")
    two.execute("SELEC * FROM prices")


def test_near__sqlite_dot_memory_dash_per_dash_connection__one():
    with contextlib.closing(sqlite3.connect(":memory:")) as one:
        one.execute("SELECT * FROM prices")


def test_near__sqlite_dot_memory_dash_per_dash_connection__files(tmp_path):
    with (
        contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as one,
        contextlib.closing(sqlite3.connect(tmp_path / "b.db")) as two,
    ):
        one.execute("CREATE TABLE prices (n)")
        two.execute("SELECT * FROM prices")


def test_near__sqlite_dot_memory_dash_per_dash_connection__a_column():
    with (
        contextlib.closing(sqlite3.connect(":memory:")) as one,
        contextlib.closing(sqlite3.connect(":memory:")) as two,
    ):
        two.execute("CREATE TABLE prices (n)")
        one.execute("CREATE TABLE prices (n)")
        two.execute("SELECT m FROM prices")


def test_server_dot_fault_dash_struck__reset():
    with hermetic.MockServer("shop") as server:
        server.get("/tea").json({"price": 3}).fault(faults.reset())
        urllib.request.urlopen(server.url_for("/tea"))


def test_near__server_dot_fault_dash_struck__an_answer():
    with hermetic.MockServer("shop") as server:
        server.get("/tea").json({"price": 3})
        json.loads(b"{" + urllib.request.urlopen(server.url_for("/tea")).read())


def test_near__server_dot_fault_dash_struck__endured():
    with hermetic.MockServer("shop") as server:
        server.get("/tea").json({"price": 3}).fault(faults.reset())
        with contextlib.suppress(OSError, http.client.HTTPException):
            urllib.request.urlopen(server.url_for("/tea"))
    raise LookupError("price")


# ---------------------------------------------------------------- time


def test_time_dot_near_dash_bound__elapsed():
    began = time.monotonic() - 1
    elapsed = time.monotonic() - began
    assert elapsed < 0.99


def test_near__time_dot_near_dash_bound__no_clock():
    price, most = 12, 11.5
    assert price < most


def test_near__time_dot_near_dash_bound__far_off():
    began = time.monotonic() - 1
    elapsed = time.monotonic() - began
    assert elapsed > 1000.0


def test_near__time_dot_near_dash_bound__equality():
    began = time.monotonic()
    assert began == 5


# ---------------------------------------------------------------- order


@pytest.mark.hermetic(isolation="observe")
def test_aaa_pollutes():
    shop.RATE = 2


@pytest.mark.hermetic(isolation="observe")
def test_order_dot_shared_dash_state__suffers():
    assert shop.RATE == 1


@pytest.mark.hermetic(isolation="observe")
def test_near__order_dot_shared_dash_state__fails_otherwise():
    assert shop.Client().fetch_price() == 4


# ---------------------------------------------------------------- unknown


def test_unknown__assertion():
    assert sorted("ab") == ["b"]


def test_unknown__error():
    raise LookupError("what")
