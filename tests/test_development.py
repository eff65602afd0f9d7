"""
What `./dev` does with the tests: profiles, coverage, soak, and the check that the tests notice wrong code.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _development(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `development` is no installed package: `./dev` finds it beside itself.
    """
    monkeypatch.syspath_prepend(str(ROOT))


# ---------------------------------------------------------------- profiles


def test_each_profile_does_what_its_name_promises():
    """
    Coverage is asked for only in ci, debugging is serial and verbose, and no profile tries a failed test again.
    """
    from development.profiles import profiles_in

    known = profiles_in(ROOT)

    assert set(known) == {"usual", "quick", "ci", "debug", "soak"}
    assert {name for name, one in known.items() if one.coverage or one.branches} == {"ci"}
    assert known["ci"].branches >= 90
    assert [name for name, one in known.items() if not one.parallel] == ["debug"]
    assert {"-vv", "--showlocals", "--tb=long"} < set(known["debug"].pytest)
    assert all(word == "--hermetic-retries=0" for one in known.values() for word in one.pytest if "retries" in word)


@pytest.mark.parametrize(
    ("words", "name", "rest"),
    [
        ([], "usual", []),
        (["-k", "sqlite"], "usual", ["-k", "sqlite"]),
        (["--profile", "debug", "-x"], "debug", ["-x"]),
        (["-x", "--profile=ci"], "ci", ["-x"]),
    ],
)
def test_a_profile_is_chosen_by_a_word_that_pytest_does_not_see(words, name, rest):
    """
    Whatever else is said goes to pytest.
    """
    from development.profiles import choose

    profile, left = choose(ROOT, words)

    assert (profile.name, left) == (name, rest)


def test_an_unknown_profile_is_answered_with_those_there_are():
    """
    Also when its name was forgotten.
    """
    from development.profiles import ProfileError, choose

    with pytest.raises(ProfileError, match=r"no profile named 'fast'. There are:\n +usual +all tests"):
        choose(ROOT, ["--profile", "fast"])
    with pytest.raises(ProfileError, match="no profile named ''"):
        choose(ROOT, ["--profile"])


def test_a_misspelt_key_of_a_profile_is_named(tmp_path):
    """
    A bound that nobody reads would be worse than none.
    """
    from development.profiles import ProfileError, profiles_in

    (tmp_path / "pyproject.toml").write_text('[tool.dev.profiles.ci]\nabout = "x"\nbranch = 90\n')

    with pytest.raises(ProfileError, match=r"\[tool.dev.profiles.ci\]: .*'branch'"):
        profiles_in(tmp_path)


def test_tests_run_in_parallel_unless_someone_debugs_or_says_how():
    """
    One process more than there are cores.
    """
    from development.profiles import workers

    assert workers(["-k", "x"], parallel=True) == ["-n", str((os.cpu_count() or 2) + 1), "--dist", "worksteal"]
    assert [workers([word], parallel=True) for word in ("-n0", "--pdb", "--co")] == [[], [], []]
    assert workers([], parallel=False) == []


# ---------------------------------------------------------------- coverage

SHOP = """
import os
import subprocess
import sys

def price(kind):
    if kind == "tea":
        return 3
    return 4

if __name__ == "__main__":
    print(price(sys.argv[1]))
"""
SHOP_TESTS = """
import subprocess
import sys
import pytest
import shop

def test_tea():
    assert shop.price("tea") == 3

{mark}
def test_milk_in_another_process():
    subprocess.run([sys.executable, "shop.py", "milk"], check=True)
"""


