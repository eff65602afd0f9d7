"""
Other processes that make the machine busy, and a child that gets a tenth of the time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import pytest
from hermetic import wait_until
from hermetic.guard.strain.load import Load, wait_in_turns

# A parent that prints who works for it, and either leaves or is killed.
PARENT = """
import os, signal, sys
from hermetic.guard.strain.load import Load

with Load(cpu=1, disk=1) as load:
    print(*load._pids, flush=True)
    sys.stdin.readline()
    if "killed" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def is_at_work(pid: int) -> bool:
    """
    Whether the process is there and has not ended; one that has ended may wait for whoever collects it.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("end", ["left", "killed"])
async def test_it_ends_with_whoever_asked_for_it(end):
    """
    Two processes while it lasts; none when it is left, and none when its parent was killed and could end nobody.
    """
    pipe = asyncio.subprocess.PIPE
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, end, stdin=pipe, stdout=pipe)
    workers = [int(word) for word in (await parent.stdout.readline()).split()]
    at_work = [is_at_work(pid) for pid in workers]
    await parent.communicate(b"\n")

    assert at_work == [True, True]
    assert parent.returncode == (0 if end == "left" else -signal.SIGKILL)
    await wait_until(lambda: not any(map(is_at_work, workers)), deadline=30)


def test_without_any_wish_nothing_is_started():
    """
    No process, and leaving it twice is leaving it once.
    """
    load = Load()
    with load:
        assert load._pids == []
    load.__exit__()


@pytest.mark.parametrize("status", [0, 3])
def test_a_child_that_is_stopped_again_and_again_ends_as_it_would(status):
    """
    It is let go on each time, and its own status is what is returned.
    """
    code = f"import time\nfor _ in range(20): time.sleep(0.001)\nraise SystemExit({status})"
    pid = os.posix_spawn(sys.executable, [sys.executable, "-S", "-c", code], os.environ)
    try:
        ended = wait_in_turns(pid, seed=5)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        raise

    assert os.waitstatus_to_exitcode(ended) == status
