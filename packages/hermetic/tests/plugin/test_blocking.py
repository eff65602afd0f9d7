"""
Who is blamed for a held event loop, and who is not.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# The scenes take real time; on a busy machine more of it.
pytestmark = pytest.mark.timeout(240)

# Every scene holds for much longer than the limit: on a busy machine a part of a hold is not the code's own.
HOLD = "HOLD = 0.4\n"


PARTS = 7
SCENES = Path(__file__).with_name("blocking_scenes.py").read_text(encoding="utf-8")


def scenes() -> dict[str, tuple[str, int] | None]:
    """
    The scenes by name, each with the line that holds the loop, None where nothing does.
    """
    found: dict[str, tuple[str, int] | None] = {}
    name = ""
    for number, line in enumerate(SCENES.splitlines(), 1):
        if line.startswith("async def test_"):
            name = line.removeprefix("async def ").partition("(")[0]
            found[name] = None
        if line.endswith("# here"):
            found[name] = ("test_a.py", number)
    return found


def test_there_is_a_scene_of_every_kind_of_hold():
    """
    Sleep, computing, a query, a request, hashing, JSON, a regular expression, a program, a FIFO, a lock, a result, a socket.
    """
    assert len([one for one in scenes().values() if one]) == 12


# A run for each part of them, so that none keeps a worker for long.
@pytest.mark.parametrize("part", range(PARTS))
def test_every_kind_of_hold_is_found_once_at_its_line_and_every_twin_is_silent(suite, part):
    """
    Each for its test, at its line; the same done without holding the loop, and a full collection, accuse nobody.
    """
    suite.write("test_a.py", SCENES)
    suite.write("pytest.ini", "[pytest]\nmarkers =\n    finds(kind): what must be found\n")
    mine = list(scenes().items())[part::PARTS]
    run = suite.run(*(f"test_a.py::{name}" for name, _ in mine), plugins=("asyncio",), timeout=100)

    wanted = [("loop.blocked", f"test_a.py::{name}", line) for name, line in mine if line]
    assert [(one.kind, one.test, one.line) for one in run.found] == wanted, run.text
    assert run.outcomes == {"passed": len(mine), **({"errors": len(wanted)} if wanted else {})}
    assert all(one.finding["remedy"]["code"] for one in run.found)


def test_holds_of_one_line_are_one_finding_and_fixtures_have_their_own(suite):
    """
    A loop that blocks three times is told once, with the count and the longest; the fixture's block is the fixture's.
    """
    suite.write(
        "test_a.py",
        HOLD
        + """
import asyncio, time
import pytest

@pytest.fixture
async def slow():
    time.sleep(HOLD)

@pytest.fixture(scope="module")
def module_loop():
    async def main():
        time.sleep(HOLD)
    asyncio.run(main())
    yield

async def test_three(slow, module_loop):
    for wait in (HOLD, 2 * HOLD, HOLD):
        time.sleep(wait)
        await asyncio.sleep(0)

async def test_last():
    pass
""",
    )

    run = suite.run(plugins=("asyncio",))

    assert {(one.owner, one.line, one.finding["count"], one.test) for one in run.found} == {
        ("function fixture slow", ("test_a.py", 8), 1, "test_a.py::test_three"),
        ("module fixture module_loop", ("test_a.py", 13), 1, "test_a.py::test_last"),
        ("function test test_a.py::test_three", ("test_a.py", 19), 3, "test_a.py::test_three"),
    }
    three = next(one.finding for one in run.found if one.finding["count"] == 3)
    longest = float(three["subject"].removeprefix("time.sleep(wait) for ").removesuffix(" s"))
    assert 0.4 < longest < 0.85
    assert three["evidence"][1].startswith("3 times from there, ")
    assert run.outcomes == {"passed": 2, "errors": 2}


def test_a_library_call_is_told_at_the_projects_line_with_the_place_inside(suite):
    """
    The reader sees the line to change first, then where it really waited, then what to write instead.
    """
    suite.write(
        "test_a.py",
        HOLD
        + """
import subprocess

def build():
    subprocess.run(["sleep", str(HOLD)], check=True)

async def test_build():
    build()
""",
    )

    finding = suite.run(plugins=("asyncio",)).found[0].finding

    assert [(frame["line"], frame["function"]) for frame in finding["site"]["frames"]] == [
        (6, "build"),
        (9, "test_build"),
    ]
    assert "subprocess.py:" in finding["evidence"][1]
    assert finding["evidence"][2] == "it ran as task Task-1 of test_build()"
    assert "asyncio.create_subprocess_exec" in finding["remedy"]["code"]


SETTINGS = (
    HOLD
    + """
import time
import pytest

def load():
    time.sleep(HOLD)

async def test_plain():
    load()

@pytest.mark.hermetic(blocking=30)
async def test_marked():
    load()

