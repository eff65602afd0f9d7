"""
What the documents say is what the program does: their commands run, their tables are its own.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from pathlib import Path

import pytest
import trustme
from ip_monitor.cli.exit_status import ExitStatus
from ip_monitor.cli.main import COMMANDS

PACKAGE = Path(__file__).resolve().parents[2]
DOCS = PACKAGE.parents[1] / "docs"
README = (PACKAGE / "README.md").read_text(encoding="utf-8")
TUTORIAL = (DOCS / "tutorials" / "ip-monitor-in-ten-seconds.md").read_text(encoding="utf-8")
REFERENCE = (DOCS / "reference" / "ip-monitor-settings.md").read_text(encoding="utf-8")


TOML_BLOCK = re.compile(r"^```toml\n(.*?)^```", re.DOTALL | re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [shlex.split(line) for line in lines]


def test_the_settings_tables_are_what_the_program_prints(ip_monitor):
    """
    README and reference cannot drift from the code.
    """
    table = ip_monitor("config", "list", "--markdown").stdout.strip()

    assert table in README
    assert table in REFERENCE


def test_the_readme_names_every_command_and_every_exit_status():
    """
    Neither can be forgotten.
    """
    assert set(re.findall(r"^\| `([a-z-]+)` \|", README.split("## Configuration")[0], re.MULTILINE)) == set(COMMANDS)
    statuses = re.findall(r"^\| (\d) \|", README, re.MULTILINE)
    assert [int(status) for status in statuses] == [int(status) for status in ExitStatus]


def test_each_bug_of_the_replaced_bot_names_tests_that_there_are():
    """
    A test that is renamed or taken away must not leave its bug without one.
    """
    table = (DOCS / "reference" / "bugs-of-the-replaced-bot.md").read_text()
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| ")][1:]
    there = {
        name
        for path in (PACKAGE / "tests").rglob("test_*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    named = {bug.strip(): re.findall(r"`(test_\w+)`", tests) for bug, tests in rows}

    assert len(named) >= 17
    assert {bug: set(tests) - there for bug, tests in named.items() if not tests or not set(tests) <= there} == {}


def test_the_example_settings_are_accepted(ip_monitor, tmp_path):
    """
    What the README shows as a settings file is one.
    """
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "example.toml"
    path.write_text(example)
    done = ip_monitor("config", "show", "--config", path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "my router http://192.168.1.1/api/wan" in done.stdout


@pytest.fixture
def typed(services, settings_for, ip_monitor, start, home):
    """
    Type one command as a reader would; the services are simulated ones, `run` is stopped again, and `simulate` has
    less time than a reader.
    """
    env = {"IP_MONITOR_CONFIG": str(settings_for(services)), "IP_MONITOR_LOG_LEVEL": "debug"}

    async def run(words: list[str]) -> None:
        if words == ["run"]:
            running = await start("run", env=env)
            await running.line("IPv4 address is")
            assert (await running.stop())[:2] == (0, "")
            return
        quick = ["simulate", "--seconds", "2", "--speed", "4"] if words[0] == "simulate" else words
        done = await asyncio.to_thread(ip_monitor, *(word.replace("~", str(home)) for word in quick), env=env)

        assert (done.returncode, done.stderr) == (0, ""), words
        assert done.stdout

    return run


TOML = [
    pytest.param(path.name, number, id=f"{path.stem}-{number}")
    for path in sorted((DOCS / "how-to").glob("*.md"))
    for number in range(len(TOML_BLOCK.findall(path.read_text(encoding="utf-8"))))
    if path.name != "retries-and-quarantine.md"  # no settings of ours
]


@pytest.mark.parametrize("page, number", TOML)
def test_the_settings_in_the_guides_are_accepted(page, number, ip_monitor, tmp_path):
    """
    Each block is a settings file.
    """
    path = tmp_path / "settings.toml"
    text = TOML_BLOCK.findall((DOCS / "how-to" / page).read_text(encoding="utf-8"))[number]
    authority = tmp_path / "home-ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    path.write_text(text.replace("/etc/ip-monitor/home-ca.pem", str(authority)))
    # What the page lets a reader set before, as a secret.
    before = {"IP_MONITOR_MQTT_URL": "mqtts://home:password@broker.example.net"} if "mqtt" in text else {}
    done = ip_monitor("config", "show", "--config", path, env=before)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.prove("guides", sample=4, full=18)
async def test_the_commands_of_the_guide_manage_a_running_monitor(
    services, settings_for, in_one_process, start, rounds
):
    """
    In the order of the page, beside a monitor that runs; the one that the page shows refused is refused in its words. An
    address stands for the name of the added provider, which nobody is asked about, and which is removed before a check.
    """
    page = (DOCS / "how-to" / "manage-a-running-monitor.md").read_text(encoding="utf-8")
    text = page.replace("ip.example.net", "203.0.113.9")
    tables = [
        f'[[providers]]\nname = "{name}"\nurl = "{server.spec().url}"\nplain_http = true\nprivate_address = true\n'
        for name, server in zip(("Amazon", "icanhazip"), services, strict=False)
    ]
    env = {"IP_MONITOR_CONFIG": str(settings_for(services, *tables, webhook="http://127.0.0.1:1/"))}
    running = await start("run", env=env)
    await running.line("IPv4 address is")
    typed = [words[1:] for words in commands(text)][:rounds]
    done = await asyncio.to_thread(in_one_process, typed, env=env)
    told = {" ".join(words[:3]): (status, said.strip()) for words, (status, _, said) in zip(typed, done, strict=True)}
    refused = {command: said for command, (status, said) in told.items() if status}
    shown = re.search(r"^(ip-monitor: .*)…$", text, re.MULTILINE)
    assert (await running.stop())[0] == 0

    assert len(told) == rounds
    assert shown is not None
    assert rounds == 4 or refused.pop("providers add inside").startswith(shown[1])
    assert refused == {}


@pytest.mark.parametrize("words", commands(README) + commands(TUTORIAL), ids=" ".join)
async def test_the_commands_in_the_documents_work(words, typed):
    """
    Each of them, after the one that the text lets come before it.
    """
    program, *rest = words
    assert program in {"pip", "ip-monitor"}
    if program == "pip":
        return
    if "--database" in rest:
        await typed(["simulate"])
    elif rest[0] in {"status", "history", "why", "queue"}:
        await typed(["check"])
    await typed(rest)
