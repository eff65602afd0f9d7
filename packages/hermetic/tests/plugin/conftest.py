"""
The builder of plugin tests: write these files, run pytest on them in a process of its own, look at what came out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# Plugins are loaded by name in these runs: each one that is not needed would cost every run its import.
HERMETIC = "hermetic._pytest.plugin"
ASYNCIO = ("pytest_asyncio.plugin", "-oasyncio_mode=auto", "-oasyncio_default_fixture_loop_scope=function")
PLUGINS = {
    "asyncio": ASYNCIO,
    "anyio": ("anyio.pytest_plugin",),
    "xdist": ("xdist.plugin",),
    "randomly": ("pytest_randomly",),
    "cov": ("pytest_cov.plugin",),
    "timeout": ("pytest_timeout",),
    "aiohttp": ("aiohttp.pytest_plugin",),
    "pytest-aiohttp": ("pytest_aiohttp.plugin",),
    "isolated": ("pytest_isolated.plugin",),
    "rerunfailures": ("pytest_rerunfailures",),
}


@dataclass(frozen=True)
class Found:
    """
    A finding of the journal, with what the tests ask for by name.
    """

    test: str
    level: str
    finding: dict[str, Any]
    mended: str

    @property
    def kind(self) -> str:
        return self.finding["kind"]

    @property
    def owner(self) -> str:
        return f"{self.finding['owner']['scope']} {self.finding['owner']['kind']} {self.finding['owner']['name']}"

    @property
    def line(self) -> tuple[str, int] | None:
        frames = (self.finding["site"] or {}).get("frames") or [None]
        return (Path(frames[0]["file"]).name, frames[0]["line"]) if frames[0] else None


@dataclass(frozen=True)
class Run:
    """
    What a run of pytest printed and recorded.
    """

    status: int
    text: str
    directory: Path
    events: list[dict[str, Any]]

    @property
    def outcomes(self) -> dict[str, int]:
        last = next((line for line in reversed(self.text.splitlines()) if re.search(r"\bin \d+\.\d+s", line)), "")
        words = {"error": "errors", "warning": "warnings"}
        return {
            words.get(word, word): int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", last.split(" in ")[0])
        }

    @property
    def found(self) -> list[Found]:
        result = []
        for index, event in enumerate(self.events):
            if event["kind"] != "guard.finding":
                continue
            # Between the two may stand what a busy machine brings: a sample of what is open, say.
            about = ("guard.finding", "guard.mended")
            after = next((one for one in self.events[index + 1 :] if one["kind"] in about), {})
            mended = after.get("done", "") if after.get("kind") == "guard.mended" else ""
            result.append(Found(event["test"], event["level"], event["finding"], mended))
        return result

    def kinds(self) -> Counter[str]:
        return Counter(one.kind for one in self.found)

    @property
    def report(self) -> str:
        """
        The part with the failures, with the path of this very run taken out.
        """
        text = self.text.replace(str(self.directory), "/project")
        # The short summary is cut to the terminal's width, so it depends on the length of the real path.
        text = re.split(r"=+ short test summary info =+", text)[0]
        text = re.sub(r"0x[0-9a-f]+", "<address>", text)
        start = text.find("= ERRORS =")
        start = text.rfind("\n", 0, start) + 1 if start >= 0 else 0
        return text[start:]


class Suite:
    """
    A small project in a directory of its own.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.write("pytest.ini", "[pytest]\n")

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        return path

    def run(
        self,
        *arguments: str,
        plugins: tuple[str, ...] = (),
        timeout: float = 60.0,
        env: dict[str, str] | None = None,
        python: str = sys.executable,
    ) -> Run:
        """
        Run pytest here with Hermetic and the plugins named; `autoload` alone loads whatever is installed. `python` may
        be a program that prepares something and then becomes the interpreter.
        """
        variables = {**os.environ, "COLUMNS": "100", "PYTHONDONTWRITEBYTECODE": "1"}
        for name in ("CI", "BUILD_NUMBER"):
            # pytest shortens what it says of a failed assertion, unless one of these is set.
            variables.pop(name, None)
        loaded: list[str] = []
        if plugins != ("autoload",):
            variables["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
            loaded = ["-p", HERMETIC]
            for name in plugins:
                loaded += ["-p", *PLUGINS[name]]
        journal = self.directory / "journal.jsonl"
        for old in self.directory.glob("journal*.jsonl"):
            old.unlink()
        command = [
            *(python, "-m", "pytest", *loaded, "-p", "no:cacheprovider", "-v", "--tb=short"),
            *("--hermetic-journal", str(journal), f"--basetemp={self.directory / 'tmp'}", *arguments),
        ]
        done = subprocess.run(
            command,
            cwd=self.directory,
            env={**variables, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # What a test prints may be any bytes: under the C locale Python writes its lone surrogates as they came.
            encoding="utf-8",
            errors="backslashreplace",
            timeout=timeout,
            check=False,
        )
        events = [
            json.loads(line)
            for path in sorted(self.directory.glob("journal*.jsonl"))
            for line in path.read_text().splitlines()
        ]
        return Run(done.returncode, done.stdout, self.directory, events)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """
    An empty project: `suite.write("test_a.py", …)`, then `suite.run(…)`.
    """
    return Suite(tmp_path)


@pytest.fixture(scope="module")
def module_suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """
    The same, for tests that look at one run from several sides.
    """
    return Suite(tmp_path_factory.mktemp("suite"))
