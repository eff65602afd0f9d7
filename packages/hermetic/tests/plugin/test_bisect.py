"""
`hermetic bisect` on suites in which tests depend on one another.

`./dev prove bisect` looks for all twelve victims among 400 tests; a test run for two of them among 60.
"""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hermetic.runs.polluters import diagnose, report
from hermetic.runs.probe import ProbeError, Prober

pytestmark = [pytest.mark.timeout(1200), pytest.mark.deadline(1200)]


def _load():
    spec = importlib.util.spec_from_file_location("hermetic_order_scenes", Path(__file__).with_name("order_scenes.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scenes = _load()
SCENES = sorted(scenes.SCENES, key=lambda name: name not in {"singleton", "file"})


@pytest.mark.prove("bisect", sample=2, full=len(SCENES))
def test_every_victims_polluter_and_its_line_are_named(tmp_path, rounds, monkeypatch, capsys):
    """
    By few probes, with the state that changed, and the failure comes again in a process started from nothing.
    """
    size = 60 if rounds < len(SCENES) else scenes.SIZE
    scenes.write(tmp_path, size=size)
    monkeypatch.chdir(tmp_path)
    named, told = 0, []
    with Prober((), cwd=tmp_path) as prober:
        for name in SCENES[:rounds]:
            [victim] = [one for one in prober.collected if one.endswith(f"test_victim_{name}")]
            diagnosis = diagnose(victim, prober, cwd=tmp_path)
            text = report(diagnosis, root=tmp_path)
            polluters = [test.partition("::")[2] for test in diagnosis.found.tests]

            assert polluters == [f"test_pollutes_{name}_{n}" for n in range(len(scenes.SCENES[name][0]))], text
            assert diagnosis.found.probes <= 3 * math.log2(size) + 6
            assert diagnosis.is_reproduced, text
            named += "# HERE" in text
            told.append(f"{name} {diagnosis.found.probes}")
    with capsys.disabled():
        print(f"\nbisect: {named} of {rounds} lines named; probes: {', '.join(told)}")  # noqa: T201 - part of the proof
    assert named >= min(rounds, 11)


def bisect(directory, *arguments):
    return subprocess.run(
        [sys.executable, "-c", "from hermetic.cli import main; main()", "bisect", *arguments],
        cwd=directory,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


MIXED = """
import os, pytest
ready = []
def test_sets(): ready.append(1)
def test_plain(): pass
def test_needs(): assert ready
def test_breaks(): assert False
"""


def test_what_is_no_victim_is_told_as_what_it_is(tmp_path):
    """
    A brittle test with what it needs; one that always fails; one that nothing disturbs; a name that nobody has.
    """
    (tmp_path / "test_a.py").write_text(MIXED)

    brittle = bisect(tmp_path, "test_needs")
    always = bisect(tmp_path, "test_breaks", "--quiet")
    never = bisect(tmp_path, "test_plain", "--quiet")
    unknown = bisect(tmp_path, "test_none")

    assert "test_a.py::test_needs passes only after\n  test_a.py::test_sets" in brittle.stdout
    assert "fails  after 0 tests" in brittle.stderr
    assert brittle.returncode == 0
    assert "fails alone as well as after others" in always.stdout
    assert "passes alone and after every other test" in never.stdout
    assert (always.returncode, never.returncode) == (1, 1)
    assert "0 of 4 tests have 'test_none' in their names" in unknown.stderr


def test_a_suite_that_cannot_be_collected_says_what_pytest_printed(tmp_path):
    """
    Not only that it failed.
    """
    (tmp_path / "test_a.py").write_text("import nowhere_to_be_found\n")

    with pytest.raises(ProbeError, match="No module named 'nowhere_to_be_found'"), Prober((), cwd=tmp_path):
        pass


def test_a_test_that_takes_its_process_along_is_a_failure(tmp_path):
    """
    A crash ends a child; the suite's process goes on answering.
    """
    (tmp_path / "test_a.py").write_text("import os\ndef test_a(): os._exit(3)\ndef test_b(): pass\n")
    with Prober((), cwd=tmp_path) as prober:
        assert prober.run(["test_a.py::test_a"]).was_lost
        assert prober.run(["test_a.py::test_b"]).ended == ["test_a.py::test_b"]


def test_a_probe_that_never_ends_is_ended(tmp_path):
    """
    After its time, and counts as lost.
    """
    (tmp_path / "test_a.py").write_text(
        "import threading\ndef test_a(): threading.Event().wait()\ndef test_b(): pass\n"
    )
    with Prober((), cwd=tmp_path, timeout=20.0) as prober:
        prober.timeout = 1.0

        assert prober.run(["test_a.py::test_a"]).was_lost
        assert not prober.run(["test_a.py::test_b"]).was_lost
