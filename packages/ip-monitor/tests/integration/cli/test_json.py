"""
What a program reads of the command line.
"""

from __future__ import annotations

import json
import sys

import click
import pytest
from ip_monitor.cli.main import COMMANDS, group, main


def leaves(command, words=()):
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from leaves(command.get_command(context, name), (*words, name))
    else:
        yield " ".join(words), command


def test_every_command_can_write_json():
    """
    Down to the last subcommand, so that no program has to read prose.
    """
    known = dict(leaves(group))

    assert len(known) > len(COMMANDS)
    assert [name for name, one in known.items() if not any("--json" in option.opts for option in one.params)] == []


@pytest.fixture
def typed(monkeypatch, capsys, tmp_path):
    """
    Type a command; its status, and what stands on standard output and standard error.
    """
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["ip-monitor", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_what_is_written_for_people_to_paste_is_one_value_for_programs(typed):
    """
    A shell's script, and a unit with the commands that start it.
    """
    _, script, _ = typed("completion", "bash", "--json")
    _, service, _ = typed("install-service", "--print", "--user", "--json")

    assert "_IP_MONITOR_COMPLETE" in json.loads(script)["script"]
    assert json.loads(service)["file"] is None
    assert json.loads(service)["unit"].startswith("# Written by")
    assert json.loads(service)["start"][0] == "systemctl --user daemon-reload"


@pytest.mark.parametrize(
    ("words", "status", "kind", "text"),
    [
        (["history", "--json"], 8, "DatabaseMissingError", "does not exist yet"),
        (["queue", "--json", "stop"], 2, "NoSuchOption", "--json"),
        (["import", "nowhere", "--json"], 2, "UsageError", "There is no last_ip.json"),
    ],
)
def test_what_ends_a_command_is_told_as_json_too(typed, words, status, kind, text):
    """
    On standard error, with the kind of the error and the exit status.
    """
    ended, output, errors = typed(*words)
    told = json.loads(errors)

    assert (ended, output) == (status, "")
    assert (told["kind"], told["exit_status"]) == (kind, status)
    assert text in told["error"]


def test_files_of_the_older_program_that_are_not_there_or_hold_nothing_are_told(typed, tmp_path):
    """
    Each by its name; and that nothing was there to take up is not that everything is known.
    """
    (tmp_path / "empty.json").write_text("[]")
    (tmp_path / "folder").mkdir()
    place = ("--database", tmp_path / "a.sqlite3")

    assert "--last-ip: typo.json does not exist" in typed("import", "--last-ip", "typo.json", *place)[2]
    assert "--history: folder is no file" in typed("import", "--history", "folder", *place)[2]
    assert typed("import", "--history", "empty.json", *place)[1] == "took up nothing: the files hold no address\n"


@pytest.mark.parametrize("command", [["history"], ["status"], ["why"], ["providers", "list"], ["queue", "status"]])
def test_what_stands_where_the_database_should_is_told(typed, tmp_path, command):
    """
    A folder is no failing disk, and a file without anything in it is no damaged database.
    """
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.sqlite3").touch()

    assert "folder is not a file. Name a file for the database." in typed(*command, "--database", "folder")[2]
    _, output, errors = typed(*command, "--database", "empty.sqlite3")
    assert "no such table" not in output + errors
