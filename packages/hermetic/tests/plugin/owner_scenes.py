"""
For each kind of resource one moment with three owners: what a module's fixture leaks, what a test leaks, and what one fixture
hands to another that closes it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """
    How a resource is made and how the one that was handed over is closed, as code; `one` is its name there.

    `lent` is how the one that is handed over is made, where that differs; `shared` a fixture of the session that all use.
    """

    made: str
    closed: str
    is_async: bool = False
    shared: str = ""
    lent: str = ""


def of_loop(made: str, closed: str = "one.close()", lent: str = "") -> Kind:
    return Kind(made, closed, is_async=True, lent=lent)


def of_client(made: str, closed: str = "one.close()") -> Kind:
    return Kind(f"used({made}, url)", closed, shared="url")


KINDS = {
    "files": {
        "file": Kind("open(str(tmp_path_factory.mktemp('x') / 'x'), 'w')", "one.close()"),
        "descriptor": Kind("os.open('/', os.O_RDONLY)", "os.close(one)"),
        "descriptor.other": Kind("C.dup(1)", "C.close(one)"),
        "mmap": Kind("mmap.mmap(-1, 4096)", "one.close()"),
        "tempfile": Kind("tempfile.mkdtemp()", "os.rmdir(one)"),
        "multiprocessing.shared_memory": Kind("SharedMemory(create=True, size=10)", "one.close(); one.unlink()"),
        "multiprocessing.queue": Kind("filled(FORK.Queue())", "one.get(); one.close(); one.join_thread()"),
    },
    "clients": {
        "sqlite3.connection": Kind("sqlite3.connect(':memory:')", "one.close()"),
        "sqlite3.transaction": Kind("begun(next(databases))", "one.rollback()", shared="databases"),
        "aiosqlite.connection": of_loop("await aiosqlite.connect(':memory:')", "await one.close()"),
        "aiohttp.connector": of_loop("aiohttp.TCPConnector()", "await one.close()"),
        "aiohttp.runner": of_loop("await set_up(web.AppRunner(web.Application()))", "await one.cleanup()"),
        "aiohttp.session": of_loop("aiohttp.ClientSession()", "await one.close()"),
        "httpx.client": of_client("httpx.Client(trust_env=False, verify=False)"),
        "requests.session": of_client("requests.Session()"),
        "urllib3.manager": of_client("urllib3.PoolManager()", "one.clear()"),
        "urllib3.pool": of_client("urllib3.connection_from_url(url)"),
    },
    "processes": {
        "thread": Kind(
            "started(Thread(target=STOP.wait, daemon=True))",
            "ONE.set(); one.join()",
            lent="started(Thread(target=ONE.wait, daemon=True))",
        ),
        "threading.timer": Kind("started(Timer(60, print))", "one.cancel(); one.join()"),
        "threading.lock": Kind("held(Lock())", "one.release()"),
        "executor.thread": Kind("tried(ThreadPoolExecutor(1))", "one.shutdown()"),
        "executor.process": Kind("tried(ProcessPoolExecutor(1, FORK))", "one.shutdown()"),
        "subprocess": Kind("subprocess.Popen(SLEEPS)", "one.kill(); one.wait()"),
        "multiprocessing.process": Kind(
            "started(FORK.Process(target=signal.pause, daemon=True))", "one.kill(); one.join()"
        ),
        "process": Kind("forked()", "os.kill(one, signal.SIGKILL); os.waitpid(one, 0)"),
        "process.orphan": Kind("orphaned()", "os.kill(one, signal.SIGKILL)"),
        "exit_stack": Kind("noted(contextlib.ExitStack())", "one.close()"),
        "socket": Kind("socket.socket()", "one.close()"),
        "asyncio.loop": Kind("asyncio.new_event_loop()", "one.close()"),
        "asyncio.child_watcher": Kind("attached(asyncio.SafeChildWatcher())", "one.close()"),
        "asyncio.task_destroyed": Kind(
            "destroyed()", "one.cancel(); LOOP.run_until_complete(asyncio.sleep(0))", lent="pending()"
        ),
        "asyncio.task": of_loop("asyncio.create_task(forever())", "one.cancel()"),
        "asyncio.exception_never_retrieved": of_loop("await failed()", "one.exception()"),
        "asyncio.lock": of_loop("await acquired(asyncio.Lock())", "one.release()"),
        "asyncio.timer": of_loop("asyncio.get_running_loop().call_later(60, lambda: None)", "one.cancel()"),
        "asyncio.server": of_loop("await asyncio.start_server(echo, '127.0.0.1', 0)"),
        "asyncio.transport": of_loop("await datagrams()"),
        "asyncio.subprocess": of_loop("await asyncio.create_subprocess_exec(*SLEEPS)", "one.kill(); await one.wait()"),
        "async_generator": of_loop("await first(numbers())", "await one.aclose()"),
        "coroutine.never_awaited": of_loop("dropped(forever())", lent="forever()"),
    },
}

COMMON = """
import pytest, pytest_asyncio

kept = []
WARNS = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""

