"""
`hermetic history` and `hermetic history NAME` are answered without the library for command lines, and as with it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hermetic.cli import main
from hermetic.cli.commands import group
from hermetic.cli.history import history
from hermetic.cli.main import WORDS
from hermetic.record.history.runs import Run, Try
from hermetic.record.history.store import HistoryStore

NAMES = ("t.py::test_one", "t.py::test_other", "ü.py::test_ü")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """
    A directory with a history of three tests, where the command runs.
    """
    monkeypatch.chdir(tmp_path)
    with HistoryStore(Path(".hermetic")) as store:
        for number in range(3):
            run = Run(id=f"{number}", at=1e9 + number, duration_s=1.0, code="c")
            store.add(run, [Try(test=name, outcome="passed", duration_s=0.25) for name in NAMES])
    return tmp_path


def asked(words, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["hermetic", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


@pytest.mark.parametrize("name", [None, NAMES[0], "_one", "ü", "nothing like it", "test_o"])
def test_a_question_is_answered_as_the_command_with_options_answers_it(project, monkeypatch, capsys, name):
    """
    The same words, on the same stream, with the same exit status.
    """
    words = ["history"] if name is None else ["history", name]
    long = CliRunner().invoke(group, ["history", "suite"] if name is None else ["history", "test", name])

    assert asked(words, monkeypatch, capsys) == (long.exit_code, long.stdout, long.stderr)


def test_without_a_history_a_question_says_when_one_begins(tmp_path, monkeypatch, capsys):
    """
    No traceback, and no directory is made for having asked.
    """
    monkeypatch.chdir(tmp_path)

    code, out, err = asked(["history"], monkeypatch, capsys)

    assert (code, out) == (1, "")
    assert err == "Error: there is no history in .hermetic; it begins with the next run of pytest\n"
    assert list(tmp_path.iterdir()) == []


def test_every_word_of_the_group_is_known_to_be_one():
    """
    A word that is added to the group is never taken for the name of a test.
    """
    assert set(history.commands) == WORDS


def test_a_question_loads_no_library_for_command_lines(project):
    """
    Its import would take longer than the answer.
    """
    program = (
        "import sys; from hermetic.cli import main\n"
        "sys.argv = ['hermetic', 'history']\n"
        "try: main()\n"
        "finally: print('click' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0::3] == ["3 runs of 3 tests", "False"]
