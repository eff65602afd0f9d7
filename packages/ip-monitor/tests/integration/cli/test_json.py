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