def test_branches_are_measured_in_other_processes_and_held_against_the_bound(tmp_path, monkeypatch, capfd):
    """
    One branch is taken only by a process that a test starts; when that test is marked untraced, it is not measured.
    """
    from development.profiles import Profile, judge_coverage

    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dev").mkdir()
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = untraced(reason): not measured\n")
    (tmp_path / ".coveragerc").write_text(
        "[run]\nbranch = true\nparallel = true\npatch = subprocess\nsource = .\nomit = conftest.py,test_shop.py\n"
        "[report]\nexclude_also = if __name__\n"
    )
    variables = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    profile = Profile(name="ci", about="", parallel=False, coverage=True)
    answers = []
    for mark in ("", '@pytest.mark.untraced("it is slow")'):
        (tmp_path / "test_shop.py").write_text(SHOP_TESTS.format(mark=mark))
        command = profile.command(sys.executable, ["-q", "-p", "no:cacheprovider"])
        subprocess.run(command, cwd=tmp_path, env=variables, check=True)
        answers.append(judge_coverage(tmp_path, sys.executable, variables=variables, least=90))

    said = capfd.readouterr().out
    assert answers == [0, 1], said
    assert "coverage: 2 of 2 branches, 100.0 %; 90 % are asked for" in said
    assert "coverage: 1 of 2 branches, 50.0 %; 90 % are asked for" in said


# ---------------------------------------------------------------- soak


def test_a_tally_cut_short_by_a_kill_is_read_up_to_there_and_summed(tmp_path):
    """
    Any failure, retry, finding or hang makes a run red, also when pytest was content; its command is told.
    """
    from development.soak import Record, read_tally, summary_of

    green = Record(
        commit="abc", words=("tests",), seed=7, parallel=True, busy=2, status=0, seconds=200.4, tests=9,
        failed=0, retried=0, findings=0, hangs=0, slowest_s=1.5,
    )  # fmt: skip
    found = dataclasses.replace(green, seed=8, parallel=False, findings=1)
    place = tmp_path / "soak.jsonl"
    lines = [json.dumps(dataclasses.asdict(one)) for one in (green, found)]
    place.write_text("\n".join([*lines, lines[0][:40]]))

    records = read_tally(place)

    assert records == [green, found]
    assert summary_of(records) == [
        "soak: abc: 2 runs, 1 green, 1 red",
        "soak: 18 tests run: 0 failed, 0 tried again, 1 findings, 0 hangs",
        "soak: 200 to 200 s a run; slowest test 1.5 s",
        "    red: ./dev test --randomly-seed=8 -n0 tests",
    ]
    assert read_tally(tmp_path / "none") == []
    assert summary_of([]) == ["soak: no run yet"]


LEAKY = """
import sqlite3

def test_leaves_a_connection(tmp_path):
    global kept
    kept = sqlite3.connect(tmp_path / "x.db")

def test_is_clean():
    pass
"""


def test_a_run_is_counted_from_its_journal(tmp_path):
    """
    Tests, failures and findings are what Hermetic wrote down, not what the terminal said.
    """
    from development.soak import Journal, read_journal

    (tmp_path / "test_leaky.py").write_text(LEAKY)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "hermetic._pytest.plugin",
        "-p",
        "no:cacheprovider",
        "--hermetic-journal=journal.jsonl",
    ]
    variables = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(command, cwd=tmp_path, env=variables, check=False, capture_output=True)
    told = read_journal(tmp_path)

    assert (told.tests, told.failed, told.findings, told.retried, told.hangs) == (2, 1, 1, 0, 0)
    assert 0 < told.slowest_s < 60
    assert read_journal(tmp_path / "elsewhere") == Journal()


# ---------------------------------------------------------------- mutation

TEXT = '''"""
Words.
"""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    A = 1 < 2


def bigger(a: int = 1, *, twice: bool = False) -> int:
    """
    More words: 1 < 2.
    """
    if (a >
            10 and not twice):
        raise ValueError(f"über {a + 1}")
    for _ in range(3):
        break
    a += 1
    return a * 2
'''


def test_every_change_is_a_program_with_its_lines_where_they_were():
    """
    Words, annotations and what only type checkers read are left alone.
    """
    from development.mutation.mutants import is_program, mutants_of

    changes = mutants_of("shop.py", TEXT)

    assert [change.name.removeprefix("shop.py:") for change in changes] == [
        "10: 1 → (2)",
        "10: False → (True)",
        "14: a > 10 → (a <= 10)",
        "14: a > 10 → (a >= 10)",
        "14: a > 10 and not twice → (a > 10 or not twice)",
        "15: 10 → (11)",
        "15: not twice → (twice)",
        '16: raise ValueError(f"über {a + 1}") → pass',
        "17: 3 → (4)",
        "18: break → continue",
        "19: a += 1 → a -= 1",
        "19: a += 1 → pass",
        "19: 1 → (2)",
        "20: return a * 2 → return None",
        "20: a * 2 → (a / 2)",
        "20: 2 → (3)",
    ]
    assert all(is_program(change, TEXT) for change in changes)
    assert {change.applied_to(TEXT).count("\n") for change in changes} == {TEXT.count("\n")}
    assert all(change.applied_to(TEXT) != TEXT for change in changes)


