"""
The catalogue: for every kind of resource a seeded defect, a clean twin, and a scene with three owners, all run once.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def beside(name):
    """
    A module of this directory; collected by path, the tests here are no package.
    """
    spec = importlib.util.spec_from_file_location(f"hermetic_{name}", HERE / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


owner_scenes = beside("owner_scenes")
# The files of the catalogue in runs of some seconds each; no kind is in two of them.
GROUPS = {
    "files": ["files"],
    "clients": ["aiohttp_", "aiosqlite_", "http_clients", "sqlite"],
    "processes": ["asyncio_state", "network", "tasks", "threads_and_processes", "uvloop_"],
}
CATALOGUE = sorted((HERE / "catalogue").glob("*.py"))
# Before the others, so that fixtures of the session outlive those of its module.
OWNERS = "test_0_owners.py"


@dataclass(frozen=True)
class Scene:
    """
    One test of the catalogue: the kinds it must be found with, in order, and at which line; none for a clean twin.
    """

    group: str
    file: str
    name: str
    kinds: tuple[str, ...]
    line: int

    @property
    def node(self) -> str:
        return f"{self.file}::{self.name}"

    @property
    def is_here(self) -> bool:
        """
        Whether this Python has what it is about: 3.14 has no child watchers.
        """
        return "child_watcher" not in self.name or sys.version_info < (3, 14)


def scenes() -> list[Scene]:
    found = []
    for path in CATALOGUE:
        [group] = [name for name, stems in GROUPS.items() if path.stem in stems]
        text = path.read_text()
        lines = text.splitlines()
        for function in ast.walk(ast.parse(text)):
            if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) or not function.name.startswith(
                "test_"
            ):
                continue
            kinds = [
                argument.value
                for mark in function.decorator_list
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.finds"
                for argument in mark.args
                if isinstance(argument, ast.Constant)
            ]
            here = [
                n
                for n in range(function.lineno - len(function.decorator_list), (function.end_lineno or 0) + 1)
                if lines[n - 1].endswith("# here")
            ]
            assert bool(kinds) == function.name.startswith("test_defect_"), function.name
            found.append(
                Scene(group, f"test_{path.stem.strip('_')}.py", function.name, tuple(kinds), here[0] if here else 0)
            )
    return found


SCENES = scenes()
# These are listed and fail no test, unless a rule says so.
WARNS = {"descriptor.other"}
TABLE = Path(__file__).parents[4] / "docs" / "reference" / "leaks.md"


def rows(run, group) -> dict[str, str]:
    """
    The rows of the documentation's table: what each kind's defects were called in this run, and the remedy.
    """
    made = {}
    for kind in {kind for scene in SCENES if scene.group == group and scene.is_here for kind in scene.kinds}:
        found = [one.finding for one in run.found if one.kind == kind]
        titles = " / ".join(sorted({one["title"] for one in found}))
        made[kind] = f"| `{kind}` | {titles} | {found[0]['remedy']['text'].rstrip(':')} |"
    return made


def table(known) -> str:
    """
    All of it. Each group's run proves that every defect of its own is found and no twin is accused.
    """
    defects = sum(bool(scene.kinds) for scene in SCENES)
    twins = len(SCENES) - defects
    head = ["| kind | a seeded defect says | remedy |", "|---|---|---|"]
    said = f"Of {defects} seeded defects {defects} are found, of {twins} clean twins 0 are accused."
    return "\n".join([*head, *(known[kind] for kind in sorted(known)), "", said]) + "\n"


def problem(scene, run) -> str:
    """
    What is wrong with a scene's findings, empty when nothing is.
    """
    found = [one for one in run.found if one.test == scene.node]
    said = [one.kind for one in found]
    if list(scene.kinds) != said:
        return f"expected {list(scene.kinds)}, found {said}"
    for one in found:
        if (one.owner, one.line) != (f"function test {scene.node}", (scene.file, scene.line)):
            return f"expected line {scene.line}, found {one.line} of {one.owner}"
        if not one.finding["remedy"]["text"]:
            return "no remedy"
    return ""


@pytest.mark.parametrize("group", GROUPS)
def test_every_defect_is_found_once_at_its_line_and_every_twin_is_silent(suite, group):
    """
    Each defect is reported exactly once, for the right test, at the right line; a twin never is; nothing else fails, so
    the test after each defect started clean. Of each kind there are one moment and three owners: two findings, each its own
    owner's, and silence about what one fixture handed to another. The documentation's table is this run (UPDATE_DOCS
    rewrites it; without -n, for each group writes its rows).
    """
    owners = owner_scenes.text(group)
    suite.write(OWNERS, owners)
    for path in CATALOGUE:
        if path.stem in GROUPS[group]:
            suite.write(f"test_{path.stem.strip('_')}.py", path.read_text())
    suite.write(
        "pytest.ini",
        "[pytest]\nhermetic_threading_locks = true\nmarkers =\n    finds(kind): what must be found\n",
    )
    mine = [scene for scene in SCENES if scene.group == group and scene.is_here]
    of_owners = owner_scenes.kinds(group)

    run = suite.run(plugins=("asyncio",), timeout=250)

    assert {scene.node: text for scene in mine if (text := problem(scene, run))} == {}, run.text
    lines = owners.splitlines()
    others = [one for one in run.found if one.test.startswith(OWNERS)]
    found = sorted((one.kind, one.owner, owner_scenes.place(one, lines)) for one in others)
    assert found == owner_scenes.wanted(group, OWNERS), run.text
    # The interpreter warns of the coroutine that is never awaited, and from 3.12 on of forks beside threads.
    outcomes = {word: number for word, number in run.outcomes.items() if word != "warnings"}
    errors = sum(bool({*scene.kinds} - WARNS) for scene in mine) + len(of_owners.keys() - WARNS)
    assert outcomes == {"passed": len(mine) + len(of_owners), "errors": errors}, run.text
    made = rows(run, group)
    before, begin, rest = TABLE.read_text().partition("<!-- from the catalogue's run -->\n")
    now, end, after = rest.partition("<!-- end -->")
    known = {line.split("`")[1]: line for line in now.splitlines() if line.startswith("| `")}
    if os.environ.get("UPDATE_DOCS"):
        kept = {kind: line for kind, line in known.items() if any(kind in scene.kinds for scene in SCENES)}
        TABLE.write_text(before + begin + table({**kept, **made}) + end + after)
    assert TABLE.read_text() == before + begin + table({**known, **made}) + end + after


def test_every_kind_of_the_catalogue_has_its_scene_with_three_owners():
    """
    In the same run; and the documentation's table lists exactly these.
    """
    in_catalogue = {group: {kind for one in SCENES if one.group == group for kind in one.kinds} for group in GROUPS}
    listed = [line.split("`")[1] for line in TABLE.read_text().splitlines() if line.startswith("| `")]

    assert {group: set(kinds) for group, kinds in owner_scenes.KINDS.items()} == in_catalogue
    assert sorted(listed) == sorted(kind for kinds in in_catalogue.values() for kind in kinds)
