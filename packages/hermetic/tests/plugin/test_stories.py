"""
What a run leaves in its journal beyond outcomes: each try, tasks, the steps that end a hang, and what its history knew.
"""

from __future__ import annotations

import json
import re

import pytest
from hermetic.record import read
from hermetic.record.events import PastKnown, PhaseEnded, SuitePast, TaskEnded, TaskFailed, TestRetried
from hermetic.record.history.runs import Run, Try
from hermetic.record.history.spool import spool
from hermetic.record.report import TestReporter

SUITE = """
import asyncio, unittest.mock
import pytest

async def pay():
    await asyncio.sleep(0.01)
    raise ValueError("refused")

async def ship():
    await asyncio.sleep(0)

async def test_tasks():
    shipped = asyncio.create_task(ship(), name="shipping")
    paid = asyncio.create_task(pay(), name="paying")
    await shipped
    while not paid.done():
        await asyncio.sleep(0.001)
    for _ in range(5):
        await asyncio.sleep(0)
    with pytest.raises(ValueError):
        await paid

@pytest.mark.deadline(0.1)
async def test_hangs():
    await asyncio.Event().wait()

@pytest.mark.retry(2)
def test_flips(tries=[]):
    tries.append(1)
    assert len(tries) > 2

def test_runs_out():
    mock = unittest.mock.Mock(side_effect=[1])
    mock()
    mock()

def test_breaks():
    assert False

async def consume(queue):
    await queue.get()

async def test_fails_beside_another():
    consumer = asyncio.create_task(consume(asyncio.Queue()), name="consumer")
    await asyncio.sleep(0)
    try:
        assert consumer.done()
    except AssertionError as error:
        raise RuntimeError("no") from error

def test_fails_in_a_group_of_a_loop_of_its_own():
    async def work():
        async with asyncio.TaskGroup() as group:
            group.create_task(consume(asyncio.Queue()), name="sibling")
            group.create_task(pay(), name="payer")
    asyncio.run(work())

async def test_fails_alone():
    pytest.fail("alone")

def test_catches_what_leaves_its_loop():
    with pytest.raises(ValueError):
        asyncio.run(pay())
    assert False

def test_was_mended(): ...
"""


@pytest.fixture(scope="module")
def runs(module_suite):
    module_suite.write("test_shop.py", SUITE)
    # The run before left its outcomes beside the history, as every run does.
    before = {"breaks": "passed", "was_mended": "failed", "hangs": "failed", "runs_out": "failed"}
    tries = [Try(test=f"test_shop.py::test_{name}", outcome=outcome) for name, outcome in before.items()]
    spool(module_suite.directory / "history", Run(id="before", at=1.7e9), tries)
    words = ("-n1", "--hermetic-history=history", "--hermetic-report=page.html")
    run = module_suite.run(*words, plugins=("asyncio", "xdist"))
    return run, read(module_suite.directory / "journal.jsonl")


def events(runs, kind):
    return [event for journal in runs[1] for event in journal.events if isinstance(event, kind)]


def test_tasks_of_the_project_are_told_and_one_that_failed_unwatched(runs):
    """
    Each with its function, how it ended and how long it took; a failure is told although it is seen to later.
    """
    ended = {one.task: one for one in events(runs, TaskEnded)}

    assert (ended["shipping"].coroutine, ended["shipping"].outcome) == ("ship", "succeeded")
    assert (ended["paying"].outcome, ended["paying"].duration_s >= 0.01) == ("failed", True)
    assert [(one.task, one.failure.type) for one in events(runs, TaskFailed)] == [("paying", "ValueError")]


def test_each_try_is_told_by_itself(runs):
    """
    Two failed, the third passed, each with its own phases.
    """
    report = TestReporter.from_journals(runs[1][0].path)
    test = report.run.test("test_shop.py::test_flips")

    assert [one.attempt for one in events(runs, TestRetried)] == [1, 2]
    assert test is not None
    assert [one.outcome for one in test.tries] == ["failed", "failed", "passed"]