TRIALS = """
import sys
from pathlib import Path
from development.mutation.mutants import mutants_of
from development.mutation.trial import Workshop

root = Path.cwd()
workshop = Workshop(
    root / "copy", sources={"store": root / "src"}, root=root, warm=["pytest"],
    options=["-q", "-x", "-p", "no:cacheprovider"],
)
workshop.set_up()
text = (root / "src/store/__init__.py").read_text()
for change in mutants_of("store/__init__.py", text):
    limit = 0.5 if "(not " in change.after else 30
    outcome = workshop.judge(change, ["test_store.py"], limit=limit)
    print(f"{outcome}: {change.name.partition(': ')[2]}")
assert (root / "src/store/__init__.py").read_text() == text
assert workshop.is_sound(["test_store.py"], limit=30)
(root / "test_store.py").write_text("import nothing_of_this_name")
assert not workshop.is_sound(["test_store.py"], limit=30)
"""
STORE = """
import signal

def level(full):
    if full:
        return 7 > 0
    signal.pause()
"""
STORE_TESTS = """
import subprocess
import sys

def test_in_another_process():
    subprocess.run([sys.executable, "-c", "import store; assert store.level(True) is True"], check=True)
"""


def test_a_change_is_noticed_also_in_the_processes_of_a_test_and_a_hang_is_ended(tmp_path):
    """
    The tests fail, they pass although the code is wrong, or they never end.
    """
    (tmp_path / "src/store").mkdir(parents=True)
    (tmp_path / "src/store/__init__.py").write_text(STORE)
    (tmp_path / "test_store.py").write_text(STORE_TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", TRIALS], cwd=tmp_path, env=variables, check=False, capture_output=True, text=True
    )

    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "timed out: full → (not full)",
        "killed: return 7 > 0 → return None",
        "survived: 7 → (8)",
        "killed: 7 > 0 → (7 <= 0)",
        "survived: 7 > 0 → (7 >= 0)",
        "survived: 0 → (1)",
        "survived: signal.pause() → pass",
    ]


def test_a_survivor_is_judged_again_when_its_tests_changed_and_told_with_its_reason(tmp_path):
    """
    What was killed stays so as long as the module reads the same.
    """
    from development.mutation.mutants import Mutant
    from development.mutation.tally import Reasons, Tally, Verdict, summary_of

    change = Mutant(module="a/b.py", line=3, start=0, end=1, before="1", after="(2)")
    lives = Verdict(subject="s", mutant=change.name, source="x", tests="t", outcome="survived", by=(), seconds=1.0)
    killed = dataclasses.replace(lives, mutant="a/b.py:4: 2 → (3)", outcome="killed")
    place = tmp_path / "tally.jsonl"
    Tally(place).add(lives)
    with place.open("a") as file:
        file.write('{"subject": "s", "mut')
    (tmp_path / "development/mutation").mkdir(parents=True)
    (tmp_path / "development/mutation/survivors.toml").write_text(
        '[[survivor]]\nmodule = "a/b.py"\nreason = "only a size"\nchanges = ["1 → (2)"]\n'
    )

    tally = Tally(place)

    assert tally.find("s", change, source="x", tests="t") == lives
    assert tally.find("s", change, source="x", tests="other") is None
    assert tally.find("s", change, source="y", tests="t") is None
    assert summary_of("s", 3, [lives, killed], Reasons(tmp_path)) == [
        "mutation: s: 50.0 % killed: 1 of 2 judged (0 by their time limit), of 3 in all",
        "    survived: a/b.py:3: 1 → (2)",
        "        only a size",
    ]
