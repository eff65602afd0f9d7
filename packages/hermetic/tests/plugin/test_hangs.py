"""
The catalogue of hangs: each is ended, its waiting line is named, and every other result is intact.

In a test run a sample is run together in one process, and one hang of each harder kind by itself. `./dev prove hangs` runs
each by itself, under xdist and under `hermetic run`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pytest

IMPORTS = "import asyncio, atexit, ctypes, queue, re, socket, subprocess, sys, threading, time\nimport pytest\n"
# How much of a deadline is given here, in seconds, and how long each rung may take.
SHORT, GRACE = 0.5, 0.4
CALL = f"@pytest.mark.deadline({SHORT}, teardown={SHORT})"
SETUP = f"@pytest.mark.deadline(setup={SHORT}, teardown={SHORT})"
TEARDOWN = f"@pytest.mark.deadline(teardown={SHORT})"


@dataclass(frozen=True)
class Hang:
    """
    A module with one test that hangs at the line marked HANG. `ends_process` where nothing less helps.
    """

    name: str
    code: str
    ends_process: bool = False
    # What the report must say besides the line, in any of its rungs.
    says: str = ""
    # The part of the test in which it hangs; "error" for setup and teardown.
    outcome: str = "FAILED"
    # What the run needs: a session's fixture is torn down with the last test, whatever markers say elsewhere.
    options: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        return IMPORTS + textwrap.dedent(self.code)

    @property
    def line(self) -> int:
        return next(number for number, line in enumerate(self.source.splitlines(), 1) if "HANG" in line)

    @property
    def file(self) -> str:
        return f"test_{self.name}.py"


def call(name: str, body: str, *, is_async: bool = False, **more) -> Hang:
    header = f"{CALL}\n{'async ' if is_async else ''}def test_it():\n"
    return Hang(name, header + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n", **more)


MUTEX = """
    mutex = ctypes.create_string_buffer(64)
    libc = ctypes.{kind}(None)
    libc.pthread_mutex_init(mutex, None)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)  # HANG
