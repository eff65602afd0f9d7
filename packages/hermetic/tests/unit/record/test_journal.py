"""
The journal: one line an event, nothing lost with the process, and read back whatever became of the file.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import ClassVar

import hermetic.record.journal.schema
import jsonschema
import pytest
from hermetic.foundation import Event, Finding, Frame, Owner, Remedy, Site
from hermetic.guard.events import FindingReported
from hermetic.record import NotAJournalError, UnknownEvent, read
from hermetic.record.events import Checkpoint, LogWritten, PhaseEnded, ResourcesSampled, TestBegan
from hermetic.record.failure import Failure, FailureFrame
from hermetic.record.journal import SCHEMA_VERSION, JournalError, JournalWriter, writer
from hermetic.record.journal.line import LONGEST_TEXT, PARTS
from hermetic.record.moments import phase_passed, test_began
from hermetic.record.sampling import PERIOD_S, Sampler

SCHEMA = Path(hermetic.record.journal.schema.__file__).with_name(f"schema-{SCHEMA_VERSION}.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Event):
    kind: ClassVar[str] = "test.said"

    words: object


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def finding():
    return Finding(
        category="leak",
        kind="k",
        title="t",
        subject="line\nbreak \udcff ünï",
        owner=Owner(kind="test", name="n", defined=Frame(file="a.py", line=1, function="f")),
        site=Site(frames=(Frame(file="a.py", line=2, function="g"),)),
        evidence=("one", "two"),
        remedy=Remedy(text="close it"),
    )


def failure():
    cause = Failure(type="OSError", message="refused", bases=("Exception",), facts={"errno": 111, "is_own": True})
    frame = FailureFrame(file="a.py", line=3, function="f", module="a", source="raise", is_own=True)
    return Failure(type="ValueError", message="no", frames=(frame,), cause=cause)


EVENTS = (
    TestBegan(at_s=1.0, test="n"),
    FindingReported(at_s=1.5, test="n", level="error", finding=finding()),
    PhaseEnded(
        at_s=2.0, test="n", phase="call", outcome="failed", duration_s=0.5, failure=failure(), output=(("a", "b"),)
    ),
    Checkpoint(at_s=3.0, name="here", data={"x": [1, None, {"y": 2.5}]}),
)


def test_what_was_written_is_read_back_typed_and_equal(tmp_path):
    """
    Nested records, any text, and the moment: reader and writer agree on every field.
    """
    path = tmp_path / "deep" / "journal.jsonl"
    with JournalWriter(path, run="r", worker="gw3", about={"root": "/project"}) as journal:
        for event in EVENTS:
            journal.emit(event)

    (back,) = read(path)

    assert back.events == EVENTS
    assert ("r", "gw3", "/project", os.getpid(), ()) == (
        *(back.run, back.worker, back.header["root"], back.header["pid"]),
        back.problems,
    )
    assert back.wall(back.header["at_s"] + 2) == pytest.approx(back.header["started_at"] + 2)


def test_every_line_is_as_the_committed_schema_says_and_the_schema_as_the_classes(tmp_path):
    """
    The schema that others validate with cannot drift from what is written.
    """
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path) as journal:
        for event in EVENTS:
            journal.emit(event)

    committed = json.loads(SCHEMA.read_text())
    assert committed == json.loads(json.dumps(hermetic.record.journal.schema.schema()))
    validator = jsonschema.Draft202012Validator(committed)
    for line in lines(path):
        validator.validate(line)
    assert not validator.is_valid({"kind": "test.began", "at_s": 1.0})


def test_the_test_that_ran_in_a_killed_process_is_told_before_its_line_is(tmp_path, monkeypatch):
    """
    Of tests that began a moment ago the newest stands in the header; what was written is not told twice, and a name that
    leaves no room, or that hides a secret, is written at once.
    """
    # Neither the thread nor the time that passes here writes what waits.
    monkeypatch.setattr(writer.Sentry, "wake", lambda _: None)
    monkeypatch.setattr(writer, "PERIOD_S", float("inf"))
    path = tmp_path / "journal.jsonl"
    names = ["a.py::test_short", f"a.py::test_long[{'x' * 600}]", "a.py::test_secret[password=tea]", "a.py::test_last"]
    found = []
    with JournalWriter(path) as journal:
        for name in names:
            journal.tell((test_began, (monotonic(), name, "a.py", 7)))
            # As whoever reads finds it when the process is killed here.
            (back,) = read(path)
            found.append([one.test for one in back.events])
        lines_at_once = len(lines(path))

    assert [one[-1] for one in found] == [*names[:2], "a.py::test_secret[password=~scrubbed~]", names[3]]
    assert [len(one) for one in found] == [1, 2, 3, 4]
    assert lines_at_once == 4
    (back,) = read(path)
    assert [one.line for one in back.events] == [7] * 4
    assert (lines(path)[0]["running"], "running" in back.header) == (None, False)


def test_a_test_whose_beginning_alone_was_written_does_not_look_like_another_that_runs(tmp_path, monkeypatch):
    """
    When the next test begins, the end of the one before is on the disk wherever its beginning is: else whoever finds the
    process killed would say of both that they were running.
    """
    monkeypatch.setattr(writer.Sentry, "wake", lambda _: None)
    monkeypatch.setattr(writer, "PERIOD_S", float("inf"))
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path) as journal:
        journal.tell((test_began, (monotonic(), "a.py::test_first", "a.py", 7)))
        journal.flush()
        for part in PARTS:
            journal.tell((phase_passed, (monotonic(), "a.py::test_first", part, 0.001)))
        journal.tell((test_began, (monotonic(), "a.py::test_next", "a.py", 9)))
        kinds = [line["kind"] for line in lines(path)]
        (back,) = read(path)

    assert kinds == ["journal", "test.began", "test.passed"]
    assert [(one.kind, one.test) for one in back.events][-2:] == [
        ("test.phase", "a.py::test_first"),
        ("test.began", "a.py::test_next"),
    ]


@pytest.mark.parametrize("said", ['["a"]', '{"test": "a.py::test_b"}', '{"at_s": "soon", "test": 3}'])
def test_nonsense_where_a_header_tells_the_test_that_ran_costs_nothing_else(tmp_path, said):
    """
    The events stay, and what is wrong is told.
    """
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path) as journal:
        journal.emit(EVENTS[0])
    path.write_text(path.read_text().replace('"running":null', f'"running":{said}'))

    (back,) = read(path)

    assert back.events == EVENTS[:1]
    assert len(back.problems) == 1
    assert "header" in back.problems[0]


def test_a_value_that_is_no_json_is_written_as_its_repr_and_a_long_text_is_cut(tmp_path):
    """
    One odd or huge value costs neither the record nor the disk.
    """
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path) as journal:
        journal.emit(Said(at_s=2.0, words={1, 2}))
        journal.emit(Said(at_s=3.0, words="a" * 2**20))

    _, odd, long = lines(path)
    assert odd["words"] == "{1, 2}"
    assert LONGEST_TEXT < len(long["words"]) < LONGEST_TEXT + 100
    assert "characters left out" in long["words"]


def test_secrets_are_taken_out_before_they_are_written(tmp_path):
    """
    By name, by form, in texts and in data, in a test's own name; and what only looks like code stays.
    """
    path = tmp_path / "journal.jsonl"
    secret = "hunter2hunter2"
    token = "ghp_" + "a1B2" * 8
    with JournalWriter(path) as journal:
        journal.emit(TestBegan(at_s=1.0, test=f"test_a.py::test_b[{token}]"))
        journal.emit(
            PhaseEnded(at_s=1.0, test=f"test_a.py::test_b[{token}]", phase="call", outcome="passed", duration_s=0.0)
        )
        journal.emit(
            LogWritten(at_s=1.0, logger="a", level="INFO", message=f"password={secret} as {{'api_key': '{secret}'}}")
        )
        journal.emit(TestBegan(at_s=1.0, test="test_a.py::test_parts"))
        journal.emit(
            PhaseEnded(
                at_s=1.0, test="test_a.py::test_parts", phase="call", outcome="passed", duration_s=0.0, name=token
            )
        )
        journal.emit(LogWritten(at_s=1.0, logger="a", level="INFO", message=f"Authorization: Bearer {secret}\nkept"))
        journal.emit(LogWritten(at_s=1.0, logger="a", level="INFO", message=f"postgres://me:{secret}@localhost/x"))
        journal.emit(
            Checkpoint(at_s=1.0, name="c", data={"cookie": secret, "deep": [{"access_token": secret}], "n": 3})
        )
        journal.emit(LogWritten(at_s=1.0, logger="a", level="INFO", message="def login(password: str, token=None)"))

    text = path.read_text()
    assert (secret in text, token in text) == (False, False)
    assert "Bearer" not in text
    assert "\\nkept" in text
    assert "@localhost/x" in text
    assert "def login(password: str, token=None)" in text


def test_values_that_json_cannot_hold_are_written_as_text(tmp_path):
    """
    A repr that raises, keys that are no text, numbers that are none, and what holds itself: each line stays JSON, and none is lost.
    """

    class Broken:
        def __repr__(self):
            raise ValueError("no")

    ring = [1]
    ring.append(ring)
    path = tmp_path / "journal.jsonl"
    values = {"bad": Broken(), "ratio": float("nan"), "most": float("-inf"), "by": {(1, 2): 3, 4: 5}, "ring": ring}
    with JournalWriter(path) as journal:
        for name, value in values.items():
            journal.emit(Checkpoint(at_s=1.0, name=name, data={"value": value, "deep": {"n": (1, 2.5, None)}}))
        assert journal.complaint == ""

    def refuse(word):
        raise AssertionError(word)

    _, *told = [json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines()]
    assert {tuple(one["data"]["deep"]["n"]) for one in told} == {(1, 2.5, None)}
    bad, ratio, most, by, circle = (one["data"]["value"] for one in told)
    assert "Broken" in bad
    assert "its repr raised ValueError" in bad
    assert (ratio, most, by) == ("nan", "-inf", {"(1, 2)": 3, "4": 5})
    assert "[...]" in json.dumps(circle)


def test_a_killed_process_loses_at_most_the_last_tenth_of_a_second(tmp_path):
    """
    SIGKILL while events are written: all that are older are in the file, whole and in order. The kernel may end in the
    middle of the last write, between two pages of the file.
    """
    path = tmp_path / "journal.jsonl"
    program = f"""
