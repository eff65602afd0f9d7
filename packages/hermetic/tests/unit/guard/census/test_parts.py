"""
What single kinds of resources say and do, asked without a census around them.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import inspect
import json
import mmap
import os
import pkgutil
import signal
import socket
import sqlite3
import subprocess
from asyncio import runners
from collections.abc import Coroutine
from pathlib import Path

import aiohttp
import hermetic.guard.census
import pytest
from hermetic.foundation import Frame, Owner, Remedy
from hermetic.guard.census import patience, proc
from hermetic.guard.census.aiohttp_parts import ClientSessions
from hermetic.guard.census.arrivals import Arrivals
from hermetic.guard.census.asyncio_state import AsyncioLocks, ScheduledCalls
from hermetic.guard.census.attribution import Attribution, Errand
from hermetic.guard.census.cases import Case, verdicts
from hermetic.guard.census.census import Census
from hermetic.guard.census.coroutines import Coroutines
from hermetic.guard.census.memory import MappingMade
from hermetic.guard.census.orphans import Orphans
from hermetic.guard.census.shifts import Shifts
from hermetic.guard.census.site import Reader
from hermetic.guard.census.sockets import Sockets
from hermetic.guard.census.tracker import Basic
from hermetic.guard.census.wrapping import after
from hermetic.guard.kinds import KINDS
from hermetic.guard.ownership import Roll, Tenure


def trackers():
    """
    The classes of all trackers, by their names.
    """
    found = {}
    for module in pkgutil.iter_modules(hermetic.guard.census.__path__, "hermetic.guard.census."):
        # Those of uvloop take their words from asyncio's when they are made.
        if module.name.endswith("uvloop_parts"):
            continue
        for cls in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(cls) and issubclass(cls, Basic) and "kind" in vars(cls):
                found[cls.__name__] = cls
    return found


@pytest.mark.parametrize("cls", [pytest.param(cls, id=name) for name, cls in trackers().items()])
def test_every_tracker_has_the_words_that_a_finding_is_made_of(cls):
    """
    A kind that rules know, a headline, a noun for what others hold, a place among causes, and what to do.
    """
    assert cls.kind in KINDS
    assert cls.title
    assert cls.noun
    assert cls.verb
    assert isinstance(cls.rank, int)
    assert isinstance(cls.is_note, bool)
    assert isinstance(cls.remedy, Remedy)


def tenure(name="test", **owner):
    return Tenure(lambda: Owner(kind="test", name=name, **owner))


class Intake:
    """
    Takes in what trackers see.
    """

    def __init__(self):
        self.seen = []

    def opened(self, tracker, instance, *, skip):
        self.seen.append((tracker.kind, instance))


def test_locks_are_seen_when_they_are_made_until_that_is_undone():
    """
    Each once.
    """
    intake = Intake()
    undo = AsyncioLocks().install(intake)
    lock = asyncio.Lock()
    undo()
    asyncio.Lock()

    assert intake.seen == [("asyncio.lock", lock)]


def test_calls_that_are_scheduled_are_looked_at_before_a_runner_cancels_its_tasks():
    """
    Those would cancel them on their way out. Undone, the runner is as it was.
    """
    before = runners._cancel_all_tasks
    undo = ScheduledCalls().install(Intake())
    during = runners._cancel_all_tasks
    undo()

    assert during is not before
    assert runners._cancel_all_tasks is before


class Errands(Coroutine):
    """
    A coroutine of the project's own, which cannot be put into a set.
    """

    __hash__ = None

    def __eq__(self, other):
        return isinstance(other, Errands)

    def send(self, value):
        raise StopIteration(7)

    def throw(self, *error):
        raise error[0]

    def close(self):
        pass

    def __await__(self):
        return self


def test_a_coroutine_that_cannot_be_hashed_runs_as_it_would_unwatched():
    """
    What else can be awaited may be anything.
    """
    loop = asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(Errands()) == 7
    finally:
        loop.close()


class Box:
    """
    Something that has parts, and can be closed.
    """

    def __init__(self, *parts):
        self.parts = parts
        self.is_closed = False


class Boxes(Basic):
    kind = "file"
    noun = "box"
    title = "Box"
    remedy = Remedy(text="Close it.")

    def is_open(self, resource):
        return not resource.is_closed

    def belongings(self, resource):
        return resource.parts


def test_what_a_closed_resource_had_is_not_its_owners_any_more():
    """
    An owner's belongings are its value, and what it has open.
    """
    roll = Roll()
    census = Census([], roll=roll, arrivals=Arrivals())
    owner, part, lost = Tenure(lambda: Owner(kind="fixture", name="shop")), object(), object()
    boxes = Box(part), Box(lost)
    for box in boxes:
        census.ledger.enter(Boxes(), box, site=((), False), tenure=owner)
    boxes[1].is_closed = True

    assert census._roots(owner) == [part]


async def test_client_sessions_are_seen_when_they_are_made_until_that_is_undone():
    """
    As soon as the library is there.
    """
    intake = Intake()
    undo = ClientSessions(Arrivals()).install(intake)
    async with aiohttp.ClientSession() as session:
        undo()
        async with aiohttp.ClientSession():
            pass

    assert intake.seen == [("aiohttp.session", session)]


def test_a_client_session_whose_loop_is_closed_is_closed_nevertheless():
    """
    With its connector; nothing can be awaited any more.
    """
    loop = asyncio.new_event_loop()

    async def make():
        return aiohttp.ClientSession()

    session = loop.run_until_complete(make())
    connector = session.connector
    loop.close()
    said = ClientSessions(Arrivals()).mend(session)

    assert (said, session.closed, connector.closed) == ("closed", True, True)


def test_a_coroutine_is_open_until_it_has_ended():
    """
    Awaited or closed.
    """

    async def work():
        pass

    coroutine = work()
    before = Coroutines().is_open(coroutine)
    coroutine.close()

    assert (before, Coroutines().is_open(coroutine)) == (True, False)


def test_a_socket_is_told_with_its_type_and_its_ends():
    """
    Of each end the address.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            own = client.getsockname()[1]
            told = Sockets().subject(client, "")
            listening = Sockets().subject(server, ""), Sockets().evidence(server)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        unbound = Sockets().subject(one, "")

    assert told == f"stream INET 127.0.0.1:{own} to 127.0.0.1:{port}"
    assert listening == (f"stream INET 127.0.0.1:{port}", ["it is listening"])
    assert unbound == "dgram UNIX not bound"