@pytest.mark.hermetic("loop.blocked = off", reason="shown here")
async def test_off():
    load()

async def test_after():
    load()
"""
)


def test_a_marker_lets_one_test_hold_longer(suite):
    """
    Its limit or its policy holds for that test alone.
    """
    suite.write("test_a.py", SETTINGS)

    run = suite.run(plugins=("asyncio",))

    assert [one.test for one in run.found] == ["test_a.py::test_plain", "test_a.py::test_after"]


@pytest.mark.parametrize(
    "setting, tests", [("hermetic_blocking_s = 30", 0), ("hermetic_blocking_allow = test_a.load: read once", 0)]
)
def test_the_project_sets_its_limit_and_its_pardons(suite, setting, tests):
    """
    The limit is seconds; a pardon names a function that may take its time, with a reason.
    """
    suite.write("test_a.py", SETTINGS)
    suite.write("pytest.ini", f"[pytest]\n{setting}\n")

    assert len(suite.run(plugins=("asyncio",)).found) == tests


@pytest.mark.parametrize(
    "ini, marker, says",
    [
        ("hermetic_blocking_s = soon", "", "hermetic_blocking_s in "),
        ("hermetic_blocking_s = 0", "", "is '0': give seconds from 0.01 to 3600, for example 0.25."),
        ("hermetic_blocking_allow = test_a.load", "", "'test_a.load' from hermetic_blocking_allow in "),
        ("", "@pytest.mark.hermetic(blocking=-1)", "blocking= in the marker hermetic on test_a.py::test_a is -1: give"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named_with_its_source(suite, ini, marker, says):
    """
    What was wrong, where it stands, what to write; and no traceback.
    """
    suite.write("pytest.ini", f"[pytest]\n{ini}\n")
    suite.write("test_a.py", f"import pytest\n{marker}\ndef test_a(): pass\n")

    run = suite.run()

    assert run.status == 4
    assert says in run.text
    assert "Traceback" not in run.text


STOPPED = """
import asyncio, os, signal, subprocess, sys, time

CONTINUE = '''
import os, signal, sys, time
pid = int(sys.argv[1])
while open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "T":
    time.sleep(0.001)
time.sleep(0.7)  # how long the process stands still
os.kill(pid, signal.SIGCONT)
'''

async def test_stopped():
    helper = subprocess.Popen([sys.executable, "-c", CONTINUE, str(os.getpid())])
    await asyncio.sleep(0)
    began = time.monotonic()
    os.kill(os.getpid(), signal.SIGSTOP)
    stood = time.monotonic() - began
    await asyncio.sleep(0)
    await asyncio.to_thread(helper.wait)
    assert stood > 0.5
"""


def test_a_process_that_was_stopped_is_not_blamed(suite):
    """
    The clock went on, the process did not: no line of it held anything.
    """
    suite.write("test_a.py", STOPPED)

    run = suite.run(plugins=("asyncio",))

    assert run.found == []
    assert run.outcomes == {"passed": 1}


STARVED = """
import asyncio, os, subprocess, sys, time
import pytest

RIVAL = "import os, sys\\nwhile os.getppid() == int(sys.argv[1]): pass"

def computes(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass

@pytest.mark.hermetic(isolation="off")
async def test_starved():
    cpu = min(os.sched_getaffinity(0))
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), {cpu})
    rivals = [subprocess.Popen([sys.executable, "-c", RIVAL, str(os.getpid())]) for _ in range(2)]
    behind = os.getpriority(os.PRIO_PROCESS, 0) + 10
    for thread in os.listdir("/proc/self/task"):
        os.setpriority(os.PRIO_PROCESS, int(thread), behind)
    try:
        longest = 0.0
        for _ in range(200):
            began = time.monotonic()
            computes(0.02)
            longest = max(longest, time.monotonic() - began)
            if longest > 0.2:
                break
            await asyncio.sleep(0)
    finally:
        for rival in rivals:
            rival.kill()
            rival.wait()
    assert longest > 0.2  # or this scene starved nobody
"""


def test_a_thread_that_got_no_processor_is_not_blamed(suite):
    """
    Callbacks of 20 ms that take 200 ms because others have the processor hold nothing.
    """
    suite.write("test_a.py", STARVED)

    run = suite.run(plugins=("asyncio",))

    assert run.outcomes == {"passed": 1}, run.text
    assert run.found == []


NOT_THE_PROJECTS = """
import time
import pytest

async def test_import():
    import slow_module

async def test_approximation():
    end = time.thread_time() + 0.5
    while time.thread_time() < end:
        assert [1.0] * 50_000 == pytest.approx([1.0] * 50_000)
