"""
Files, descriptors, temporary paths, mappings.
"""

import asyncio
import ctypes
import mmap
import os
import select
import sqlite3
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context, shared_memory

import anyio
import pytest

kept = []
C = ctypes.CDLL(None)


@pytest.mark.finds("file")
def test_defect_file_left_open(tmp_path):
    kept.append(open(tmp_path / "a.txt", "w"))  # here


@pytest.mark.finds("file")
def test_defect_file_dropped(tmp_path):
    open(tmp_path / "b.txt", "w").write("x")  # here


@pytest.mark.finds("file")
def test_defect_file_left_open_that_was_closed_before(tmp_path):
    kept.append(open(tmp_path / "a.txt", "w"))  # here
    with open(tmp_path / "a.txt") as file:
        assert file.read() == ""


@pytest.fixture(scope="module")
def pool_of_the_module():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        yield pool


@pytest.mark.finds("file")
def test_defect_file_opened_in_a_pool(pool_of_the_module, tmp_path):
    kept.append(pool_of_the_module.submit(open, tmp_path / "a.txt", "w").result())  # here


@pytest.mark.finds("file")
async def test_defect_file_opened_in_the_default_executor(tmp_path):
    (await asyncio.to_thread(open, tmp_path / "a.txt", "w")).close()
    kept.append(await asyncio.to_thread(open, tmp_path / "a.txt", "w"))  # here


@pytest.mark.finds("file")
async def test_defect_file_opened_in_a_worker_of_anyio(tmp_path):
    await (await anyio.open_file(tmp_path / "a.txt", "w")).aclose()
    kept.append(await anyio.open_file(tmp_path / "a.txt", "w"))  # here


@pytest.mark.finds("file")
def test_defect_file_opened_in_a_thread(tmp_path):
    thread = threading.Thread(target=kept.extend, args=(map(open, [tmp_path / "a.txt"], ["w"]),))
    thread.start()  # here
    thread.join()


def test_clean_file(tmp_path):
    with open(tmp_path / "a.txt", "w") as file:
        file.write("x")
    assert (tmp_path / "a.txt").read_text() == "x"


@pytest.mark.finds("descriptor")
def test_defect_descriptor_left_open(tmp_path):
    os.open(tmp_path, os.O_RDONLY)  # here


@pytest.mark.finds("descriptor")
def test_defect_one_end_of_a_pipe_left_open():
    _, write = os.pipe()  # here
    os.close(write)


def test_clean_descriptors(tmp_path):
    os.close(os.open(tmp_path, os.O_RDONLY))
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as file:
        assert file.fileno() == write


@pytest.mark.finds("descriptor")
def test_defect_nameless_file_left_open():
    kept.append(tempfile.TemporaryFile())  # here


@pytest.mark.finds("descriptor.other")  # here
def test_defect_descriptor_opened_in_c():
    C.dup(1)


@pytest.mark.finds("descriptor.other")  # here
def test_defect_descriptor_of_an_extension():
    kept.append(select.epoll())


@pytest.mark.finds("descriptor.other")  # here
def test_defect_file_in_memory_opened_in_c():
    C.close(C.open(b"/dev/shm", os.O_RDONLY))
    C.open(b"/dev/shm", os.O_TMPFILE | os.O_RDWR, 0o600)


@pytest.fixture(scope="module")
def opened_in_c():
    number = C.dup(1)
    yield number
    C.close(number)


def test_clean_descriptor_opened_in_c(opened_in_c):
    C.close(C.dup(opened_in_c))
    with select.epoll():
        pass


@pytest.fixture(scope="module")
def pool():
    held = []
    yield held
    for one in held:
        one.close()


def test_clean_descriptors_that_a_fixture_holds(pool, tmp_path):
    pool.append(tempfile.TemporaryFile())
    pool.extend(get_context("fork").Pipe())
    pool.append(sqlite3.connect(tmp_path / "a.db"))
    pool[-1].execute("CREATE TABLE t (x)")


@pytest.mark.finds("tempfile")
def test_defect_temporary_directory_left_behind():
    kept.append(tempfile.mkdtemp())  # here


@pytest.mark.finds("tempfile")
def test_defect_temporary_directory_dropped():
    tempfile.TemporaryDirectory()  # here


def test_clean_temporary_paths(tmp_path):
    with tempfile.TemporaryDirectory() as directory, tempfile.NamedTemporaryFile(dir=directory) as file:
        file.write(b"x")
    with tempfile.TemporaryFile() as file:
        file.write(b"x")


@pytest.mark.finds("mmap")
def test_defect_mapping_left_open():
    kept.append(mmap.mmap(-1, 4096))  # here


def test_clean_mapping():
    with mmap.mmap(-1, 4096) as view:
        view[0] = 1


@pytest.mark.finds("multiprocessing.shared_memory")
def test_defect_shared_memory_left_open():
    kept.append(shared_memory.SharedMemory(create=True, size=10))  # here


def test_clean_shared_memory():
    memory = shared_memory.SharedMemory(create=True, size=10)
    memory.close()
    memory.unlink()


@pytest.mark.finds("multiprocessing.queue")
def test_defect_queue_left_open():
    kept.append(get_context("fork").Queue())  # here
    kept[-1].put(1)
    assert kept[-1].get() == 1


def test_clean_queue():
    queue = get_context("fork").Queue()
    queue.put(1)
    assert queue.get() == 1
    queue.close()
    queue.join_thread()