def test_a_mapping_is_told_from_others_by_its_length_where_that_is_known():
    """
    A length of 0 is that of the file, which is not known.
    """
    with mmap.mmap(-1, 4096) as one, mmap.mmap(-1, 8192) as other:
        known = frozenset(id(each) for each in MappingMade(0, frozenset(), None).objects()) - {id(one), id(other)}
        by_length = MappingMade(4096, known, None).objects()
        by_none = MappingMade(0, known, None).objects()

        assert by_length == [one]
        assert {id(each) for each in by_none} == {id(one), id(other)}
        del by_length, by_none


class Shop:
    def total(self):
        """
        Of all lines.
        """
        return 5


class Branch(Shop):
    pass


def test_a_watched_call_gives_what_it_gave_before():
    """
    Who watches is told of it, and its own errors go nowhere; undone, the class is as it was.
    """
    seen = []
    undo = after(Branch, "total", seen.append)
    given = Branch().total()
    undo()

    def raises(*_):
        raise ValueError("no")

    again = after(Shop, "total", raises)
    other = Shop().total()
    again()

    assert (given, other) == (5, 5)
    assert [type(one) for one in seen] == [Branch]
    assert "total" not in vars(Branch)


class Watch:
    """
    Remembers how it was called.
    """

    def __init__(self, log):
        self._log = log

    def start(self):
        self._log.append("start")
        return lambda: self._log.append("stop")

    def look(self, ran, *, is_brief):
        self._log.append(("look", ran, is_brief))

    def judge(self, ended):
        self._log.append(("judge", tuple(ended)))


def test_watches_look_when_somebody_else_begins_and_when_owners_are_judged():
    """
    A fixture that is ready is looked at by itself; a test is when its fixtures are.
    """
    log = []
    roll = Roll()
    shifts = Shifts([Watch(log)], roll=roll)
    fixture = Tenure(lambda: Owner(kind="fixture", name="database"), value=object)
    test = tenure()
    shifts.start()
    shifts.entering(fixture)
    shifts.ready(fixture)
    shifts.entering(test)
    shifts.ready(test)
    assert list(shifts.judge([test])) == []
    shifts.stop()

    assert log == [
        "start",
        ("look", roll.session, True),
        ("look", fixture, False),
        ("look", roll.session, True),
        ("look", roll.session, False),
        ("judge", (test,)),
        "stop",
    ]
    assert shifts.name == "shifts"