"""

CATALOGUE = [
    call("event", "await asyncio.Event().wait()  # HANG", is_async=True, says="waits for event"),
    call("blocked_loop", "time.sleep(1000)  # HANG", is_async=True),
    call(
        "swallow",
        """
        while True:
            try:
                await asyncio.sleep(1000)  # HANG
            except asyncio.CancelledError:
                pass
        """,
        is_async=True,
        says="sleep of 1000 s",
    ),
    Hang(
        "fixture_teardown",
        f"""
        @pytest.fixture
        async def slow():
            yield
            await asyncio.sleep(1000)  # HANG

        {TEARDOWN}
        def test_it(slow): pass
        """,
        outcome="ERROR",
    ),
    call("queue_get", "queue.Queue().get()  # HANG"),
    call("regular_expression", 're.match(r"(a+)+$", "a" * 60 + "b")  # HANG'),
    Hang(
        "failed_then_teardown",
        f"""
        @pytest.fixture
        def slow():
            yield
            time.sleep(1000)  # HANG

        {TEARDOWN}
        def test_it(slow): assert False
        """,
        outcome="ERROR",
    ),
    call(
        "deadlock",
        """
        first, second = asyncio.Lock(), asyncio.Lock()
        both = asyncio.Barrier(2)
        async def take(one, other):
            async with one:
                await both.wait()
                async with other:  # HANG
                    pass
        await asyncio.gather(take(first, second), take(second, first))
        """,
        is_async=True,
        says="deadlock",
    ),
    call("future", "await asyncio.get_running_loop().create_future()  # HANG", is_async=True, says="future"),
    call("queue_get_async", "await asyncio.Queue().get()  # HANG", is_async=True, says="an item in <Queue"),
    call("sleep", "await asyncio.sleep(1000)  # HANG", is_async=True, says="sleep of 1000 s"),
    call(
        "finally_awaits",
        """
        try:
            await asyncio.sleep(1000)  # HANG
        finally:
            await asyncio.sleep(2000)
        """,
        is_async=True,
    ),
    call("busy_loop", "while True: sum(range(50))  # HANG", is_async=True),
    call(
        "thread_lock",
        """
        lock = threading.Lock()
        with lock:
            with lock:  # HANG
                pass
        """,
        is_async=True,
        says="waits for lock",
    ),
    call(
        "subprocess",
        """
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        try:
            child.wait()  # HANG
        finally:
            child.kill()
            child.wait()
        """,
        says="to end:",
    ),
    call(
        "socket_read",
        """
        left, right = socket.socketpair()
        with left, right:
            left.recv(1)  # HANG
        """,
    ),
    call(
        "socket_file",
        """
        left, right = socket.socketpair()
        with left, right, left.makefile("rb") as stream:
            stream.readline()  # HANG
        """,
    ),
    call(
        "gather",
        """
        async def leaf(): await asyncio.Event().wait()  # HANG
        await asyncio.gather(leaf(), asyncio.sleep(0))
        """,
        is_async=True,
        says="gather",
    ),
    call(
        "task_group",
        """
        async def leaf(): await asyncio.Event().wait()  # HANG
        async with asyncio.TaskGroup() as group:
            group.create_task(leaf())
        """,
        is_async=True,
        says="TaskGroup",
    ),
    call(
        "subprocess_async",
        """
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
        try:
            await child.wait()  # HANG
        finally:
            child.kill()
            await child.wait()
        """,
        is_async=True,
        says="subprocess",
    ),
    call(
        "stream_read",
        """
        left, right = socket.socketpair()
        with right:
            reader, writer = await asyncio.open_connection(sock=left)
            try:
                await reader.readline()  # HANG
            finally:
                writer.close()
        """,
        is_async=True,
        says="data from",
    ),
    call(
        "generator",
        """
        async def numbers():
            yield 1
            await asyncio.sleep(1000)  # HANG
        async for _ in numbers(): pass
        """,
        is_async=True,
    ),
    call(
        "join",
        """
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait, name="the joined one")
        thread.start()
        try:
            thread.join()  # HANG
        finally:
            stop.set()
        """,
        says="the joined one",
    ),
    call("condition", "threading.Event().wait()  # HANG", says="waits for event"),
    call("thread_semaphore", "threading.Semaphore(0).acquire()  # HANG", says="semaphore"),
    call(
        "callback",
        """
        asyncio.get_running_loop().call_soon(lambda: time.sleep(1000))  # HANG
        await asyncio.sleep(1000)
        """,
        is_async=True,
    ),
    call(
        "shielded",
        """
        async def inner():
            await asyncio.sleep(1000)  # HANG
        task = asyncio.ensure_future(inner())
        try:
            await asyncio.shield(task)
        finally:
            task.cancel()
        """,
        is_async=True,
    ),
    Hang(
        "setup_sync",
        f"@pytest.fixture\ndef slow():\n    time.sleep(1000)  # HANG\n{SETUP}\ndef test_it(slow): pass\n",
        outcome="ERROR",
    ),
    Hang(
        "setup_async",
        f"@pytest.fixture\nasync def slow():\n    await asyncio.sleep(1000)  # HANG\n{SETUP}\nasync def test_it(slow): pass\n",
        outcome="ERROR",
    ),
    *(
        Hang(
            f"setup_{scope}",
            f'@pytest.fixture(scope="{scope}")\ndef slow():\n    threading.Event().wait()  # HANG\n{SETUP}\ndef test_it(slow): pass\n',
            outcome="ERROR",
        )
        for scope in ("module", "session")
    ),
    *(
        Hang(
            f"teardown_{scope}",
            f'@pytest.fixture(scope="{scope}")\ndef slow():\n    yield\n    threading.Event().wait()  # HANG\n{TEARDOWN}\n'
            "def test_it(slow): pass\n",
            outcome="ERROR",
            options=(f"--hermetic-deadline=teardown={SHORT}",) if scope == "session" else (),
        )
        for scope in ("class", "module", "session")
    ),
    Hang(
        "teardown_swallow",
        f"""
        @pytest.fixture
        async def slow():
            yield
            while True:
                try:
                    await asyncio.sleep(1000)  # HANG
                except asyncio.CancelledError:
                    pass

        {TEARDOWN}
        async def test_it(slow): pass
        """,
        outcome="ERROR",
    ),
    Hang(
        "teardown_method",
        f"""
        class TestIt:
            def teardown_method(self):
                time.sleep(1000)  # HANG
            {TEARDOWN}
            def test_it(self): pass
        """,
        outcome="ERROR",
    ),
    call(
        "swallow_everything",
        """
        while True:
            try:
                while True: time.sleep(0.01)  # HANG
            except BaseException:
                pass
        """,
        ends_process=True,
    ),
    call("c_call", MUTEX.format(kind="CDLL"), ends_process=True),
    call("c_call_with_the_lock", MUTEX.format(kind="PyDLL"), ends_process=True),
]
SOFT = [hang for hang in CATALOGUE if not hang.ends_process]
HARD = [hang for hang in CATALOGUE if hang.ends_process]
OK = "def test_it(): pass\n"


def command(suite, how: str) -> list[str]:
    plugins = ["-p", "pytest_asyncio.plugin", "-oasyncio_mode=auto", "-oasyncio_default_fixture_loop_scope=function"]
    plugins += ["-p", "no:cacheprovider", "--tb=short", "-v", f"--hermetic-deadline=grace={GRACE}", "-rN"]
    plugins += ["--hermetic-policy=off", f"--basetemp={suite.directory / 'tmp'}"]
    if how == "supervised":
        return [sys.executable, "-c", "from hermetic.cli import main; main()", "run", *plugins]
    plugins = [sys.executable, "-m", "pytest", "-p", "hermetic._pytest.plugin", *plugins]
    return [*plugins, "-p", "xdist.plugin", "-n1"] if how == "xdist" else plugins


@dataclass(frozen=True)
class Ran:
    status: int
    text: str
    seconds: float


def variables() -> dict[str, str]:
    # Nothing of the run that runs this: its worker's name would rename journals, and output is buffered as by default.
    inherited = ("PYTEST_", "COV_", "PYTHONUNBUFFERED")
    own = {name: value for name, value in os.environ.items() if not name.startswith(inherited)}
    return {**own, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200", "PYTHONDONTWRITEBYTECODE": "1"}


def run(suite, how: str, *more: str) -> Ran:
    started = time.monotonic()
    done = subprocess.run(
        [*command(suite, how), *more],
        cwd=suite.directory,
        env=variables(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return Ran(done.returncode, done.stdout, time.monotonic() - started)


def check(suite, hangs: list[Hang], how: str) -> Ran:
    """
    Run these hangs in one project, a sound test before and after each, and look at all that must hold.
    """
    for number, hang in enumerate(hangs):
        suite.write(hang.file, "")
        (suite.directory / hang.file).write_text(hang.source)
        suite.write(f"test_a{number}_before.py", OK)
    suite.write("test_zz_after.py", OK)
    ran = run(suite, how, *(word for hang in hangs for word in hang.options))
    for hang in hangs:
        assert f"{hang.file}:{hang.line}" in ran.text or f'{hang.file}", line {hang.line}' in ran.text, ran.text
        assert hang.says in ran.text, ran.text
        # A session's fixture is torn down after the last test, whose error it is then.
        if not hang.ends_process and hang.name != "teardown_session":
            assert re.search(rf"{hang.file}::\S*test_it {hang.outcome}|{hang.outcome} .*{hang.file}", ran.text), (
                ran.text
            )
    sound = re.findall(r"test_a\d+_before.py::test_it PASSED|test_zz_after.py::test_it PASSED", ran.text) + re.findall(
        r"PASSED \S*test_(?:a\d+_before|zz_after)", ran.text
    )
    assert len(sound) == len(hangs) + 1, ran.text
    assert "INTERNALERROR" not in ran.text, ran.text
    assert ran.status == 1, ran.text
    return ran


@pytest.mark.prove("hangs", sample=8, full=len(SOFT))
@pytest.mark.parametrize("half", [0, 1])
def test_hangs_are_ended_named_and_cost_no_other_result(suite, half, rounds):
    """
    In one process, one after the other: each hang ends, its line is named, every other test passes.
    """
    check(suite, SOFT[half:rounds:2], "plain")


@pytest.mark.prove("hangs", sample=1, full=len(HARD))
@pytest.mark.parametrize("how", ["xdist", "supervised"])
def test_a_process_that_must_be_ended_costs_no_other_result(suite, how, rounds):
    """
    Where neither cancellation nor interruption helps, the process is ended and the other tests go on in a new one.
    """
    ran = check(suite, HARD[:rounds], how)

    assert how == "xdist" or "processes" in ran.text


# Notes when each test began, and how long each part of it took, in whichever process.
TIMES = """
import json, time

