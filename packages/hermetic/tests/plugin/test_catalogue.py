"""
The catalogue: for every kind of resource a seeded defect and a clean twin, all run once.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

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
            found.append(Scene(f"test_{path.stem.strip('_')}.py", function.name, tuple(kinds), here[0] if here else 0))
    return found


SCENES = scenes()


@pytest.fixture(scope="module")
def catalogue_run(module_suite):
    """
    The whole catalogue, run once in order.
    """
    for path in CATALOGUE:
        module_suite.write(f"test_{path.stem.strip('_')}.py", path.read_text())
    module_suite.write("pytest.ini", "[pytest]\nmarkers =\n    finds(kind): what must be found\n")
    return module_suite.run(plugins=("asyncio",), timeout=120)


@pytest.mark.xdist_group("catalogue")
@pytest.mark.parametrize("scene", SCENES, ids=[scene.node for scene in SCENES])
def test_defects_are_found_once_at_their_line_and_twins_are_silent(scene, catalogue_run):
    """
    Each defect is reported exactly once, for the right test, at the right line; a twin never is.
    """
    found = [one for one in catalogue_run.found if one.test == scene.node]

    assert list(scene.kinds) == [one.kind for one in found], found or catalogue_run.text
    for one in found:
        assert one.owner == f"function test {scene.node}"
        assert one.line == (scene.file, scene.line)
        assert one.finding["remedy"]["text"]


def test_everything_passes_but_for_its_defect(catalogue_run):
    """
    No scene fails by itself: the next test after each defect started clean.
    """
    defects = sum(bool(scene.kinds) for scene in SCENES)
    # A coroutine that is never awaited is warned about by the interpreter as well.
    assert {"passed": len(SCENES), "errors": defects, "warnings": 1} == catalogue_run.outcomes, catalogue_run.text
