"""
The guides through a whole suite: each command runs in the order of the page, and prints what stands below it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from development.documents import steps_of

ROOT = Path(__file__).resolve().parent.parent
OLD = ROOT / "examples" / "old_suite"
SOUND = ROOT / "examples" / "sound_suite"


def commands_of(page: str) -> list[tuple[str, list[str]]]:
    """
    Each command of a page with the lines that are shown of what it prints; "…" stands for any number of lines.
    """
    steps = steps_of((ROOT / "docs" / page).read_text("utf-8"))
    assert all(len(step.commands) == 1 for step in steps), "a command that is not one line"
    return [(step.commands[0], (step.shown or "").splitlines()) for step in steps]


def shown_in(lines: list[str], output: str) -> str:
    """
    The first line that is not in `output` after the one before it; empty when all are.
    """
    place = 0
    for line in lines:
        if line.strip() == "…":
            continue
        found = output.find(line, place)
        if found < 0:
            return line
        place = found + len(line)
    return ""


def printed_by(command: str, suite: Path) -> str:
    """
    What a command of a guide prints in the old suite, with no other plugins than it needs.
    """
    before, joined, command = command.rpartition(" && ")
    if joined:
        subprocess.run(["sh", "-ec", before], cwd=suite, check=True)
    words = command.split()[1:]
    if not any(word.startswith(("test_", "sound_")) for word in words):
        words += sorted(file.name for file in suite.glob("test_*.py"))
    plugins = ["-p", "hermetic._pytest.plugin", "-p", "pytest_asyncio.plugin", "-p", "no:cacheprovider"]
    known = [word for word in words if word not in {"-p", "no:randomly"}]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *plugins,
            "-q",
            "--hermetic-history=off",
            f"--basetemp={suite / 'tmp'}",
            *known,
        ],
        cwd=suite,
        env={**os.environ, "COLUMNS": "200", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    for file in (*OLD.glob("test_*.py"), OLD / "pytest.ini"):
        shutil.copy2(file, tmp_path)
    shutil.copytree(SOUND, tmp_path / "sound_suite", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.mark.parametrize("page", ["tutorials/from-failing-to-sound.md", "how-to/adopt-hermetic.md"])
def test_each_command_of_the_guide_prints_what_the_page_shows(page, suite):
    """
    The old suite fails in all five of its ways, each is told; the mended one is silent.
    """
    every = commands_of(page)
    copied = [command for command, _ in every if command.startswith("mkdir /tmp/suite")]
    if copied:
        place = subprocess.run(
            ["sh", "-ec", f"{copied[0]} && pwd".replace("/tmp/suite", f"{suite}/copy")],
            cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
        suite = Path(place.stdout.strip())
    played = [(command, lines) for command, lines in every if re.match(r"pytest |cp .* && pytest ", command)]
    whole = played[0][0]
    outputs: dict[str, str] = {}
    missing = {}
    for command, lines in played:
        # What one file of the tutorial prints, the run of all files has printed already.
        key = whole if re.match(r"pytest test_\w+\.py( --tb=no)?$", command) else command
        if key not in outputs:
            outputs[key] = printed_by(key.replace(" --tb=no", ""), suite)
        if line := shown_in(lines, outputs[key]):
            missing[command] = (line, outputs[key])

    assert len(played) >= 3
    assert not missing, "\n".join(
        f"{command}: no line {line!r} in\n{said}" for command, (line, said) in missing.items()
    )


def test_the_mended_suite_holds_the_same_tests_as_the_old_one():
    """
    Nothing was mended by taking it out.
    """

    def names(folder: Path) -> set[tuple[str, str]]:
        return {
            (file.name, name)
            for file in folder.glob("test_*.py")
            for name in re.findall(r"def (test_\w+)", file.read_text())
        }

    assert names(SOUND) == names(OLD)
    assert len({file for file, _ in names(OLD)}) == 5
