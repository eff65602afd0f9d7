"""
The catalogue: for every kind of resource a seeded defect and a clean twin, all run once.
"""

from __future__ import annotations

import ast
import os
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
                n
                for n in range(function.lineno - len(function.decorator_list), (function.end_lineno or 0) + 1)
                if lines[n - 1].endswith("# here")
            ]
            assert bool(kinds) == function.name.startswith("test_defect_"), function.name
            found.append(Scene(f"test_{path.stem.strip('_')}.py", function.name, tuple(kinds), here[0] if here else 0))
    return found


SCENES = scenes()
# These are listed and fail no test, unless a rule says so.
WARNS = {"descriptor.other"}
TABLE = Path(__file__).parents[4] / "docs" / "reference" / "leaks.md"


def table(run) -> str:
    """
    The rows of the documentation's table: what each kind's defects were called in this run, and the remedy.
    """
    rows = ["| kind | a seeded defect says | remedy |", "|---|---|---|"]
    for kind in sorted({kind for scene in SCENES for kind in scene.kinds}):
        found = [one.finding for one in run.found if one.kind == kind]
        titles = " / ".join(sorted({one["title"] for one in found}))
        rows.append(f"| `{kind}` | {titles} | {found[0]['remedy']['text'].rstrip(':')} |")
    defects = [scene for scene in SCENES if scene.kinds]
    twins = [scene for scene in SCENES if not scene.kinds]
    caught = sum(any(one.test == scene.node for one in run.found) for scene in defects)
    accused = sum(any(one.test == scene.node for one in run.found) for scene in twins)
    rows += [
        "",
        f"Of {len(defects)} seeded defects {caught} are found, of {len(twins)} clean twins {accused} are accused.",
    ]
    return "\n".join(rows) + "\n"


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


# One run for all, which starts processes and pools; on a busy machine it takes long.
@pytest.mark.timeout(300)
@pytest.mark.deadline(280)
def test_every_defect_is_found_once_at_its_line_and_every_twin_is_silent(suite):
    """
    Each defect is reported exactly once, for the right test, at the right line; a twin never is; nothing else fails, so
    the test after each defect started clean. The documentation's table is this run (UPDATE_DOCS rewrites it).
    """
    for path in CATALOGUE:
        suite.write(f"test_{path.stem.strip('_')}.py", path.read_text())
    suite.write(
        "pytest.ini",
        "[pytest]\nhermetic_threading_locks = true\nmarkers =\n    finds(kind): what must be found\n",
    )

    run = suite.run(plugins=("asyncio",), timeout=250)

    assert {scene.node: text for scene in SCENES if (text := problem(scene, run))} == {}, run.text
    # The interpreter warns of the coroutine that is never awaited, and from 3.12 on of forks beside threads.
    outcomes = {word: number for word, number in run.outcomes.items() if word != "warnings"}
    assert outcomes == {"passed": len(SCENES), "errors": sum(bool({*scene.kinds} - WARNS) for scene in SCENES)}, (
        run.text
    )
    before, begin, rest = TABLE.read_text().partition("<!-- from the catalogue's run -->\n")
    _, end, after = rest.partition("<!-- end -->")
    if os.environ.get("UPDATE_DOCS"):
        TABLE.write_text(before + begin + table(run) + end + after)
    assert TABLE.read_text() == before + begin + table(run) + end + after