import itertools, sys, time
from pathlib import Path
from hermetic.foundation import Event
from hermetic.record.journal import JournalWriter
journal = JournalWriter(Path({str(path)!r}))
print(time.monotonic(), flush=True)
for number in itertools.count():
    journal.emit(Event(at_s=time.monotonic()))
    if number % 10 == 0:
        print(journal._events[0].at_s if journal._events else 0, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        begun = float(process.stdout.readline())
        now = begun
        while now < begun + 0.3:
            now = max(now, float(process.stdout.readline()))
        process.send_signal(signal.SIGKILL)
        process.wait()
        told = [float(line) for line in process.stdout.read().splitlines(keepends=True) if line[-1] == "\n"]

    whole, _, _ = path.read_text().rpartition("\n")
    written = [json.loads(line)["at_s"] for line in whole.splitlines()[1:]]
    assert written == sorted(written)
    # The oldest event that had not been written when the process last spoke; all before it must be there.
    assert written[-1] >= max([now, *told]) - 0.1


def test_an_event_is_written_without_another_one_after_it(tmp_path):
    """
    A test that hangs right after an event does not keep the event from the disk.
    """
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path) as journal:
        journal.emit(Event(at_s=5.0))
        met = threading.Event()
        for _ in range(200):
            if len(lines(path)) == 2:
                met.set()
                break
            met.wait(0.01)

        assert met.is_set()


