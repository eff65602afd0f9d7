"""
Threads, executors, child processes.
"""

import asyncio
import multiprocessing
import os
import signal
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


@pytest.mark.asyncio(loop_scope="module")
async def test_clean_default_executor_of_a_modules_loop():
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


@pytest.mark.finds("asyncio.loop")
def test_defect_default_executor_goes_with_its_loop():
    loop = asyncio.new_event_loop()  # here
    kept.append(loop)
    assert loop.run_until_complete(loop.run_in_executor(None, int)) == 0


def test_clean_default_executor_closed_with_its_loop():
    with asyncio.Runner() as runner:
        assert runner.run(asyncio.to_thread(int)) == 0


@pytest.mark.finds("executor.thread")
async def test_defect_default_executor_replaced_and_forgotten():
    pool = ThreadPoolExecutor(1)  # here
    kept.append(pool)
    asyncio.get_running_loop().set_default_executor(pool)
    await asyncio.to_thread(int)
    asyncio.get_running_loop()._default_executor = None


@pytest.mark.finds("process")
def test_defect_fork_never_waited_for():
    child = os.fork()  # here
    if child == 0:
        signal.pause()


@pytest.mark.finds("process")
def test_defect_spawned_process_is_a_zombie():
    child = os.posix_spawn("/bin/true", ["true"], {})  # here
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)


def test_clean_fork():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


@pytest.mark.finds("process.orphan")
def test_defect_grandchild_left_running():
    subprocess.run(["sh", "-c", "sleep 60 >/dev/null 2>&1 &"], check=True)  # here


@pytest.mark.finds("process.orphan")
def test_defect_grandchild_forked_twice():
    child = os.fork()  # here
    if child == 0:
        if os.fork() == 0:
            signal.pause()
        os._exit(0)
    os.waitpid(child, 0)


def test_clean_grandchild_that_ends():
    subprocess.run(["sh", "-c", "true &"], check=True)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    number = tmp_path_factory.mktemp("daemon") / "pid"
    subprocess.run(["sh", "-c", f"sleep 60 >/dev/null 2>&1 & echo $! >{number}"], check=True)
    yield int(number.read_text())
    os.kill(int(number.read_text()), signal.SIGTERM)


def test_clean_daemon_that_a_fixture_ends(daemon):
    subprocess.run(["true"], check=True)


@pytest.fixture(scope="module")
def another_run():
    started = []
    yield started
    for number in started:
        os.kill(number, signal.SIGTERM)


def test_clean_daemon_of_the_same_test_in_another_run(another_run):
    command = ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"]
    other = {**os.environ, "HERMETIC_RUN": "another"}
    another_run.append(int(subprocess.run(command, stdout=subprocess.PIPE, check=True, env=other).stdout))


@pytest.mark.finds("threading.lock")
def test_defect_thread_lock_still_held():
    lock = threading.Lock()  # here
    kept.append(lock)
    lock.acquire()


@pytest.mark.finds("threading.lock")
def test_defect_thread_lock_held_twice():
    lock = threading.RLock()  # here
    kept.append(lock)
    lock.acquire()
    lock.acquire()


def test_clean_thread_lock():
    lock = threading.RLock()
    kept.append(lock)
    kept.append(threading.Lock())
    with lock, kept[-1]:
        pass
