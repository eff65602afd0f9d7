"""
The ways to run the tests, which stand in pyproject.toml below `[tool.dev.profiles]`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

USUAL = "usual"


class ProfileError(Exception):
    """
    A profile that does not exist or cannot be read; its text says which, and what there is.
    """


@dataclass(frozen=True, kw_only=True)
class Profile:
    """
    One way to run the tests.

    Attributes:
        about: what it is for, in one line.
        parallel: whether tests run in several processes.
        coverage: whether lines and branches are measured, also in the processes that tests start.
        branches: the share of branches in percent below which the run fails; 0 for no bound.
        pytest: arguments for pytest, before those of the caller.
    """

    name: str
    about: str
    parallel: bool = True
    coverage: bool = False
    branches: float = 0.0
    pytest: tuple[str, ...] = ()

    def command(self, python: str, words: Sequence[str]) -> list[str]:
        """
        The command line that runs pytest so, with `words` added.
        """
        measured = ["-m", "coverage", "run"] if self.coverage else []
        return [python, *measured, "-m", "pytest", *workers(words, parallel=self.parallel), *self.pytest, *words]


def workers(words: Sequence[str], *, parallel: bool) -> list[str]:
    """
    The options that spread tests over processes, unless the caller says how, or debugs.

    A quarter of the suite is waiting for clocks and processes: on 2 cores it takes 301 s with 2 workers and 232 s with 3.
    """
    serial = {"--pdb", "--trace", "--collect-only", "--co"}
    if not parallel or any(word in serial or word.startswith(("-n", "--numprocesses")) for word in words):
        return []
    return ["-n", str((os.cpu_count() or 2) + 1), "--dist", "worksteal"]


def profiles_in(root: Path) -> dict[str, Profile]:
    """
    All profiles by name.

    Raises:
        ProfileError: pyproject.toml has an entry that is no profile.
    """
    settings: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    table: dict[str, dict[str, Any]] = settings.get("tool", {}).get("dev", {}).get("profiles", {})
    found: dict[str, Profile] = {}
    for name, entry in table.items():
        entry["pytest"] = tuple(entry.get("pytest", ()))
        try:
            found[name] = Profile(name=name, **entry)
        except TypeError as error:
            raise ProfileError(f"pyproject.toml, [tool.dev.profiles.{name}]: {error}") from error
    return found


def choose(root: Path, words: Sequence[str]) -> tuple[Profile, list[str]]:
    """
    The profile that `--profile NAME` asks for, or the usual one, and the words that are left for pytest.

    Raises:
        ProfileError: there is no profile of that name.
    """
    rest = list(words)
    name = USUAL
    for index, word in enumerate(words):
        if word == "--":
            break
        if word == "--profile":
            name, rest = (words[index + 1] if index + 1 < len(words) else ""), [*words[:index], *words[index + 2 :]]
            break
        if word.startswith("--profile="):
            name, rest = word.partition("=")[2], [*words[:index], *words[index + 1 :]]
            break
    known = profiles_in(root)
    if name not in known:
        listed = "\n".join(f"  {profile.name:<8}{profile.about}" for profile in known.values())
        raise ProfileError(f"no profile named {name!r}. There are:\n{listed}")
    return known[name], rest


def judge_coverage(root: Path, python: str, *, variables: Mapping[str, str], least: float) -> int:
    """
    Combine what all processes measured, print what is not covered, and hold the branches against `least` percent.

    Returns:
        The exit status: 1 when fewer branches are covered, or nothing was measured.
    """

    def coverage(*words: str, quiet: bool = False) -> int:
        sink = subprocess.DEVNULL if quiet else None
        command = [python, "-m", "coverage", *words]
        return subprocess.run(command, cwd=root, env=dict(variables), check=False, stdout=sink).returncode

    figures = root / ".dev" / "coverage.json"
    coverage("combine", "--quiet")
    if coverage("report", "--skip-covered") or coverage("json", "--quiet", "-o", str(figures), quiet=True):
        print("coverage: nothing was measured")
        return 1
    totals = json.loads(figures.read_text("utf-8"))["totals"]
    covered, branches = totals["covered_branches"], totals["num_branches"]
    share = 100.0 * covered / branches if branches else 100.0
    print(
        f"coverage: {covered} of {branches} branches, {share:.1f} %" + (f"; {least:g} % are asked for" if least else "")
    )
    return int(share < least)
