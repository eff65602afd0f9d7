"""
Fetching a library's source archive with its tests, and running them in an environment of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[4]
SHELF = REPOSITORY / ".dev" / "libraries"
SUITE_TIMEOUT = 1800


@dataclass(frozen=True)
class Library:
    """
    One entry of libraries.toml.
    """

    name: str
    version: str
    requires: list[str]
    arguments: list[str]
    skip: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        left_out = " and ".join(f"not {one}" for one in self.skip)
        return [*self.arguments, *(["-k", left_out] if left_out else [])]


@dataclass(frozen=True)
class Result:
    """
    One run of a suite: outcomes by test and phase, and the guard's events.
    """

    outcomes: dict[str, dict[str, str]]
    events: list[dict[str, Any]]
    text: str


def libraries() -> list[Library]:
    return [Library(name=name, **entry) for name, entry in tomllib.loads((HERE / "libraries.toml").read_text()).items()]


def say(command: list[str], **options: Any) -> str:
    """
    Run a program; what it printed, or an error with it.
    """
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    if done.returncode:
        raise RuntimeError(f"exit status {done.returncode} from\n    {' '.join(command)}\n{done.stdout[-4000:]}")
    return done.stdout


class Shelf:
    """
    Archives and environments below .dev, made once and kept for the next time.
    """

    def __init__(self) -> None:
        SHELF.mkdir(parents=True, exist_ok=True)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        self._environments = SHELF / f"environments-{version}"
        self._pip = self._environments / "pip"

    def source(self, library: Library) -> Path:
        """
        The unpacked source archive.
        """
        place = SHELF / "sources" / f"{library.name}-{library.version}"
        if not place.exists():
            download = SHELF / "archives" / place.name
            self._say_pip(
                "download",
                "--no-deps",
                "--no-binary",
                library.name,
                "--dest",
                str(download),
                f"{library.name}=={library.version}",
            )
            archive = next(download.glob("*.tar.gz"))
            unpacked = place.with_suffix(".part")
            with tarfile.open(archive) as tar:
                tar.extractall(unpacked, filter="data")
            place.parent.mkdir(exist_ok=True)
            # A suite without settings of its own would find this repository's.
            (place.parent / "pytest.ini").write_text("[pytest]\n")
            next(unpacked.iterdir()).rename(place)
            unpacked.rmdir()
        return place

    def python(self, library: Library) -> Path:
        """
        An interpreter that has what the library's tests need.
        """
        place = self._environments / library.name
        stamp = place / "stamp"
        digest = hashlib.sha256("\n".join(library.requires).encode()).hexdigest()
        if not stamp.exists() or stamp.read_text() != digest:
            say([sys.executable, "-m", "venv", "--clear", "--without-pip", str(place)])
            self._say_pip("--python", str(place / "bin" / "python"), "install", *library.requires)
            stamp.write_text(digest)
        return place / "bin" / "python"

    def _say_pip(self, *words: str) -> str:
        python = self._pip / "bin" / "python"
        if not python.exists():
            say([sys.executable, "-m", "venv", "--clear", str(self._pip)])
        return say([str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", *words])

    def run(self, library: Library, *, with_hermetic: bool) -> Result:
        """
        The library's own suite, in its own environment, offline but for loopback as far as its `skip` tells.
        """
        source, python = self.source(library), self.python(library)
        runs = SHELF / "runs" / library.name
        runs.mkdir(parents=True, exist_ok=True)
        name = "with" if with_hermetic else "without"
        outcomes, journal = runs / f"{name}.json", runs / "journal.jsonl"
        outcomes.unlink(missing_ok=True)
        guard: list[str] = []
        if with_hermetic:
            journal.unlink(missing_ok=True)
            guard = ["-p", "hermetic._pytest.plugin", "--hermetic-policy", "warn", "--hermetic-journal", str(journal)]
        done = subprocess.run(
            [str(python), "-m", "pytest", "-p", "outcomes", "-p", "no:cacheprovider", "-q", *guard, *library.words],
            cwd=source,
            env={
                **{key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COVERAGE_"))},
                "PYTHONPATH": os.pathsep.join(
                    [str(HERE), *([str(REPOSITORY / "packages/hermetic/src")] if with_hermetic else [])]
                ),
                "OUTCOMES_FILE": str(outcomes),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SUITE_TIMEOUT,
            check=False,
        )
        (runs / f"{name}.txt").write_text(done.stdout)
        if not outcomes.exists():
            raise RuntimeError(f"the suite of {library.name} did not end by itself:\n{done.stdout[-4000:]}")
        events = [json.loads(line) for line in journal.read_text().splitlines()] if with_hermetic else []
        return Result(json.loads(outcomes.read_text()), events, done.stdout)
