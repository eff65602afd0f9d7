"""
The catalogue: for every kind of resource a seeded defect and a clean twin, all run once.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

# Each file is run once, by whichever of its tests comes first; on a busy machine that one takes its time.
pytestmark = pytest.mark.timeout(240)

CATALOGUE = sorted((Path(__file__).parent / "catalogue").glob("*.py"))


@dataclass(frozen=True)
class Scene:
    """
    One test of the catalogue: the kinds it must be found with, in order, and at which line; none for a clean twin.
    """

    file: str
    name: str
    kinds: tuple[str, ...]
    line: int

    @property
    def node(self) -> str:
        return f"{self.file}::{self.name}"


def file_of(path: Path) -> str:
    return f"test_{path.stem.strip('_')}.py"


def scenes() -> list[Scene]:
    found = []
    for path in CATALOGUE:
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
                n for n in range(function.lineno, (function.end_lineno or 0) + 1) if lines[n - 1].endswith("# here")
            ]
            assert bool(kinds) == function.name.startswith("test_defect_"), function.name
            found.append(Scene(file_of(path), function.name, tuple(kinds), here[0] if here else 0))
    return found


SCENES = scenes()


@pytest.fixture(scope="module")
def catalogue_run(module_suite):
    """
    Gives the run of one file of the catalogue; each is run once, when its first test asks.
    """
    runs = {}
    module_suite.write("pytest.ini", "[pytest]\nmarkers =\n    finds(kind): what must be found\n")

    def run_of(file):
        if file not in runs:
            source = next(path for path in CATALOGUE if file_of(path) == file)
            module_suite.write(file, source.read_text())
            runs[file] = module_suite.run(file, plugins=("asyncio",), timeout=200)
        return runs[file]

    return run_of


@pytest.mark.xdist_group("catalogue")
@pytest.mark.parametrize("scene", SCENES, ids=[scene.node for scene in SCENES])
def test_defects_are_found_once_at_their_line_and_twins_are_silent(scene, catalogue_run):
    """
    Each defect is reported exactly once, for the right test, at the right line; a twin never is.
    """
    run = catalogue_run(scene.file)
    found = [one for one in run.found if one.test == scene.node]

    assert list(scene.kinds) == [one.kind for one in found], found or run.text
    for one in found:
        assert one.owner == f"function test {scene.node}"
        assert one.line == (scene.file, scene.line)
        assert one.finding["remedy"]["text"]


@pytest.mark.parametrize("file", [file_of(path) for path in CATALOGUE])
def test_everything_passes_but_for_its_defect(file, catalogue_run):
    """
    No scene fails by itself: the next test after each defect started clean.
    """
    scenes = [scene for scene in SCENES if scene.file == file]
    run = catalogue_run(file)
    outcomes = {**run.outcomes}
    # A coroutine that is never awaited is warned about by the interpreter as well.
    warned = outcomes.pop("warnings", 0)

    assert warned == sum("coroutine.never_awaited" in scene.kinds for scene in scenes)
    assert outcomes == {"passed": len(scenes), "errors": sum(bool(scene.kinds) for scene in scenes)}, run.text
