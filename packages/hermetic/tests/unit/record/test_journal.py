"""
The journal: one line an event, and nothing lost with the process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hermetic.foundation import Event, Finding, Owner
from hermetic.guard.events import FindingReported
from hermetic.record.journal import SCHEMA_VERSION, JournalError, JournalWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Event):
    kind: ClassVar[str] = "test.said"

    words: object


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_journal_begins_with_its_schema_and_holds_each_event_on_a_line(tmp_path):
    """
    The first line tells the version; nested records and any text come through.
    """
    path = tmp_path / "deep" / "journal.jsonl"
    finding = Finding(
        category="leak", kind="k", title="t", subject="line\nbreak \udcff ünï", owner=Owner(kind="test", name="n")
    )
    with JournalWriter(path) as journal:
        journal.emit(FindingReported(at_s=1.5, test="n", level="error", finding=finding))
        journal.emit(Said(at_s=2.0, words={1, 2}))

    header, reported, said = lines(path)
    assert ("journal", SCHEMA_VERSION, os.getpid()) == (header["kind"], header["schema"], header["pid"])
    assert (
        reported["kind"],
        reported["at_s"],
        reported["finding"]["subject"],
    ) == ("guard.finding", 1.5, "line\nbreak \udcff ünï")
    assert said["words"] == "{1, 2}"


def test_a_killed_process_loses_nothing_that_was_emitted(tmp_path):
    """
    SIGKILL right after an event: every line is in the file, whole.
    """
    path = tmp_path / "journal.jsonl"
    program = f"""
import itertools, sys
from pathlib import Path
from hermetic.foundation import Event
from hermetic.record.journal import JournalWriter
journal = JournalWriter(Path({str(path)!r}))
for number in itertools.count():
    journal.emit(Event(at_s=float(number)))
    sys.stdout.write(f"{{number}}\\n")
    sys.stdout.flush()
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        emitted = 0
        while emitted < 500:
            emitted = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        emitted = max(
            [emitted, *(int(line) for line in process.stdout.read().splitlines(keepends=True) if line[-1] == "\n")]
        )

    written = [line["at_s"] for line in lines(path)[1:]]
    assert [float(number) for number in range(len(written))] == written
    assert len(written) > emitted


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


def test_a_full_disk_is_told_and_never_raises():
    """
    The sink counts what it could not write and keeps the first reason.
    """
    from pathlib import Path

    with JournalWriter(Path("/dev/full")) as journal:
        journal.emit(Event(at_s=0.0))

    assert journal.lost == 2
    assert journal.problem == "No space left on device"


def test_a_journal_that_cannot_be_opened_says_what_to_do(tmp_path):
    """
    The error names the file, the reason, and a way out.
    """
    path = tmp_path / "file" / "journal.jsonl"
    path.parent.write_text("")

    with pytest.raises(JournalError) as caught:
        JournalWriter(path)

    assert f"the journal {path} cannot be written: " in str(caught.value)
    assert str(caught.value).endswith("Name a file in a directory that is writable.")


def test_a_forked_child_does_not_write_into_its_parents_journal(tmp_path):
    """
    The child's story is not the parent's.
    """
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path) as journal:
        child = os.fork()
        if child == 0:
            journal.emit(Event(at_s=1.0))
            os._exit(0)
        os.waitpid(child, 0)

    assert [line["kind"] for line in lines(path)] == ["journal"]
