"""
Threads, executors, child processes.
"""

import asyncio
import multiprocessing
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

kept = []
SLEEPS = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
stop = threading.Event()


@pytest.mark.finds("thread")
def test_defect_thread_left_running():
    threading.Thread(target=stop.wait, daemon=True).start()  # here


def test_clean_thread():
    stop.set()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    thread.join()


def test_clean_thread_on_its_way_out():
    threading.Thread(target=stop.wait).start()


@pytest.mark.finds("threading.timer")
def test_defect_timer_left_running():
    kept.append(threading.Timer(60, print))
    kept[-1].start()  # here


def test_clean_timer():
    timer = threading.Timer(60, print)
    timer.start()
    timer.cancel()
    timer.join()


@pytest.mark.finds("executor.thread")
def test_defect_pool_never_shut_down():
    kept.append(ThreadPoolExecutor(2))  # here
    kept[-1].submit(int).result()


def test_clean_pool():
    with ThreadPoolExecutor(2) as pool:
        pool.submit(int).result()


def test_clean_pool_never_used():
    kept.append(ThreadPoolExecutor(2))


async def test_clean_default_executor():
    assert await asyncio.to_thread(int) == 0


@pytest.mark.finds("executor.process")
def test_defect_process_pool_never_shut_down():
    kept.append(ProcessPoolExecutor(1))  # here
    kept[-1].submit(int).result()


def test_clean_process_pool():
    with ProcessPoolExecutor(1) as pool:
        pool.submit(int).result()


@pytest.mark.finds("subprocess")
def test_defect_subprocess_left_running():
    kept.append(subprocess.Popen(SLEEPS))  # here


@pytest.mark.finds("subprocess")
def test_defect_subprocess_is_a_zombie():
    kept.append(subprocess.Popen(["true"], stdout=subprocess.PIPE))  # here
    assert kept[-1].stdout.read() == b""


def test_clean_subprocess():
    assert subprocess.run(["true"], check=False).returncode == 0


@pytest.mark.finds("asyncio.subprocess")
async def test_defect_asyncio_subprocess_left_running():
    kept.append(await asyncio.create_subprocess_exec(*SLEEPS))  # here


async def test_clean_asyncio_subprocess():
    process = await asyncio.create_subprocess_exec("true")
    assert await process.wait() == 0


@pytest.mark.finds("multiprocessing.process")
def test_defect_multiprocessing_child_left_running():
    process = multiprocessing.get_context("fork").Process(target=stop.__class__().wait, daemon=True)
    process.start()  # here
    kept.append(process)


def test_clean_multiprocessing_child():
    process = multiprocessing.get_context("fork").Process(target=int)
    process.start()
    process.join()
