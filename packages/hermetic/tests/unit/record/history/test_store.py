"""
The history's file: many writers, broken files, other machines, renamed tests.
"""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner
from hermetic.cli.commands import group as main
from hermetic.record.history.durations import drift
from hermetic.record.history.errors import HistoryError
from hermetic.record.history.fingerprint import signature
from hermetic.record.history.quantiles import quantile
from hermetic.record.history.runs import COUNTING, OUTCOMES, Run, Try, from_lines, to_lines
from hermetic.record.history.shown import suite_json, suite_text
from hermetic.record.history.shown import test_text as one_text
from hermetic.record.history.spool import spool
from hermetic.record.history.stability import of_test
from hermetic.record.history.store import HistoryStore
from hermetic.record.history.taking import take
from hermetic.record.history.totals import is_broken_build
from hypothesis import given
from hypothesis import strategies as st

from packages.hermetic.tests.unit.record.history.made import a_run, tries

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
TRIES = st.builds(
    Try,
    test=TEXT,
    outcome=st.sampled_from(OUTCOMES),
    duration_s=st.floats(0, 1e6).map(lambda s: round(s, 6)),
    attempt=st.integers(1, 5),
    worker=TEXT,
    position=st.integers(0, 10**6),
    cause=TEXT,
    findings=st.lists(st.sampled_from(["socket", "sqlite3.connection"])).map(tuple),
)


@given(st.lists(TRIES, max_size=5), TEXT)
def test_a_run_reads_back_as_it_was_written(some, name):
    """
    Also names of tests that only a hostile mind would give.
    """
    run = Run(id="x", at=1.5, environment=name, code=name)

    assert from_lines(list(to_lines(run, some)), source="here") == (run, some)


def test_spooled_runs_are_taken_in_once(store, tmp_path):
    """
    The file is gone afterwards, and a second one of the same run adds nothing.
    """
    spool(tmp_path / "h", a_run("one"), tries("failed", "passed"))
    assert store.take_in() == 1
    spool(tmp_path / "h", a_run("one"), tries("failed", "passed"))
    assert store.take_in() == 0

    assert [one.outcome for _, one in store.of("t.py::a")] == ["failed", "passed"]
    assert not list((tmp_path / "h" / "runs").iterdir())
    assert "*" in (tmp_path / "h" / ".gitignore").read_text()


def test_a_run_that_was_cut_short_loses_its_last_line_only(tmp_path, store):
    """
    By a full disk or a killed process; it is no reason to lose the others.
    """
    file = spool(tmp_path / "h", a_run("one"), [*tries("passed"), *tries("passed", test="t.py::b")])
    file.write_text(file.read_text()[:-20])

    assert store.take_in() == 1
    assert store.names() == ["t.py::a"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "its format is 'nothing'"),
        ("nonsense\nmore\n", "line 1 is not JSON"),
        ("[1]\n", "line 1 is no object"),
        ('{"hermetic_history": 99}\n', "its format is 99, not 1"),
        ('{"hermetic_history": 1, "at": 1}\n', "the run has no id"),
        ('{"hermetic_history": 1, "id": "x", "at": "1"}\n', "at = '1' is no float"),
        ('{"hermetic_history": 1, "id": "x", "at": NaN}\n', "at = nan is no finite number"),
        ('{"hermetic_history": 1, "id": "x", "at": 1, "new": 1}\n', "unknown fields new"),
        ('{"hermetic_history": 1, "id": "x", "at": 1}\n{"test": "a", "outcome": "odd"}\n', "outcome 'odd' is none of"),
        ('{"hermetic_history": 1, "id": "x", "at": 1}\n{"outcome": "passed"}\n', "there is no test named"),
        (
            '{"hermetic_history": 1, "id": "x", "at": 1}\n{"test": "a", "outcome": "passed", "findings": 1}\n',
            "findings 1",
        ),
    ],
)
def test_a_file_that_is_no_run_is_set_aside_and_told(tmp_path, store, told, text, says):
    """
    What is wrong, and under which name it is now.
    """
    (tmp_path / "h" / "runs").mkdir()
    (tmp_path / "h" / "runs" / "bad.jsonl").write_text(text)

    assert store.take_in() == 0
    assert says in told[0]
    assert "bad.unreadable" in told[0]
    assert (tmp_path / "h" / "runs" / "bad.unreadable").read_text() == text