def test_a_leak_in_libraries_alone_is_shown_where_its_owner_begins():
    """
    And it says so.
    """
    begins = Frame(file="/p/test_a.py", line=3, function="test_it")
    case = Case(
        kind="socket",
        title="Socket left open",
        subject="stream INET",
        remedy=Remedy(text="Close it."),
        tenure=tenure(defined=begins),
        site=(((json.dumps.__code__, 0),), False),
    )
    (verdict,) = verdicts([case], reader=Reader())

    assert verdict.finding.site.frames[0] == begins
    assert verdict.finding.site.frames[1].function == "dumps"
    assert "only libraries' code was on the stack; the line is where its owner begins" in verdict.finding.evidence


def test_what_outlasts_its_time_is_there_and_what_ends_is_not():
    """
    Asked again and again, with a pause between.
    """
    left = [True, True, False]

    assert patience.outlasts(lambda: True, is_worked_on=lambda: False, pause=lambda _: None) is True
    assert patience.outlasts(lambda: left.pop(0), is_worked_on=lambda: False, pause=lambda _: None) is False


@pytest.mark.parametrize("count, said", [(0, ""), (2, ", and 2 that it had started")])
def test_the_processes_that_one_has_started_are_ended_and_counted(count, said):
    """
    Listed while they are still its own.
    """
    command = f"for n in {' '.join(map(str, range(count)))}; do sleep 60 & done; echo ready; read line"
    with subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        family = proc.Family(process.pid)
        members = proc.descendants(process.pid)
        process.stdin.close()
        process.wait()
        told = family.end()

    assert len(members) == count
    assert told == said


class Hears:
    """
    Says that the test `tenure` runs, and keeps what happened.
    """

    def __init__(self, owner):
        self.attribution = self
        self._owner = owner
        self.cases = []

    def current(self):
        return self._owner

    def happened(self, case):
        self.cases.append(case)


def test_a_process_that_is_on_its_way_out_gets_its_time(tmp_path, monkeypatch):
    """
    It ends while it is looked for.
    """
    monkeypatch.setenv("OF_THIS_TEST", "one that ends")
    owner = tenure()
    census = Hears(owner)

    def pause(_):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)

    orphans = Orphans(census, variable="OF_THIS_TEST", sleep=pause)
    stop = orphans.start()
    try:
        subprocess.run(["sh", "-c", f"sleep 60 & echo $! > {tmp_path / 'pid'}"], check=True, stdout=subprocess.DEVNULL)
        orphans.judge([owner])
    finally:
        stop()

    assert census.cases == []


async def test_what_a_task_does_for_an_owner_that_is_over_is_the_current_ones():
    """
    Until then it is the owner's that sent it.
    """
    roll = Roll()
    attribution = Attribution(roll)
    sender = tenure()
    token = attribution.carry(None, Errand(sender, None))
    before = attribution.current()
    sender.is_over = True
    after_it = attribution.current()
    attribution.put_down(token)

    assert before is sender
    assert after_it is roll.current


@pytest.mark.hermetic("sqlite3.* = off", "resource.dropped = off", reason="a connection is dropped on purpose")
def test_a_dropped_connection_with_a_lock_is_not_held_until_the_test_is_over(tmp_path):
    """
    Once the next one is opened, the collector may free it, as it may without anybody who watches.
    """
    path = tmp_path / "shop.db"
    sqlite3.connect(path, isolation_level=None, timeout=0).execute("BEGIN IMMEDIATE")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
        gc.collect()
        other.execute("BEGIN IMMEDIATE")
        other.execute("COMMIT")


def test_a_process_that_outlives_its_parent_is_found_and_ended(tmp_path, monkeypatch):
    """
    With the line that started its parent; once.
    """
    monkeypatch.setenv("OF_THIS_TEST", "an orphan")
    owner = tenure()
    census = Hears(owner)
    orphans = Orphans(census, variable="OF_THIS_TEST")
    stop = orphans.start()
    try:
        subprocess.run(["sh", "-c", f"sleep 60 & echo $! > {tmp_path / 'pid'}"], check=True, stdout=subprocess.DEVNULL)
        pid = int((tmp_path / "pid").read_text())
        orphans.judge([owner])
        (case,) = census.cases
        said = case.mend()
        orphans.judge([owner])
    finally:
        stop()

    assert (case.kind, case.tenure, said) == ("process.orphan", owner, "killed")
    assert f"pid {pid} sleep 60" in case.subject
    assert len(census.cases) == 1
    assert proc.read(pid) is None or proc.read(pid).state == "Z"
    assert Path(case.site[0][0][0].co_filename).name in {"subprocess.py", Path(__file__).name}