def test_the_steps_that_end_a_hang_are_told_with_what_waited(runs):
    """
    The deadline, the cancellation, and how it ended; the await tree is in the report.
    """
    report = TestReporter.from_journals(runs[1][0].path)
    (shown,) = [one for one in report.document["tests"] if one["id"].endswith("test_hangs")]
    (one,) = shown["tries"]

    assert [each["label"].partition(",")[0] for each in one["events"] if each["lane"] == "deadlines"] == [
        "call passed its 0.1 s",
        "call is cancelled",
        "call was ended: cancelled",
    ]
    assert "await asyncio.Event().wait()" in one["waits"][0]


def test_a_failure_tells_what_other_tasks_awaited_when_it_left_their_loop(runs):
    """
    Also of a loop that is closed before the failure is reported, and of a group that ends its members; and that none did.
    """
    failures = {one.test.partition("::")[2]: one.failure for one in events(runs, PhaseEnded) if one.failure is not None}

    beside = failures["test_fails_beside_another"].tasks
    assert re.search(r"^  consumer\n    test_shop\.py:\d+ in consume  await queue\.get\(\)\n", beside, re.MULTILINE)
    assert re.search(
        r"^    asyncio/queues\.py:\d+ in Queue\.get .*\n      waits for an item in <Queue", beside, re.MULTILINE
    )
    group = failures["test_fails_in_a_group_of_a_loop_of_its_own"].tasks
    assert re.search(r"└ sibling\n *test_shop\.py:\d+ in consume  await queue\.get\(\)", group)
    assert "payer" not in group
    assert failures["test_fails_alone"].tasks == "no other task was alive"
    assert [failures[name].tasks for name in ("test_breaks", "test_catches_what_leaves_its_loop")] == ["", ""]
    shown = TestReporter.from_journals(runs[1][0].path.parent).document["tests"]
    assert [one["tries"][0]["alive"] for one in shown if one["id"].endswith("beside_another")] == [beside]


def test_the_journal_holds_what_the_history_knew(runs):
    """
    The run before, seen from this one: what broke, what still fails, what was mended.
    """
    (suite,) = events(runs, SuitePast)
    known = {one.test.partition("::")[2]: one for one in events(runs, PastKnown)}
    news = TestReporter.from_journals(runs[1][0].path).document["news"]

    assert (suite.runs, suite.tests) == (1, 4)
    assert (known["test_breaks"].passed, known["test_runs_out"].failed) == (1, 1)
    assert news["failing"] == ["test_shop.py::test_breaks"]
    assert news["still"] == ["test_shop.py::test_hangs", "test_shop.py::test_runs_out"]
    assert news["mended"] == ["test_shop.py::test_was_mended"]


def test_causes_that_a_worker_found_are_shown_at_the_end(runs):
    """
    The controller of xdist shows them as they came; the page carries them too.
    """
    run, _ = runs

    assert "A mock ran out of side effects: it was called 2 times and was given 1." in run.text
    page = (run.directory / "page.html").read_text()
    first = json.loads(page.partition('id="first">')[2].partition("</script>")[0])
    assert "mock.exhausted" in [group["rule"] for group in first["groups"]]


def test_a_full_disk_changes_no_status_and_is_told_under_any_locale(suite, tmp_path):
    """
    No room for the journal, nor for one of the reports, and a terminal that knows ASCII only.
    """
    suite.write(
        "test_a.py", "import pytest\n@pytest.mark.parametrize('n', ['\\udcff', 'é'])\ndef test_a(n): print(n)\n"
    )
    plain = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "TMPDIR": str(tmp_path)}
    run = suite.run("--hermetic-journal=/dev/full", "--hermetic-report=full.md", env=plain)

    assert (run.status, run.outcomes["passed"]) == (0, 2)
    assert "Hermetic: /dev/full: No space left on device" in run.text
    assert "Hermetic: no report: NotAJournalError: /dev/full is no journal: it is a device" in run.text