def test_threads_do_not_tear_one_anothers_lines(tmp_path):
    """
    Four threads, a thousand events: a thousand whole lines.
    """
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path) as journal:

        def write(name):
            for number in range(250):
                journal.emit(Said(at_s=float(number), words=name * 100))

        threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert {f"{name * 100}": 250 for name in "abcd"} == {
        words: sum(line.get("words") == words for line in lines(path)) for words in {name * 100 for name in "abcd"}
    }


def test_a_full_disk_is_told_never_raises_and_the_rest_is_kept_elsewhere(tmp_path, monkeypatch):
    """
    What could not be written goes to the directory for temporary files, and the complaint says where.
    """
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with JournalWriter(Path("/dev/full"), run="r") as journal:
        journal.emit(Event(at_s=7.0))

    (rest,) = tmp_path.glob("hermetic-r-rest-*")
    assert [line.get("at_s") for line in lines(rest)][-1] == 7.0
    assert (journal.lost, journal.problem) == (0, "No space left on device")
    assert (
        journal.complaint == f"/dev/full: No space left on device. The rest of this run's journal is {rest}: append it"
    )


def test_a_disk_that_is_full_everywhere_tells_how_much_is_lost(tmp_path, monkeypatch):
    """
    There is nowhere left to write: the count is told, and nothing raises.
    """
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with JournalWriter(Path("/dev/full")) as journal:
        journal.emit(Event(at_s=0.0))

    assert journal.complaint == "/dev/full: 2 events are lost: No space left on device"


