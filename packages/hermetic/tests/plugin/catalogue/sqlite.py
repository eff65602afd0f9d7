"""
SQLite connections.
"""

import contextlib
import sqlite3

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