def test_a_database_that_is_none_is_put_aside(tmp_path):
    """
    Its bytes stay, under a name that is told; a new one is begun.
    """
    told: list[str] = []
    (tmp_path / "history.sqlite3").write_bytes(b"this is no database, but somebody's work" * 100)
    with HistoryStore(tmp_path, tell=told.append) as store:
        assert store.add(a_run("one"), tries("passed"))

    kept = next(tmp_path.glob("history.sqlite3.broken-*"))
    assert kept.read_bytes().startswith(b"this is no database")
    assert kept.name in told[0]


def test_a_newer_history_is_refused_and_left_alone(tmp_path):
    """
    With both versions named.
    """
    HistoryStore(tmp_path).close()
    db = sqlite3.connect(tmp_path / "history.sqlite3")
    db.execute("PRAGMA user_version = 7")
    db.close()

    with pytest.raises(HistoryError, match="its version is 7; this Hermetic knows 2"):
        HistoryStore(tmp_path)


def test_a_place_that_is_no_directory_is_refused(tmp_path):
    """
    With the path and what to check.
    """
    (tmp_path / "file").write_text("")

    with pytest.raises(HistoryError, match="cannot be opened"):
        HistoryStore(tmp_path / "file")


@pytest.fixture
def writer(tmp_path):
    """
    Somebody who writes to a file that is new, and so not yet one that is written ahead.
    """
    db = sqlite3.connect(tmp_path / "history.sqlite3", isolation_level=None, check_same_thread=False)
    db.execute("BEGIN IMMEDIATE")
    yield db
    db.close()


def test_whoever_opens_a_new_file_waits_for_others_that_do(tmp_path, writer):
    """
    SQLite itself does not wait when a file becomes one that is written ahead. The waiting has an end.
    """
    with pytest.raises(HistoryError, match="cannot be opened: database is locked"):
        HistoryStore(tmp_path, busy_s=0)
    soon = threading.Timer(0.05, writer.rollback)
    soon.start()

    HistoryStore(tmp_path, busy_s=30).close()

    soon.join()