def test_a_journal_that_cannot_be_opened_says_what_to_do_or_goes_elsewhere(tmp_path, monkeypatch):
    """
    Strictly, an error that names the file, the reason and a way out; else the directory for temporary files.
    """
    path = tmp_path / "file" / "journal.jsonl"
    path.parent.write_text("")
    with pytest.raises(JournalError) as caught:
        JournalWriter(path)
    assert str(caught.value).startswith(f"the journal {path} cannot be written: ")
    assert str(caught.value).endswith("Name a file in a directory that is writable.")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with JournalWriter(path, run="r", is_strict=False) as journal:
        journal.emit(EVENTS[0])
    assert journal.complaint.endswith(f"This run's journal is {tmp_path / 'hermetic-r-journal.jsonl'}")
    assert read(tmp_path / "hermetic-r-journal.jsonl")[0].events == EVENTS[:1]


def test_two_runs_in_one_place_write_two_journals_and_an_earlier_one_is_kept(tmp_path):
    """
    The second says where it writes; the next run moves the last one aside; the same run goes on in its file.
    """
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, run="a") as first, JournalWriter(path, run="b") as second:
        assert (first.complaint, second.path) == ("", tmp_path / "journal-2.jsonl")
        assert second.complaint == f"{path} is being written by another run; this run's journal is {second.path}"
    with JournalWriter(path, run="c"):
        pass
    with JournalWriter(path, run="c"):
        pass

    assert [one.run for one in read(path)] == ["c", "c"]
    assert [one.run for one in read(tmp_path / "journal.previous.jsonl")] == ["a"]


def test_a_forked_child_does_not_write_into_its_parents_journal(tmp_path):
    """
    The child's story is not the parent's, and the parent's is written before the fork.
    """
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path) as journal:
        journal.emit(Event(at_s=0.5))
        child = os.fork()
        if child == 0:
            journal.emit(Event(at_s=1.0))
            journal.flush()
            os._exit(0)
        os.waitpid(child, 0)
        assert len(lines(path)) == 2

    assert [line["at_s"] for line in lines(path)[1:]] == [0.5]


def test_a_forked_child_waits_for_no_thread_that_it_does_not_have(tmp_path):
    """
    One may write at the moment of the fork, in the parent.
    """
    with JournalWriter(tmp_path / "journal.jsonl") as journal:
        is_held, is_over = threading.Event(), threading.Event()

        def write():
            with journal._lock:
                is_held.set()
                is_over.wait()

        thread = threading.Thread(target=write)
        thread.start()
        is_held.wait()
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # from 3.12 on, of the thread
            child = os.fork()
        if child == 0:
            signal.alarm(5)
            journal._events.append(Event(at_s=1.0))
            journal.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        is_over.set()
        thread.join()

    assert status == 0


def test_a_journal_cut_in_the_middle_of_a_line_is_read_up_to_there(tmp_path):
    """
    Every whole event is there, and the reader says where the file ends early; a process that goes on loses nothing.
    """
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, run="r") as journal:
        for event in EVENTS:
            journal.emit(event)
    path.write_bytes(path.read_bytes()[:-20])
    with JournalWriter(path, run="r") as journal:
        journal.emit(EVENTS[0])

    first, second = read(path)

    assert first.events == EVENTS[:-1]
    assert "is not whole" in first.problems[0]
    assert (second.events, second.problems) == (EVENTS[:1], ())


