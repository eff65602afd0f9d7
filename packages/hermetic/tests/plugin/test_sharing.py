"""
Tests that share a resource, and parts of a suite.
"""

from __future__ import annotations

import re
import shutil
import socket

import pytest

SHARED = """
import pytest, socket, threading
@pytest.mark.shares("port:{port}")
@pytest.mark.parametrize("n", range(6))
def test_a(n):
    with socket.socket() as one:
        one.bind(("127.0.0.1", {port}))
        threading.Event().wait(0.02)
"""
# Each hands tests out in its own way; a test run takes the first two.
MODES = ["worksteal", "loadgroup", "load", "loadscope", "loadfile"]


@pytest.mark.prove("shares", sample=1, full=len(MODES))
def test_what_is_shared_is_used_by_one_test_at_a_time(suite, rounds):
    """
    In every way in which xdist hands out tests: two files in two workers bind one port, and none finds it taken.
    """
    for mode in MODES[:rounds]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        suite.write("test_a.py", SHARED.format(port=port))
        suite.write("test_b.py", SHARED.format(port=port))
        run = suite.run("-n2", f"--dist={mode}", plugins=("xdist",))

        assert run.outcomes == {"passed": 12}, run.text


def test_a_marker_that_names_nothing_is_refused(suite):
    """
    With its line.
    """
    suite.write("test_a.py", "import pytest\n@pytest.mark.shares(8080)\ndef test_a(): pass\n")
    run = suite.run()

    assert "it takes names, as in" in run.text
    assert "test_a.py:2" in run.text


def test_parts_of_a_suite_hold_every_test_once(suite):
    """
    By the durations of earlier runs; each part says how to see that the others split alike.
    """
    suite.write("test_a.py", "import pytest\n@pytest.mark.parametrize('n', range(5))\ndef test_a(n): pass\n")
    suite.write("test_b.py", "def test_b(): pass\ndef test_c(): pass\n")
    suite.run()
    # Machines have the history in copies: what one of them adds to it by its own part does not reach the others.
    for part in (1, 2):
        shutil.copytree(suite.directory / ".hermetic", suite.directory / f"machine{part}")
    parts = [suite.run(f"--hermetic-shard={part}/2", f"--hermetic-history=machine{part}") for part in (1, 2)]
    ran = [set(re.findall(r"^(test_\S+) PASSED", part.text, re.MULTILINE)) for part in parts]
    digests = [re.findall(r"digest (\w{8})", part.text) for part in parts]

    assert len(ran[0] | ran[1]) == 7
    assert not ran[0] & ran[1]
    assert all(ran)
    assert "by 7 known durations" in parts[0].text
    assert len(digests[0]) == 1
    assert digests[0] == digests[1]
    assert "write 2/5" in suite.run("--hermetic-shard=3/2").text
