"""
What holds the event loop, and what looks as if it did: seeded defects and clean twins, run by test_blocking.
"""

import asyncio
import contextlib
import functools
import gc
import hashlib
import itertools
import json
import os
import re
import socket
import sqlite3
import subprocess
import threading
import time

import pytest
import requests

# Long against the limit of 0.1 s, since on a busy machine a part of each hold is not the test's own.
HOLD = 0.6
COMPUTED = 0.3
# What a clean twin waits: still longer than the limit.
WAIT = 0.3


def enough():
    """
    When this thread will have computed for long enough, whatever else the machine does.
    """
    return time.thread_time() + COMPUTED


@contextlib.contextmanager
def after(seconds, call, *arguments):
    timer = threading.Timer(seconds, call, arguments)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@pytest.fixture
def slow_server():
    """
    A server that answers every request after a while.
    """

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            time.sleep(HOLD)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        thread.join()


@pytest.fixture
def pipe(tmp_path):
    """
    A FIFO into which something is written after a while.
    """
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write():
        with path.open("wb") as file:
            time.sleep(HOLD)
            file.write(b"late")

    thread = threading.Thread(target=write)
    thread.start()
    yield path
    thread.join()


@pytest.fixture
def locked_database(tmp_path):
    """
    A database that another connection keeps locked.
    """
    path = tmp_path / "a.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        yield path


@pytest.mark.finds("loop.blocked")
async def test_defect_sleep():
    time.sleep(HOLD)  # here


async def test_clean_sleep():
    await asyncio.sleep(WAIT)


@pytest.mark.finds("loop.blocked")
async def test_defect_busy_loop():
    end = enough()
    any(time.thread_time() > end for _ in itertools.repeat(None))  # here


async def test_clean_busy_loop():
    end = enough()
    while time.thread_time() < end:
        sum(range(2_000))
        await asyncio.sleep(0)


def insert(path):
    with contextlib.closing(sqlite3.connect(path, timeout=WAIT)) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("INSERT INTO t VALUES (1)")


@pytest.mark.finds("loop.blocked")
async def test_defect_sqlite(locked_database):
    connection = sqlite3.connect(locked_database, timeout=HOLD)
    with contextlib.closing(connection), pytest.raises(sqlite3.OperationalError):
        connection.execute("INSERT INTO t VALUES (1)")  # here


async def test_clean_sqlite(locked_database):
    await asyncio.to_thread(insert, locked_database)


@pytest.mark.finds("loop.blocked")
async def test_defect_http_client(slow_server):
    requests.get("http://{}:{}/".format(*slow_server), timeout=20)  # here


async def test_clean_http_client(slow_server):
    reader, writer = await asyncio.open_connection(*slow_server)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await reader.read()
    writer.close()
    await writer.wait_closed()


@pytest.mark.finds("loop.blocked")
async def test_defect_hashing():
    end = enough()
    digest = functools.partial(hashlib.pbkdf2_hmac, "sha256", b"password", b"salt", 30_000)
    any(digest() and time.thread_time() > end for _ in itertools.repeat(None))  # here


async def test_clean_hashing():
    await asyncio.gather(*(asyncio.to_thread(hashlib.pbkdf2_hmac, "sha256", b"p", b"s", 30_000) for _ in range(10)))


LARGE = [{"number": number, "names": ["a", "b"]} for number in range(20_000)]


@pytest.mark.finds("loop.blocked")
async def test_defect_json():
    end = enough()
    any(json.dumps(LARGE) and time.thread_time() > end for _ in itertools.repeat(None))  # here


async def test_clean_json():
    end = enough()
    while time.thread_time() < end:
        json.dumps(LARGE[:2_000])
        await asyncio.sleep(0)


@pytest.mark.finds("loop.blocked")
async def test_defect_regular_expression():
    end = enough()
    any(re.match(r"(a+)+$", "a" * 20 + "b") or time.thread_time() > end for _ in itertools.repeat(None))  # here


async def test_clean_regular_expression():
    re.match(r"a+$", "a" * 24 + "b")


@pytest.mark.finds("loop.blocked")
async def test_defect_subprocess():
    subprocess.run(["sleep", str(HOLD)], check=True)  # here


async def test_clean_subprocess():
    process = await asyncio.create_subprocess_exec("sleep", str(WAIT))
    await process.wait()


@pytest.mark.finds("loop.blocked")
async def test_defect_fifo(pipe):
    pipe.read_bytes()  # here


async def test_clean_fifo(pipe):
    assert await asyncio.to_thread(pipe.read_bytes) == b"late"


@pytest.mark.finds("loop.blocked")
async def test_defect_lock():
    lock = threading.Lock()
    lock.acquire()
    with after(HOLD, lock.release):
        lock.acquire()  # here


async def test_clean_lock():
    lock = threading.Lock()
    lock.acquire()
    with after(WAIT, lock.release):
        await asyncio.to_thread(lock.acquire)


@pytest.mark.finds("loop.blocked")
async def test_defect_result_of_a_future():
    future = asyncio.get_running_loop().run_in_executor(None, time.sleep, 0.0)
    event = threading.Event()
    with after(HOLD, event.set):
        event.wait()  # here
    await future


async def test_clean_result_of_a_future():
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, WAIT)


@pytest.mark.finds("loop.blocked")
async def test_defect_receive(slow_server):
    with socket.create_connection(slow_server) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        client.recv(100)  # here


async def test_clean_receive(slow_server):
    with socket.create_connection(slow_server) as client:
        client.settimeout(0)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\n\r\n")
        await loop.sock_recv(client, 100)


@pytest.fixture
def heap():
    # Made outside the loop: making it holds the loop as long as any computation would.
    return [[] for _ in range(1_500_000)]


async def test_clean_garbage(heap):
    """
    A full collection strikes whoever runs; it is nobody's line.
    """
    done = False
    began = time.thread_time()
    while not done:
        await asyncio.sleep(0)
        gc.collect()
        done = time.thread_time() - began > COMPUTED
    assert heap
