"""
`hermetic bisect` on suites in which tests depend on one another.

`./dev prove bisect` looks for all thirteen victims among 400 tests; a test run for two of them among 60.
"""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import pytest
from hermetic.cli.commands import group as main
from hermetic.runs.polluters import diagnose, report
from hermetic.runs.probe import ProbeError, Prober

pytestmark = [pytest.mark.timeout(1200), pytest.mark.deadline(1200)]


def _load():
    spec = importlib.util.spec_from_file_location("hermetic_order_scenes", Path(__file__).with_name("order_scenes.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scenes = _load()


def only_hermetic(monkeypatch):
    """
    Other plugins have no part in this, and each process would pay for their start.
    """
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "hermetic._pytest.plugin")


SCENES = sorted(scenes.SCENES, key=lambda name: name not in {"singleton", "file"})


@pytest.mark.prove("bisect", sample=2, full=len(SCENES))
def test_every_victims_polluter_and_its_line_are_named(tmp_path, rounds, monkeypatch, capsys):
    """
    By few probes, with the state that changed, and the failure comes again in a process started from nothing.
    """
    is_whole = rounds == len(SCENES)
    size = scenes.SIZE if is_whole else 60
    if not is_whole:
        only_hermetic(monkeypatch)
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
    assert named >= rounds - 1


MIXED = """
import os, pytest, threading
ready = []
def test_sets(): ready.append(1)
def test_plain(): pass
def test_needs(): assert ready
def test_breaks(): assert False
def test_takes_its_process_along(): os._exit(3)
def test_never_ends(): threading.Event().wait()
"""


@pytest.fixture
def mixed(tmp_path, monkeypatch):
    only_hermetic(monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_a.py").write_text(MIXED)
    # Only what a search may meet.
    return ["--deselect", "test_a.py::test_takes_its_process_along", "--deselect", "test_a.py::test_never_ends"]


def test_the_command_names_what_a_brittle_test_needs(mixed, capsys):
    """
    With what it tries, on the error stream, and the exit status of a question that was answered.
    """
    with pytest.raises(SystemExit) as ended:
        main(["bisect", "test_needs", *mixed])
    shown = capsys.readouterr()

    assert "test_a.py::test_needs passes only after\n  test_a.py::test_sets" in shown.out
    assert "fails  after 0 tests" in shown.err
    assert ended.value.code == 0


def test_a_name_that_nobody_has_is_told(mixed, capsys):
    """
    With how many tests there are.
    """
    with pytest.raises(SystemExit) as ended:
        main(["bisect", "test_none", "--quiet", *mixed])

    assert "0 of 4 tests have 'test_none' in their names" in capsys.readouterr().err
    assert ended.value.code == 1


def test_what_is_no_victim_is_told_as_what_it_is_and_no_test_ends_the_suites_process(mixed, tmp_path):
    """
    One that always fails, one that nothing disturbs; a test that crashes, or does not end in its time, is lost with a child,
    and the suite's process goes on answering.
    """
    with Prober((), cwd=tmp_path) as prober:
        before = ["test_a.py::test_sets", "test_a.py::test_needs"]
        always = report(diagnose("test_a.py::test_breaks", prober, before=before, cwd=tmp_path), root=tmp_path)
        never = report(diagnose("test_a.py::test_plain", prober, before=before, cwd=tmp_path), root=tmp_path)
        assert prober.run(["test_a.py::test_takes_its_process_along"]).was_lost
        prober.timeout = 0.3
        assert prober.run(["test_a.py::test_never_ends"]).was_lost
        prober.timeout = 30.0
        assert prober.run(["test_a.py::test_plain"]).ended == ["test_a.py::test_plain"]

    assert "fails alone as well as after others" in always
    assert "passes alone and after every other test" in never


def test_a_suite_that_cannot_be_collected_says_what_pytest_printed(tmp_path, monkeypatch):
    """
    Not only that it failed.
    """
    only_hermetic(monkeypatch)
    (tmp_path / "test_a.py").write_text("import nowhere_to_be_found\n")

    with pytest.raises(ProbeError, match="No module named 'nowhere_to_be_found'"), Prober((), cwd=tmp_path):
        pass
