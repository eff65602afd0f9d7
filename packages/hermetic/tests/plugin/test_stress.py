"""
`hermetic stress` on tests that fail now and then, and on others that do not.

`./dev prove stress` stresses ten of each under every condition; a test run one of each under one.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from hermetic.cli.commands import group as main
from hermetic.runs.stress.campaign import Campaign, Plan
from hermetic.runs.stress.telling import text
from hermetic.runs.stress.trials import Bench

pytestmark = [pytest.mark.timeout(3600), pytest.mark.deadline(3600)]


def _load():
    spec = importlib.util.spec_from_file_location(
        "hermetic_stress_scenes", Path(__file__).with_name("stress_scenes.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scenes = _load()


@pytest.fixture(autouse=True)
def _few_plugins(monkeypatch):
    # Others have no part in this, and each process would pay for their start.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "hermetic._pytest.plugin,pytest_asyncio.plugin")


@pytest.mark.prove("stress", sample=1, full=len(scenes.SCENES))
def test_the_condition_that_decides_is_named_and_sound_twins_are_left_alone(tmp_path, rounds, capsys):
    """
    In at least nine of ten; no twin is called anything but stable, or unknown where too little was seen.
    """
    names = list(scenes.SCENES)[:rounds]
    is_whole = rounds == len(scenes.SCENES)
    scenes.write(tmp_path, only=names)
    plan = Plan(rate=0.01, arm_seconds=3.0) if is_whole else Plan(rate=0.02, runs=40, only=frozenset({"random"}))
    with Bench(["test_a.py"], cwd=tmp_path) as bench:
        stressed = [test for test in bench.collected if "_flaky_" in test or "_sound_" in test]
        tell = print if is_whole else lambda _: None
        verdicts = {one.test.rpartition("::")[2]: one for one in Campaign(bench, plan, tell=tell).run(stressed)}
    named = {
        name: verdicts[f"test_flaky_{name}"].cause is not None
        and verdicts[f"test_flaky_{name}"].cause.condition.name in scenes.SCENES[name][2]
        for name in names
    }
    sound = {name: verdicts[f"test_sound_{name}"].class_ for name in names}
    if is_whole:
        with capsys.disabled():
            print(f"\n{text(list(verdicts.values()))}\n\nstress: {sum(named.values())} of {rounds} conditions named")  # noqa: T201 - part of the proof
            print(f"missed: {[name for name, found in named.items() if not found]}; twins: {sound}")  # noqa: T201 - as above

    assert sum(named.values()) >= min(rounds, 9), text(list(verdicts.values()))
    assert set(sound.values()) <= {"stable", "unknown"}, text(list(verdicts.values()))
    if "float" in names:
        assert any("rounding" in note for note in verdicts["test_flaky_float"].notes)


@pytest.fixture
def stress(tmp_path, monkeypatch, capsys):
    """
    The command, in this process: what it prints, and its exit status.
    """
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["stress", *arguments])
        printed = capsys.readouterr()
        return printed.out + printed.err, ended.value.code

    return run


MIXED = """
import pytest
ready = []
def test_fails(): assert False
def test_skipped(): pytest.skip("not here")
def test_sets(): ready.append(1)
def test_needs(): assert ready
"""
COLD = """
seen = []
def test_first():
    seen.append(1)
    assert len(seen) > 1
"""
DYING = """
import os, random
def test_dies():
    if random.random() < 0.5:
        os._exit(3)
"""


@pytest.mark.parametrize(
    ("source", "runs", "classes"),
    [
        (MIXED, 8, {"fails": "broken", "skipped": "skipped", "sets": "stable", "needs": "order-dependent"}),
        (COLD, 20, {"first": "cold-start"}),
    ],
    ids=["seen at once", "seen by the first runs of processes"],
)
def test_each_kind_of_test_gets_its_class(tmp_path, stress, source, runs, classes):
    """
    Broken, skipped, brittle; cold, for which more processes must have begun.
    """
    (tmp_path / "test_a.py").write_text(source)
    shown, status = stress("test_a.py", "--only", "random", "--runs", str(runs), "--json", "--quiet")
    told = {one["test"].partition("::test_")[2]: one["class"] for one in json.loads(shown)["tests"]}

    assert status == 1
    assert told == classes


def test_one_that_takes_its_process_along_is_flaky_by_the_draw_that_does_it(tmp_path, stress):
    """
    With the command that shows it once more.
    """
    (tmp_path / "test_a.py").write_text(DYING)
    shown, status = stress("test_a.py", "--only", "random", "--runs", "20", "--json", "--quiet")
    [told] = json.loads(shown)["tests"]
    [cause] = told["causes"]
    once = stress("test_a.py::test_dies", "--again", json.dumps(cause["setting"]))

    assert (told["class"], cause["condition"]) == ("flaky", "random")
    assert cause["command"].startswith("hermetic stress 'test_a.py::test_dies' --again '{")
    assert "its process was lost" in once[0]
    assert (status, once[1]) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "weather"], "there is no condition 'weather'; there are random, clock"),
        (["--for", "soon"], "'soon' is no duration; write 90s, 10m or 1.5h"),
        (["--until-confident", "--runs", "3"], "--until-confident and --runs exclude each other"),
        (["--again", "{"], "--again '{' is no JSON"),
    ],
)
def test_a_question_with_a_mistake_is_refused(arguments, says, stress):
    """
    Before anything is collected.
    """
    shown, status = stress("test_a.py", *arguments)

    assert says in shown
    assert status == 1