HEADS = {
    "files": """
import ctypes, mmap, os, tempfile
from multiprocessing import get_context
from multiprocessing.shared_memory import SharedMemory

C = ctypes.CDLL(None)
FORK = get_context("fork")

def filled(queue):
    queue.put(1)
    return queue
""",
    "clients": """
import contextlib, http.server, sqlite3, threading
import aiohttp, aiosqlite, httpx, requests, urllib3
from aiohttp import web

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *arguments):
        pass

@pytest.fixture(scope="session")
def url():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()

@pytest.fixture(scope="session")
def databases():
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(contextlib.closing(sqlite3.connect(":memory:"))) for _ in range(3)]
        for one in made:
            one.execute("CREATE TABLE t (x)")
        yield iter(made)

def begun(database):
    database.execute("INSERT INTO t VALUES (1)")
    return database

def used(client, url):
    (client.get if hasattr(client, "get") else lambda url: client.request("GET", url))(url)
    return client

async def set_up(runner):
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner
""",
    "processes": """
import asyncio, contextlib, gc, multiprocessing, os, signal, socket, subprocess
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from threading import Event, Lock, Thread, Timer

FORK = multiprocessing.get_context("fork")
SLEEPS = ["sleep", "60"]
STOP = Event()
ONE = Event()
LOOP = None

def started(one):
    one.start()
    return one

def held(lock):
    lock.acquire()
    return lock

def tried(pool):
    pool.submit(int).result()
    return pool

def noted(stack):
    stack.callback(int)
    return stack

def forked():
    child = os.fork()
    if child == 0:
        signal.pause()
    return child

def orphaned():
    command = ["sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

def attached(watcher):
    with asyncio.Runner() as runner:
        watcher.attach_loop(runner.get_loop())
    return watcher

@pytest.fixture(scope="session", autouse=True)
def loop_of_their_own():
    global LOOP
    LOOP = asyncio.new_event_loop()
    yield
    LOOP.close()

def pending():
    async def waits():
        await LOOP.create_future()

    async def begun():
        task = LOOP.create_task(waits())
        await asyncio.sleep(0)
        return task

    return LOOP.run_until_complete(begun())

def destroyed():
    pending()
    gc.collect()

async def forever():
    await asyncio.Event().wait()

async def fails():
    raise ZeroDivisionError("seeded")

async def failed():
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    return task

async def acquired(lock):
    await lock.acquire()
    return lock

async def echo(reader, writer):
    writer.close()

async def datagrams():
    loop = asyncio.get_running_loop()
    return (await loop.create_datagram_endpoint(asyncio.DatagramProtocol, ("127.0.0.1", 0)))[0]

async def numbers():
    yield 1
    yield 2

async def first(generator):
    await anext(generator)
    return generator

def dropped(one):
    pass
""",
}

OF_ONE = """
@pytest.fixture(scope="module")  # module
def module_{name}(tmp_path_factory{shared}):
    kept.append({made})  # module
    return kept[-1]

@pytest.fixture
def lender_{name}(tmp_path_factory{shared}):
    return {lent}

@pytest.fixture
def borrower_{name}(lender_{name}):
    one = lender_{name}
    yield
    {closed}

@WARNS  # test
def test_{name}(module_{name}, borrower_{name}, tmp_path_factory{shared}):
    kept.append({made})  # test
"""
OF_ONE_IN_A_LOOP = (
    OF_ONE.replace("def ", "async def ")
    .replace("@pytest.fixture\n", '@pytest_asyncio.fixture(loop_scope="module")\n')
    .replace('@pytest.fixture(scope="module")', '@pytest_asyncio.fixture(scope="module", loop_scope="module")')
    .replace("@WARNS", '@pytest.mark.asyncio(loop_scope="module")')
)


def text(group: str) -> str:
    """
    The file of a group of kinds.
    """
    parts = [COMMON, HEADS[group]]
    for kind, one in kinds(group).items():
        form = OF_ONE_IN_A_LOOP if one.is_async else OF_ONE
        parts.append(
            form.format(
                name=named(kind),
                made=one.made,
                lent=one.lent or one.made,
                closed=one.closed,
                shared=f", {one.shared}" if one.shared else "",
            )
        )
    return "".join(parts).lstrip("\n")


def kinds(group: str) -> dict[str, Kind]:
    """
    Those that this Python has: 3.14 has no child watchers.
    """
    return {
        kind: one for kind, one in KINDS[group].items() if kind != "asyncio.child_watcher" or sys.version_info < (3, 14)
    }


def named(kind: str) -> str:
    return kind.replace(".", "_")


def wanted(group: str, file: str) -> list[tuple[str, str, str]]:
    """
    Kind, owner and place of everything that must be found.
    """
    return sorted(
        found
        for kind in kinds(group)
        for found in (
            (kind, f"function test {file}::test_{named(kind)}", "test"),
            (kind, f"module fixture module_{named(kind)}", "module"),
        )
    )


def place(found, lines: list[str]) -> str:
    """
    The word behind the line of the scene where it was made.
    """
    shown = [lines[frame["line"] - 1].rpartition("# ")[2] for frame in found.finding["site"]["frames"]]
    return next((word for word in shown if word in {"module", "test"}), str(shown))