def note(**values):
    with open("times.jsonl", "a") as file:
        file.write(json.dumps({"at": time.time(), **values}) + "\\n")

def pytest_runtest_setup(item):
    note(began=item.nodeid)

def pytest_runtest_logreport(report):
    note(reported=report.nodeid, took=report.duration)
"""


def taken(suite, hang: Hang) -> float:
    """
    Seconds that the hang held up the run: the longest part of its test; where the process was ended, from the test's
    beginning to the first word after it, the start of another process included.
    """
    notes = [json.loads(line) for line in (suite.directory / "times.jsonl").read_text().splitlines()]
    notes.sort(key=lambda one: one["at"])
    if not hang.ends_process:
        return max(one["took"] for one in notes if "reported" in one)
    began = next(one["at"] for one in notes if hang.file in one.get("began", ""))
    return next(one["at"] for one in notes if one["at"] > began) - began


@pytest.mark.prove("hangs", sample=0, full=1)
@pytest.mark.parametrize("how", ["xdist", "supervised"])
@pytest.mark.parametrize("hang", CATALOGUE, ids=lambda hang: hang.name)
def test_each_hang_by_itself(suite, how, hang, rounds):
    """
    The whole catalogue, each in a project of its own, under xdist and under `hermetic run`: ended, named, and within its
    deadline and a second more, or four where the process must be ended. Run this on an idle machine.
    """
    (suite.directory / "conftest.py").write_text(TIMES)
    check(suite, [hang], how)

    assert taken(suite, hang) <= SHORT + 1 + (3 if hang.ends_process else 0)


def test_a_deadlock_is_told_at_once(suite):
    """
    A loop that nothing can wake is not waited for until its deadline, which here is a minute away.
    """
    suite.write(
        "test_dead.py",
        """
        import asyncio

        async def test_it():
            await asyncio.get_running_loop().create_future()
        """,
    )
    journal = suite.directory / "journal.jsonl"
    ran = run(suite, "plain", f"--hermetic-journal={journal}")
    (event,) = [
        record
        for record in map(json.loads, journal.read_text().splitlines())
        if record["kind"] == "guard.deadline_passed"
    ]

    assert "deadlock: nothing can wake this call any more" in ran.text
    assert (event["is_deadlock"], event["waiting_at"], event["phase"]) == (True, "test_dead.py:4", "call")
    assert event["elapsed_s"] < 60


def test_a_loop_that_a_thread_will_wake_is_no_deadlock(suite):
    """
    The clean twin: a slow thread, a timer, a child process or a connection may still end the wait.
    """
    suite.write(
        "test_alive.py",
        """
        import asyncio, socket, subprocess, sys, threading, time

        async def test_thread():
            loop, done = asyncio.get_running_loop(), asyncio.Event()
            def later():
                time.sleep(0.8)
                loop.call_soon_threadsafe(done.set)
            thread = threading.Thread(target=later)
            thread.start()
            await done.wait()
            thread.join()

        async def test_executor():
            await asyncio.to_thread(time.sleep, 0.8)

        async def test_child():
            child = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(0.8)")
            await child.wait()

        async def test_connection():
            left, right = socket.socketpair()
            left.setblocking(False)
            timer = threading.Timer(0.8, right.send, [b"x"])
            timer.start()
            with left, right:
                assert await asyncio.get_running_loop().sock_recv(left, 1)
            timer.join()
        """,
    )
    ran = run(suite, "plain")

    assert "4 passed" in ran.text, ran.text


EXITS = {
    "thread": ("threading.Thread(target=lambda: threading.Event().wait()).start()  # HANG", "not daemon"),
    "executor": (
        (
            "from concurrent.futures import ThreadPoolExecutor\n"
            "    ThreadPoolExecutor().submit(lambda: threading.Event().wait())  # HANG"
        ),
        "ThreadPoolExecutor",
    ),
    "atexit": ("atexit.register(lambda: threading.Event().wait())  # HANG", "MainThread"),
    "to_thread": ("asyncio.new_event_loop().run_in_executor(None, lambda: time.sleep(1000))  # HANG", "asyncio_0"),
}


@pytest.mark.prove("hangs", sample=2, full=len(EXITS))
@pytest.mark.parametrize("how", ["plain", "xdist", "supervised"])
def test_an_interpreter_that_does_not_exit_is_ended(suite, how, rounds):
    """
    Threads that are no daemons, executors and atexit functions: the line is told, in time, and results are complete.
    """
    suite.write("test_other.py", OK)
    for code, says in list(EXITS.values())[:rounds]:
        source = f"{IMPORTS}def test_it():\n    {code}\n"
        line = next(number for number, text in enumerate(source.splitlines(), 1) if "HANG" in text)
        (suite.directory / "test_exit.py").write_text(source)
        ran = run(suite, how, "--hermetic-deadline=exit=0.5")

        assert "2 passed" in ran.text
        assert "the interpreter did not exit" in ran.text, ran.text
        assert f"test_exit.py:{line}" in ran.text, ran.text
        assert says in ran.text, ran.text
        # Under xdist the controller's status is that of the tests; it has ended its worker's exit.
        assert ran.status == (0 if how == "xdist" else 1)


def test_a_module_that_hangs_while_it_is_imported_is_an_error_of_that_module(suite):
    """
    Collection has a deadline a file: the others are collected.
    """
    (suite.directory / "test_import.py").write_text(f"{IMPORTS}time.sleep(1000)  # HANG\n")
    suite.write("test_other.py", OK)
    ran = run(suite, "plain", "--hermetic-deadline=collection=0.5", "--continue-on-collection-errors")

    assert "test_import.py:3" in ran.text, ran.text
    assert "collection of test_import.py took longer than its 0.5 s" in ran.text
    assert "1 passed, 1 error" in ran.text


LONG = """
import time

