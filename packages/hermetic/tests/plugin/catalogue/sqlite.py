"""
SQLite connections.
"""

import concurrent.futures
import contextlib
import sqlite3
import threading

import pytest

kept = []


@pytest.mark.finds("sqlite3.connection")
def test_defect_connection_left_open():
    kept.append(sqlite3.connect(":memory:"))  # here


def test_clean_connection():
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("SELECT 1")


@pytest.mark.finds("sqlite3.connection")
def test_defect_connection_inside_a_transaction(tmp_path):
    connection = sqlite3.connect(tmp_path / "a.db")  # here
    connection.execute("CREATE TABLE t (x)")
    connection.execute("INSERT INTO t VALUES (1)")
    kept.append(connection)


@pytest.mark.finds("sqlite3.connection")
def test_defect_connection_dropped(tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as connection:  # here
        connection.execute("CREATE TABLE t (x)")


def test_clean_connection_committed_and_closed(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute("CREATE TABLE t (x)")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with contextlib.closing(sqlite3.connect(tmp_path_factory.mktemp("shared") / "a.db")) as connection:
        connection.execute("CREATE TABLE t (x)")
        yield connection


@pytest.mark.finds("sqlite3.transaction")
def test_defect_transaction_left_open_on_a_shared_connection(shared):
    shared.execute("INSERT INTO t VALUES (1)")  # here


def test_clean_transaction_on_a_shared_connection(shared):
    assert not shared.in_transaction
    with shared:
        shared.execute("INSERT INTO t VALUES (1)")


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / "a.db"
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    with contextlib.closing(connection), concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(connection.execute, "CREATE TABLE t (x)").result()
        yield connection, pool


def test_clean_transaction_under_way_in_a_thread_that_will_commit_it(writer):
    connection, pool = writer
    began = threading.Event()

    def write():
        connection.execute("BEGIN")
        began.set()
        counting = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 250000)"
        connection.execute(f"INSERT INTO t {counting} SELECT max(x) FROM c")
        connection.execute("COMMIT")

    pool.submit(write)
    assert began.wait(10)


@pytest.fixture
def inserted(shared):
    shared.execute("INSERT INTO t VALUES (2)")
    yield
    shared.rollback()


def test_clean_transaction_that_a_fixture_ends(inserted):
    pass


@pytest.fixture(scope="module")
def rolled_back(shared):
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("BEGIN")
        yield connection


def test_clean_transaction_that_a_broader_fixture_began(rolled_back):
    rolled_back.execute("INSERT INTO t VALUES (1)")
