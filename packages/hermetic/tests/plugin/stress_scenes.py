"""
Ten tests that fail now and then, each for another reason, and ten twins that do the same soundly.
"""

from __future__ import annotations

HEAD = """
import asyncio, contextlib, datetime, math, random, socket, threading, time

NAMES = {f"name{n}" for n in range(20)}
kept = []

def work():
    return sum(range(20_000))

def test_leaves_something():
    kept.append(1)

def test_takes_it_away():
    kept.clear()

class Worker(threading.Thread):
    def __init__(self):
        super().__init__()
        self.done = threading.Event()
    def run(self):
        for _ in range(20):
            work()
        self.done.set()

async def added(lock):
    box = {"n": 0}
    async def add():
        await asyncio.to_thread(work)
        async with lock:
            seen = box["n"]
            await asyncio.sleep(0)
            box["n"] = seen + 1
    await asyncio.gather(add(), add())
    return box["n"]

def tenths(draw):
    return [draw.choice((0.25, 0.5, 0.1, 0.75)) for _ in range(3)]
"""
# For each reason the flaky test's code, its sound twin's, and the conditions that may be named for it.
SCENES = {
    "randomness": (
        "def test_flaky_randomness():\n    assert random.random() > 0.05\n",
        "def test_sound_randomness():\n    assert random.Random(3).random() > 0.05 and random.random() < 1.0\n",
        {"random"},
    ),
    "date": (
        "def test_flaky_date():\n    today = datetime.date.today()\n"
        "    assert (today + datetime.timedelta(days=1)).month == today.month\n",
        "def test_sound_date():\n    today = datetime.date.today()\n"
        "    assert (today + datetime.timedelta(days=1) - today).days == 1\n",
        {"date"},
    ),
    "time": (
        "def test_flaky_time():\n    began = int(time.time())\n    time.sleep(0.005)\n"
        "    assert int(time.time()) == began\n",
        "def test_sound_time():\n    began = time.time()\n    time.sleep(0.005)\n    assert int(began) <= began\n",
        {"clock"},
    ),
    "float": (
        "def test_flaky_float():\n    some = tenths(random)\n    assert sum(some) == sum(reversed(some))\n",
        "def test_sound_float():\n    some = tenths(random)\n    assert math.fsum(some) == math.fsum(reversed(some))\n",
        {"random"},
    ),
    "port": (
        "def test_flaky_port():\n    with socket.socket() as one:\n        one.bind(('127.0.0.1', 28_731))\n",
        "def test_sound_port():\n    with socket.socket() as one:\n        one.bind(('127.0.0.1', 0))\n",
        {"ports"},
    ),
    "resource": (
        "def test_flaky_resource():\n    with contextlib.ExitStack() as stack:\n"
        "        for _ in range(random.randint(1, 90)):\n            stack.enter_context(open('/dev/null'))\n",
        "def test_sound_resource():\n    for _ in range(random.randint(1, 90)):\n"
        "        with open('/dev/null'):\n            pass\n",
        {"files"},
    ),
    "concurrency": (
        "async def test_flaky_concurrency():\n    assert await added(contextlib.nullcontext()) == 2\n",
        "async def test_sound_concurrency():\n    assert await added(asyncio.Lock()) == 2\n",
        # The tasks go on when their threads are done: both decide, and either is told.
        {"tasks", "threads"},
    ),
    "load": (
        "def test_flaky_load():\n    worker = Worker()\n    worker.start()\n    in_time = worker.done.wait(0.05)\n"
        "    worker.join()\n    assert in_time\n",
        "def test_sound_load():\n    worker = Worker()\n    worker.start()\n    assert worker.done.wait(30)\n"
        "    worker.join()\n",
        {"cpu"},
    ),
    "order": (
        "def test_flaky_order():\n    assert not kept\n",
        "def test_sound_order():\n    assert isinstance(kept, list)\n",
        {"order"},
    ),
    "hash": (
        "def test_flaky_hash():\n    assert next(iter(NAMES)) not in ('name3', 'name4')\n",
        "def test_sound_hash():\n    assert sorted(NAMES)[0] == 'name0'\n",
        {"hash"},
    ),
}


def write(directory, *, only=None):
    """
    One file with the tests of these reasons.
    """
    chosen = [SCENES[name] for name in (SCENES if only is None else only)]
    (directory / "pytest.ini").write_text("[pytest]\nasyncio_mode = auto\n")
    (directory / "test_a.py").write_text(HEAD + "\n" + "\n".join(flaky + "\n" + sound for flaky, sound, _ in chosen))