def test_long(): time.sleep(1000)
def test_left(): pass
"""


def test_a_module_has_a_budget(suite):
    """
    A module's tests share its time; what is left is not run.
    """
    suite.write("test_module.py", LONG)
    suite.write("test_other.py", OK)
    ran = run(suite, "plain", "--hermetic-deadline=module=0.5")

    assert "1 failed, 1 passed, 1 error" in ran.text, ran.text
    assert "not run: its module has used up its 0.5 s (from --hermetic-deadline)" in ran.text


def test_a_session_has_a_budget(suite):
    """
    Its end stops the run, with its results.
    """
    suite.write("test_module.py", LONG)
    # It begins with the session: on a busy machine, starting and collecting take their part of it.
    ran = run(suite, "plain", "--hermetic-deadline=session=2.5")

    assert "the time of the whole run was over" in ran.text, ran.text
    assert "1 failed" in ran.text
    assert "test_module.py:3" in ran.text


BAD_MARKERS = {
    "deadline(-1)": "invalid deadline -1 from the marker in",
    "deadline('5')": "a str is no number of seconds",
    "deadline(float('nan'))": "NaN",
    "deadline(tear_down=5)": "deadline() has no argument 'tear_down', only setup, call, teardown",
    "deadline(1, call=2)": "takes one number",
    "deadline()": "needs a number of seconds",
    "deadlin(5)": "unknown marker 'deadlin' on test_it; did you mean 'deadline'?",
}


def test_bad_markers_are_refused_at_collection_with_their_place(suite):
    """
    File, line, what is wrong and what to write; the other modules run.
    """
    for number, marker in enumerate(BAD_MARKERS):
        suite.write(f"test_bad{number}.py", f"import pytest\n\n@pytest.mark.{marker}\ndef test_it(): pass\n")
    suite.write("test_good.py", OK)
    ran = run(suite, "plain", "--continue-on-collection-errors", "-Wignore")

    for number, told in enumerate(BAD_MARKERS.values()):
        assert re.search(rf"test_bad{number}\.py:3\b", ran.text), ran.text
        assert told in ran.text, ran.text
    assert f"1 passed, {len(BAD_MARKERS)} errors" in ran.text


@pytest.mark.parametrize(
    "option, told",
    [
        ("--hermetic-deadline=x=5", "there is no deadline for 'x', only for setup"),
        ("-ohermetic_deadlines=teardown=-1", "invalid deadline -1.0 from hermetic_deadlines in"),
        ("-ohermetic_timeouts=ip_check=none", "a named operation always has a limit"),
    ],
)
def test_a_bad_option_is_refused_with_its_source(suite, option, told):
    """
    A mistake in settings ends the run before it begins.
    """
    ran = run(suite, "plain", option)

    assert told in ran.text, ran.text
    assert ran.status == 4


def test_plain_pytest_says_how_to_run_the_rest(suite):
    """
    A call that nothing ends: the lost test is reported, the summary is whole, and the command it names runs the rest.
    """
    (suite.directory / "test_b.py").write_text(HARD[0].source)
    suite.write("test_a.py", OK)
    suite.write("test_c.py", OK)
    ran = run(suite, "plain", "--junitxml=results.xml")
    resume = re.search(r"--hermetic-resume=\S+", ran.text)

    assert "1 failed, 1 passed" in ran.text, ran.text
    assert "1 tests were not run" in ran.text
    assert "test_b" in (suite.directory / "results.xml").read_text()

    rest = run(suite, "plain", resume[0])

    assert "1 passed, 2 deselected" in rest.text, rest.text


def test_a_killed_process_is_replaced_and_its_test_counts_as_lost(suite):
    """
    `kill -9` and crashes under `hermetic run`: the test that ran is lost, the others are run, and one JUnit file has all.
    """
    suite.write("test_b.py", "import os, signal\ndef test_it(): os.kill(os.getpid(), signal.SIGKILL)\n")
    suite.write("test_a.py", OK)
    suite.write("test_c.py", OK)
    ran = run(suite, "supervised", "--junitxml=results.xml")
    cases = [
        (case.get("classname"), [one.tag for one in case])
        for case in ET.parse(suite.directory / "results.xml").getroot().iter("testcase")
    ]

    assert "hermetic run: 1 lost, 2 passed in 2 processes" in ran.text, ran.text
    assert sorted(cases) == [("test_a", []), ("test_b", ["error"]), ("test_c", [])]
    assert "lost   test_b.py::test_it  lost: its process was killed by SIGKILL while this test ran" in ran.text
    assert ran.status == 1


def test_an_ordinary_run_under_the_supervisor_is_pytests_own(suite):
    """
    Nothing is added, and the status is pytest's: 0 when all pass, 5 without tests, 4 for a bad command line.
    """
    suite.write("test_a.py", OK)

    assert [run(suite, "supervised", *words).status for words in ([], ["-k", "none"], ["--nonsense"])] == [0, 5, 4]


@pytest.mark.untraced("an asynchronous exception may strike while the tracer holds a lock")
def test_deadlines_work_off_the_main_thread(suite):
    """
    Pytest run in a thread, where no signal arrives: awaits are cancelled, busy loops get an asynchronous exception.
    """
    suite.write(
        "test_off.py",
        f"""
        import asyncio, pytest

        @pytest.mark.deadline({SHORT})
        async def test_await():
            await asyncio.sleep(1000)

        @pytest.mark.deadline({SHORT})
        def test_busy():
            while True:
                sum(range(50))

        def test_sound(): pass
        """,
    )
    program = (
        "import sys, threading, pytest; box = []\n"
        "thread = threading.Thread(target=lambda: box.append(pytest.main(sys.argv[1:])))\n"
        "thread.start(); thread.join(); sys.exit(int(box[0]))"
    )
    arguments = command(suite, "plain")[3:]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=suite.directory,
        env=variables(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "2 failed, 1 passed" in done.stdout, done.stdout
    assert "test_off.py:5" in done.stdout


def test_a_test_that_uses_the_signal_itself_keeps_it(suite):
    """
    The program's own handler and timer work inside a test, and the deadline still holds with the spare signal.
    """
    suite.write(
        "test_signal.py",
        f"""
        import pytest, signal, threading

        def test_own_timer():
            came = []
            before = signal.signal(signal.SIGVTALRM, lambda *_: came.append(1))
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.05)
            while not came:
                pass
            signal.signal(signal.SIGVTALRM, before)

        @pytest.mark.deadline({SHORT})
        def test_hang_with_own_handler():
            before = signal.signal(signal.SIGRTMAX, lambda *_: None)
            try:
                threading.Event().wait()
            finally:
                signal.signal(signal.SIGRTMAX, before)
        """,
    )
    ran = run(suite, "plain")

    assert "1 failed, 1 passed" in ran.text, ran.text
    assert "ended by interrupting its thread" in ran.text