def test_ten_processes_that_write_at_once_lose_nothing(tmp_path):
    """
    Each spools and takes in ten runs of three tests.
    """
    code = (
        "import sys; from pathlib import Path\n"
        "from hermetic.record.history.runs import Run, Try\n"
        "from hermetic.record.history.spool import spool\n"
        "from hermetic.record.history.store import HistoryStore\n"
        "where = Path(sys.argv[1])\n"
        "for n in range(10):\n"
        "    run = Run(id=f'{sys.argv[2]}-{n}', at=float(n))\n"
        "    spool(where, run, [Try(test=f't{m}', outcome='passed') for m in range(3)])\n"
        "    with HistoryStore(where) as store: store.take_in()\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "h"), str(n)], stderr=subprocess.PIPE, text=True)
        for n in range(10)
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert (writer.returncode, errors) == (0, "")

    with HistoryStore(tmp_path / "h") as store:
        store.take_in()
        assert store.counts() == [("t0", 100, 0), ("t1", 100, 0), ("t2", 100, 0)]


def test_histories_of_two_machines_are_merged(tmp_path, store):
    """
    Runs that both have count once; a file that is none is refused by name.
    """
    with HistoryStore(tmp_path / "other") as other:
        other.add(a_run("one"), tries("passed"))
        other.add(a_run("two", at=5.0), tries("failed"))
    store.add(a_run("one"), tries("passed"))
    (tmp_path / "bad.sqlite3").write_bytes(b"SQLite format 3\0" + b"x" * 5000)

    assert take(store, tmp_path / "other" / "history.sqlite3") == 1
    assert [one.outcome for _, one in store.of("t.py::a")] == ["passed", "failed"]
    with pytest.raises(HistoryError, match="is no history"):
        take(store, tmp_path / "bad.sqlite3")
    with pytest.raises(HistoryError, match="cannot be read: No such file"):
        take(store, tmp_path / "nowhere")


def test_a_renamed_test_keeps_its_past(store):
    """
    What was known of the old name counts for the new one, and the old one is gone.
    """
    store.add(a_run("one"), tries("failed", test="old"))
    store.add(a_run("two", at=1.0), tries("passed", test="new"))

    assert store.rename("old", "new")
    assert not store.rename("old", "new")
    assert store.counts() == [("new", 2, 1)]
    assert store.names() == ["new"]


def test_old_runs_are_forgotten_with_all_that_was_theirs_alone(store):
    """
    Tests that nothing is known of any more disappear too.
    """
    store.add(a_run("one", at=1.0), tries("failed", test="old"))
    store.add(a_run("two", at=9.0), tries("passed", test="new"))

    assert store.forget(before=5.0) == 1
    assert store.names() == ["new"]


def test_a_history_stays_within_its_bound_by_itself(tmp_path):
    """
    What was taken in first goes, whatever its date, and that is told; a run alone is kept however large it is.
    """
    told = []
    for number in range(10):
        spool(
            tmp_path,
            a_run(f"{number}", at=100.0 - number),
            [*tries("passed", test="a"), *tries("failed", test=f"b{number}")],
        )
        with HistoryStore(tmp_path, tell=told.append, most_outcomes=10) as store:
            store.take_in()
            assert store.number_of_runs() <= 5

    with HistoryStore(tmp_path, most_outcomes=10) as store:
        kept = sorted(run.id for run in store.runs())
        counts = {name: (count, failed) for name, count, failed in store.counts()}
    assert kept == [str(one) for one in range(10 - len(kept), 10)]
    assert counts == {"a": (len(kept), 0), **{f"b{one}": (1, 1) for one in kept}}
    assert told[0].endswith("holds at most 10 outcomes: its 2 oldest runs were deleted.")

    with HistoryStore(tmp_path / "large", most_outcomes=3) as store:
        spool(tmp_path / "large", a_run("one"), [one for n in range(9) for one in tries("passed", test=f"t{n}")])
        store.take_in()
        assert store.number_of_runs() == 1


def test_a_test_is_judged_by_what_happened_on_the_same_code(store):
    """
    Both outcomes on one version: flaky. All failures on the newest: broken. Only on an older one: mended.
    """
    seen = {
        "flaky": [("c1", "passed"), ("c1", "failed"), ("c1", "passed")],
        "broken": [("c1", "passed"), ("c2", "failed"), ("c2", "failed")],
        "mended": [("c1", "failed"), ("c2", "passed")],
        "stable": [("c1", "passed")] * 59,
        "unknown": [("c1", "passed")] * 58 + [("c1", "skipped")],
    }
    for wanted, outcomes in seen.items():
        for n, (code, outcome) in enumerate(outcomes):
            store.add(a_run(f"{wanted}{n}", at=float(n), code=code), tries(outcome, test=wanted))

    found = {name: of_test(name, store.of(name), now=100.0) for name in seen}

    assert {name: one.class_ for name, one in found.items()} == {name: name for name in seen}
    assert found["unknown"].passes_left == 1
    assert "0 %" not in found["unknown"].rate_text
    assert found["unknown"].strip.endswith("..s")


def test_a_broken_build_does_not_count_as_flaky(store):
    """
    A run in which most tests fail with one cause is left out of the suite's figures.
    """
    good = [Try(test=f"t{n}", outcome="passed") for n in range(10)]
    broken = [Try(test=f"t{n}", outcome="failed", cause="same") for n in range(10)]
    flaky = [*good[1:], Try(test="t0", outcome="failed", cause="other", said="ValueError: 7", nature="error")]
    store.add(a_run("1", duration_s=60.0), good)
    store.add(a_run("2", at=1.0), broken)
    store.add(a_run("3", at=2.0, duration_s=60.0), flaky)

    suite = store.suite()

    assert (suite.runs, suite.tests, suite.flaky) == (2, 10, ("t0",))
    assert (suite.spuriously_red, suite.minutes_lost, suite.trusted) == (0.5, 1.0, 0.9)
    assert [(one.said, one.nature, one.failures, one.tests) for one in suite.causes] == [
        ("ValueError: 7", "error", 1, 1)
    ]


def test_totals_are_those_of_walking_through_everything(store):
    """
    After each of forty random runs, what is counted on equals a count from nothing, and the definitions over all outcomes.
    """
    draw = random.Random(5)
    for number in range(40):
        some = [
            Try(
                test=draw.choice("abcdefgh"),
                outcome=draw.choices(OUTCOMES, (9, 1, 1, 1, 1, 1, 1))[0],
                attempt=draw.randint(1, 2),
                # Now and then most of a run fails for one reason.
                cause=draw.choice(["x", "", ""]) if number % 7 else "x",
            )
            for _ in range(draw.randint(0, 14))
        ]
        if number % 7 == 0:
            some = [one._replace(outcome="failed") for one in some]
        code = draw.choice(["", f"c{number // 4}"])
        store.add(a_run(str(number), at=float(number), code=code, duration_s=60.0), some)
        counted, suite = store.counts(), store.suite()
        store.forget(before=-1.0)

        assert (store.counts(), store.suite()) == (counted, suite)
        assert (counted, suite.runs, suite.flaky, suite.minutes_lost) == plain_figures(store.all())
    assert suite.runs < 40
    assert suite.minutes_lost


def plain_figures(runs):
    sound = [
        (run, [one for one in tries if one.outcome in COUNTING]) for run, tries in runs if not is_broken_build(tries)
    ]
    tried = [(run.code, one) for run, tries in sound for one in tries]
    passed = {(code, one.test) for code, one in tried if one.did_pass}
    flaky = {one.test for code, one in tried if code and not one.did_pass and (code, one.test) in passed}
    red = [{one.test for one in tries if not one.did_pass} for _, tries in sound]
    outcomes = {name: [one.did_pass for _, one in tried if one.test == name] for name in {one.test for _, one in tried}}
    return (
        [(name, len(own), own.count(False)) for name, own in sorted(outcomes.items())],
        len(sound),
        tuple(sorted(flaky)),
        float(sum(bool(failed) and failed <= flaky for failed in red)),
    )


FIRST_VERSION = """
CREATE TABLE runs (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, duration_s REAL NOT NULL,
    code TEXT NOT NULL, environment TEXT NOT NULL, seed TEXT NOT NULL, workers INTEGER NOT NULL, status INTEGER NOT NULL);
CREATE INDEX runs_at ON runs (at);
CREATE TABLE tests (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE causes (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE outcomes (
    test INTEGER NOT NULL REFERENCES tests, run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    attempt INTEGER NOT NULL, outcome INTEGER NOT NULL, duration_us INTEGER NOT NULL, worker TEXT NOT NULL,
    position INTEGER NOT NULL, cause INTEGER NOT NULL, findings TEXT NOT NULL, PRIMARY KEY (test, run, attempt)
) WITHOUT ROWID;
CREATE INDEX outcomes_run ON outcomes (run);
INSERT INTO runs VALUES (1, 'one', 1.0, 60.0, 'c1', 'e', '', 0, 1), (2, 'two', 2.0, 60.0, 'c1', 'e', '', 0, 0);
INSERT INTO tests VALUES (1, 'a'), (2, 'b');
INSERT INTO causes VALUES (1, 'why');
INSERT INTO outcomes VALUES (1, 1, 1, 1, 5, '', 1, 1, 'socket'), (2, 1, 1, 0, 5, '', 2, 0, ''), (1, 2, 1, 0, 5, '', 1, 0, '');
PRAGMA user_version = 1;
"""


def test_a_history_of_the_first_version_is_taken_over(tmp_path):
    """
    With every outcome and all totals; also by merge, from a file that stays as it is.
    """
    for name in ("h", "other"):
        (tmp_path / name).mkdir()
        db = sqlite3.connect(tmp_path / name / "history.sqlite3")
        db.executescript(FIRST_VERSION)
        db.close()
    with HistoryStore(tmp_path / "h") as store, HistoryStore(tmp_path / "new") as new:
        assert new.merge(tmp_path / "other" / "history.sqlite3") == 2
        for one in (store, new):
            assert one.counts() == [("a", 2, 1), ("b", 1, 0)]
            assert one.suite().flaky == ("a",)
            assert one.sizes()[0][1] == 1
            assert [(own.outcome, own.cause, own.findings) for _, own in one.of("a")] == [
                ("failed", "why", ("socket",)),
                ("passed", "", ()),
            ]


def test_damage_in_the_middle_of_the_file_is_put_aside_and_the_rest_merged_back(tmp_path):
    """
    By the command, which says so; the next question is answered from a new history.
    """
    with HistoryStore(tmp_path) as store:
        for number in range(40):
            some = [Try(test=f"t.py::test_{n}", outcome="passed", worker="w" * 50) for n in range(100)]
            store.add(a_run(str(number), at=float(number)), some)
    file = tmp_path / "history.sqlite3"
    data = bytearray(file.read_bytes())
    pages = len(data) // 4096
    start, end = 4096 * (pages * 7 // 10), 4096 * (pages * 8 // 10)
    data[start:end] = b"\xff" * (end - start)
    file.write_bytes(bytes(data))
    ask = ["history", "--directory", str(tmp_path), "export", "--last", "40"]

    first = CliRunner().invoke(main, ask)
    aside = next(tmp_path.glob("history.sqlite3.broken-*"))
    back = CliRunner().invoke(main, ["history", "--directory", str(tmp_path), "merge", str(aside)])

    assert first.exit_code == 1
    assert f"put aside as {aside.name}" in first.output
    assert "ask again" in first.output
    assert aside.read_bytes() == bytes(data)
    assert "can be read up to run" in back.output
    with HistoryStore(tmp_path) as store:
        assert 0 < store.number_of_runs() < 40


def test_numbers_and_characters_that_no_database_holds_are_set_aside(tmp_path, store, told):
    """
    A file from elsewhere may hold anything that JSON can.
    """
    (tmp_path / "h" / "runs").mkdir()
    for name, more in (("a", '"attempt": 1e999'), ("b", f'"position": {10**40}'), ("c", '"cause": "\\ud800"')):
        head = f'{{"hermetic_history": 1, "id": "{name}", "at": 1}}\n'
        (tmp_path / "h" / "runs" / f"{name}.jsonl").write_text(head + f'{{"test": "t", "outcome": "passed", {more}}}\n')

    assert store.take_in() == 0
    assert len(told) == 3
    assert store.number_of_runs() == 0


def test_a_new_name_much_like_one_that_went_is_offered(store):
    """
    In another file, or alike in the same one; not where two could be meant, nor after a run of a part.
    """
    before = ["a.py::test_moves", "a.py::test_is_read_slowly", "b.py::test_one", "b.py::test_stays"]
    after = ["c.py::test_moves", "a.py::test_is_read_very_slowly", "b.py::test_quite_other", "b.py::test_stays"]
    store.add(a_run("1"), [Try(test=name, outcome="passed") for name in before])
    store.add(a_run("2", at=1.0), [Try(test="b.py::test_stays", outcome="passed")])
    store.add(a_run("3", at=2.0), [Try(test=name, outcome="passed") for name in after])

    assert [(one.old, one.new) for one in store.suite().renamed] == [
        ("a.py::test_is_read_slowly", "a.py::test_is_read_very_slowly"),
        ("a.py::test_moves", "c.py::test_moves"),
    ]


def test_the_suite_is_told_with_causes_groups_and_new_names(store):
    """
    As text and as JSON; one test's text names the others that its cause struck.
    """
    for number in range(4):
        down = number % 2
        why = {"cause": "abc", "said": "ConnectionError: no server", "nature": "infrastructure"} if down else {}
        pair = [Try(test=f"a.py::test_{name}", outcome="failed" if down else "passed", **why) for name in "xy"]
        last = "a.py::test_old_name" if number < 2 else "a.py::test_new_name"
        store.add(a_run(str(number), at=float(number)), [*pair, Try(test=last, outcome="passed")])

    told = suite_text(store).splitlines()
    one = one_text("a.py::test_x", store, now=9.0)

    assert told[0] == "4 runs of 4 tests"
    assert "  4 in 2 tests" in " ".join(told)
    assert any("ConnectionError: no server (infrastructure)  [abc]" in line for line in told)
    assert told[told.index("2 tests fail together, mostly for one cause") + 1 :][:2] == [
        "  a.py::test_x",
        "  a.py::test_y",
    ]
    assert told[-1] == "  hermetic history rename a.py::test_old_name a.py::test_new_name"
    assert "2 times ConnectionError: no server (infrastructure) [abc]; also in a.py::test_y" in one
    assert json.loads(suite_json(store))["causes"][0]["tests"] == 2


def test_a_failure_keeps_what_it_said_without_secrets_and_its_nature():
    """
    The same cause under other numbers has the same fingerprint.
    """
    one = signature("ConnectionRefusedError: [Errno 111] port 8080", place="a.py")
    other = signature("ConnectionRefusedError: [Errno 111] port 9090", place="a.py")
    secret = signature("ValueError: bad token ghp_" + "a" * 36)

    assert one["cause"] == other["cause"]
    assert (one["said"], one["nature"]) == ("ConnectionRefusedError: [Errno 111] port 8080", "infrastructure")
    assert "ghp_" not in secret["said"]
    assert [signature(text)["nature"] for text in ("assert 1 == 2", "KeyError: 'a'", "OSError: [Errno 28] full")] == [
        "assertion",
        "error",
        "infrastructure",
    ]


def test_a_drift_of_durations_is_found_where_it_began():
    """
    Twice as long from the eleventh on; not for noise around one duration, nor for a few values.
    """
    rng = random.Random(3)
    steady = [(float(n), 0.1 + rng.uniform(0.0, 0.02)) for n in range(30)]
    slower = [(at, seconds * (1 if at < 10 else 2)) for at, seconds in steady]

    found = drift(slower)

    assert found is not None
    assert found.since == 10.0
    assert found.after_s / found.before_s == pytest.approx(2.0, abs=0.2)
    assert drift(steady) is drift(slower[:9]) is None
    assert [quantile([4.0, 1.0, 2.0, 3.0], share) for share in (0.0, 0.5, 1.0)] == [1.0, 2.5, 4.0]


def test_importing_what_a_run_writes_brings_no_database(tmp_path):
    """
    A run only leaves a file; sqlite3 and statistics are for whoever reads.
    """
    code = (
        "import json, sys; known = set(sys.modules); import hermetic.record.history.spool; "
        "print(json.dumps(sorted(set(sys.modules) - known)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(tmp_path))

    assert {"sqlite3", "statistics", "xml"}.isdisjoint(json.loads(done.stdout))


def test_what_is_known_of_a_broken_test_is_told_in_plain_figures(store):
    """
    No powers of ten, no "1 times", and nothing of a failure that would be spurious.
    """
    failure = {"cause": "5f2c", "said": "KeyError: 'a'"}
    for n, code in enumerate(("c1", "c1")):
        store.add(a_run(str(n), at=float(n), code=code), [Try(test="t.py::a", outcome="failed", **failure)])
    store.add(
        a_run("x", at=2.0), [Try(test="t.py::b", outcome="failed", **failure), Try(test="t.py::c", outcome="passed")]
    )
    twice, once = (one_text(name, store, now=10.0) for name in ("t.py::a", "t.py::b"))

    assert "rate of late 100 %" in twice
    assert "2 times KeyError: 'a'" in twice
    assert "once KeyError: 'a'" in once
    assert ("spurious" in twice, "e+" in twice) == (False, False)


def test_a_rate_and_durations_that_changed_are_told_with_the_day(store):
    """
    From what to what.
    """
    day = 86400.0
    for n in range(50):
        outcome = "passed" if n < 30 or n % 2 else "failed"
        [one] = tries(outcome)
        store.add(a_run(f"{n:02}", at=n * day), [one._replace(duration_s=0.1 if n < 20 else 0.25)])
    told = one_text("t.py::a", store, now=50 * day)

    assert "its rate changed on 1970-01-31, from 0 % to 50 %" in told
    assert "takes 2.5 times as long since 1970-01-21: 100 ms before, 250 ms after" in told