def test_a_journal_of_a_newer_version_is_read_as_far_as_it_is_known(tmp_path):
    """
    The message says so; new fields are passed over, new kinds are kept as they are, nothing is lost.
    """
    path = tmp_path / "journal.jsonl"
    began = {"kind": "test.began", "at_s": 1.0, "test": "n", "colour": "blue"}
    new, odd = {"kind": "test.dreamt", "at_s": 2.0, "of": "sheep"}, {"kind": "test.began", "at_s": 3.0, "test": 5}
    header = {"kind": "journal", "schema": SCHEMA_VERSION + 1, "hermetic": "9.0", "at_s": 0.0, "started_at": 0.0}
    path.write_text("".join(json.dumps(one) + "\n" for one in (header, began, new, odd)))

    (back,) = read(path)

    assert back.events[0] == TestBegan(at_s=1.0, test="n")
    assert back.events[1:] == (UnknownEvent(at_s=2.0, values=new), UnknownEvent(at_s=3.0, values=odd))
    assert "was written by Hermetic 9.0 in version 3 of the journal; this one reads version 2." in back.problems[0]
    assert len(back.problems) == 3


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "it is empty"),
        (b"\xff\xfe\x00PNG", "its first line is not a journal's header"),
        (b"[" * 5000, "its first line is not a journal's header"),
        (b'{"kind": 5}\n', "its first line is not a journal's header"),
        (b'{"kind": "journal", "started_at": "x"}', "in the header at line 1, started_at is 'x' and no number"),
        (b'{"kind": "journal", "at_s": NaN}', "in the header at line 1, at_s is nan and no number"),
        (None, "No such file or directory"),
    ],
)
def test_a_file_that_is_no_journal_is_refused_with_the_reason(tmp_path, content, reason):
    """
    The error names the file, why, and what to give.
    """
    path = tmp_path / "journal.jsonl"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(NotAJournalError) as caught:
        read(path)

    assert str(caught.value).startswith(f"{path} is no journal: {reason}. Give a file")


def test_a_device_is_refused_before_it_is_read():
    """
    What was given for a disk that is full never ends when it is read.
    """
    with pytest.raises(NotAJournalError, match="/dev/full is no journal: it is a device"):
        read("/dev/full")


def test_what_nobody_else_emits_is_asked_for_when_a_test_begins(tmp_path):
    """
    Samples of the process come with the first test, hold what the system tells, and come no faster than their period.
    """
    path = tmp_path / "journal.jsonl"
    sampler = Sampler()
    with JournalWriter(path, sample=sampler) as journal:
        journal.emit(TestBegan(at_s=monotonic(), test="t"))
        journal.emit(TestBegan(at_s=monotonic(), test="u"))
    (one, *more) = [event for event in read(path)[0].events if isinstance(event, ResourcesSampled)]
    again = sampler(one.at_s + 1000)
    sampler.close()
    sampler.close()

    assert one.memory_bytes > 2**20
    assert one.threads >= 1
    assert [each for each in more if each.at_s - one.at_s < PERIOD_S] == []
    assert again is not None
    assert sampler(one.at_s + 2000) is None


def test_a_directory_of_journals_is_read_in_the_order_of_their_beginnings(tmp_path):
    """
    Shards of several machines lie in one directory; other files there, and what an earlier run left, are passed over.
    """
    JournalWriter(tmp_path / "a" / "journal.previous.jsonl", run="earlier").close()
    for name, began in (("b", 1.0), ("a", 2.0)):
        JournalWriter(tmp_path / name / "journal.jsonl", run=name, wall_clock=lambda began=began: began).close()
    (tmp_path / "other.jsonl").write_text('{"kind": "cake"}\n')

    assert [one.run for one in read(tmp_path)] == ["b", "a"]
    with pytest.raises(NotAJournalError, match="no file in this directory begins as a journal does"):
        (tmp_path / "empty").mkdir()
        read(tmp_path / "empty")


def test_a_fresh_interpreter_reads_every_kind_of_event(tmp_path):
    """
    Nothing needs to be imported before for findings and failures to come back typed.
    """
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path) as journal:
        for event in EVENTS:
            journal.emit(event)
    program = "import sys; from hermetic.record import read; print(*(one.kind for one in read(sys.argv[1])[0].events))"
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)

    assert (done.stderr, done.stdout.split()) == ("", [event.kind for event in EVENTS])