"""


def test_imports_and_pytests_own_work_are_not_blamed(suite):
    """
    A module is imported once, by whoever comes first; comparing approximately is pytest's work.
    """
    suite.write("slow_module.py", "import time\ntime.sleep(0.6)\n")
    suite.write("test_a.py", NOT_THE_PROJECTS)

    run = suite.run(plugins=("asyncio",))

    assert run.found == []


RUNNERS = {
    "plain asyncio.run": ("def test_a():\n    asyncio.run(main())\n", ()),
    "pytest-asyncio": ("async def test_a():\n    await main()\n", ("asyncio",)),
    "debug mode": ("def test_a():\n    asyncio.run(main(), debug=True)\n", ()),
    "anyio's plugin": ("@pytest.mark.anyio\nasync def test_a():\n    await main()\n", ("anyio",)),
    "unittest": (
        "class TestA(unittest.IsolatedAsyncioTestCase):\n    async def test_a(self):\n        await main()\n",
        (),
    ),
    "a loop in a thread": (
        "def test_a():\n    t = threading.Thread(target=asyncio.run, args=(main(),))\n    t.start()\n    t.join()\n",
        (),
    ),
    "uvloop": ("def test_a():\n    uvloop.run(main())\n", ()),
    "uvloop, imported in the test": ("def test_a():\n    import uvloop\n    uvloop.run(main())\n", ()),
}


@pytest.mark.parametrize("runner", RUNNERS)
def test_whatever_runs_the_loop_the_line_is_found(suite, runner):
    """
    Asyncio's own loops are timed; uvloop's, which run callbacks in C, are watched.
    """
    code, plugins = RUNNERS[runner]
    imports = "import asyncio, threading, time, unittest\nimport pytest\n" + (
        "import uvloop\n" if runner == "uvloop" else ""
    )
    suite.write(
        "test_a.py",
        f"{imports}async def main():\n    await asyncio.sleep(0.01)\n    time.sleep(0.8)\n    await asyncio.sleep(0)\n\n{code}",
    )
    suite.write("conftest.py", "import pytest\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n")
    run = suite.run(plugins=plugins)

    assert [(one.kind, one.line) for one in run.found] == [("loop.blocked", ("test_a.py", imports.count("\n") + 3))]
    assert run.outcomes == {"passed": 1, "errors": 1}


AFTERWARDS = {
    "a callback in C comes next": "    asyncio.get_running_loop().call_soon(time.sleep, 0.1)\n    time.sleep(0.8)\n    await asyncio.sleep(0.01)\n",
    "the loop stops": "    time.sleep(0.8)\n",
}


@pytest.mark.parametrize("then", AFTERWARDS)
def test_what_held_uvloop_is_found_whatever_comes_before_its_answer(suite, then):
    """
    The loop's answer is one more callback, behind those that wait already; the watcher looks in between.
    """
    suite.write(
        "test_a.py",
        f"import asyncio, time, uvloop\n\nasync def main():\n    await asyncio.sleep(0.01)\n{AFTERWARDS[then]}\n"
        "def test_a():\n    uvloop.run(main())\n",
    )
    line = 5 if then == "the loop stops" else 6

    assert [(one.kind, one.line) for one in suite.run().found] == [("loop.blocked", ("test_a.py", line))]


RESOLVER = """
import asyncio, os, socket
import pytest

async def test_blocks():
    with pytest.raises(OSError):
        socket.getaddrinfo("name.example", 80)

async def test_asks_the_loop():
    with pytest.raises(OSError):
        await asyncio.get_running_loop().getaddrinfo("name.example", 80)
"""
INSIDE = """
ip link set lo up && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"
"""


@pytest.mark.needs_program("unshare", "ip", "mount")
def test_a_name_lookup_without_an_answer_is_found(suite):
    """
    In a network of its own, where the only name server is a socket on loopback that never answers.
    """
    if subprocess.run(["unshare", "-rnm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("not allowed to make a network namespace here")
    suite.write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    suite.write("test_a.py", RESOLVER)
    suite.write(
        "conftest.py",
        """
        import socket
        import pytest

        @pytest.fixture(autouse=True, scope="session")
        def name_server():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
                silent.bind(("127.0.0.1", 53))
                yield
        """,
    )
    python = suite.write(
        "python",
        f"#!/bin/sh\nexec {shutil.which('unshare')} -rnm sh -c '{INSIDE.strip()}' sh {suite.directory}/resolv.conf "
        f'{sys.executable} "$@"\n',
    )
    python.chmod(0o755)

    run = suite.run(plugins=("asyncio",), python=str(python))

    assert [(one.kind, one.test, one.line) for one in run.found] == [
        ("loop.blocked", "test_a.py::test_blocks", ("test_a.py", 6))
    ]
    assert "loop.getaddrinfo" in run.found[0].finding["remedy"]["code"]
    assert run.outcomes == {"passed": 2, "errors": 1}
