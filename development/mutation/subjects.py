"""
What is changed, how much of it, and the tests that may notice.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

from development.mutation.mutants import Mutant, digest_of, is_program, mutants_of

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {"hermetic": ROOT / "packages/hermetic/src", "ip_monitor": ROOT / "packages/ip-monitor/src"}
_HERMETIC = "packages/hermetic/tests/"
_MONITOR = "packages/ip-monitor/tests/"


@dataclass(frozen=True)
class Subject:
    """
    A part of a product: its modules (patterns below the source folder of `package`) and the folders or files whose tests
    are asked. `sample` changes are drawn with `seed`, or all of them are made when it is None.
    """

    name: str
    package: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    sample: int | None = None
    seed: int = 11

    def files(self) -> list[Path]:
        source = SOURCES[self.package]
        return sorted({path for pattern in self.modules for path in source.glob(pattern)})

    def test_files(self) -> list[str]:
        paths = [ROOT / name for name in self.tests]
        found = {
            file for path in paths for file in (path.rglob("test_*.py") if path.is_dir() else [path]) if file.is_file()
        }
        return sorted(str(file.relative_to(ROOT)) for file in found)

    def mutants(self) -> list[Mutant]:
        """
        The changes to make, the same for the same text of the modules.
        """
        source = SOURCES[self.package]
        texts = {path.relative_to(source).as_posix(): path.read_text("utf-8") for path in self.files()}
        every = [mutant for module, text in texts.items() for mutant in mutants_of(module, text)]
        if self.sample is not None:
            # By a lot that each change draws for itself, so that an edit of one module leaves the draw of the others as it was.
            every.sort(key=lambda mutant: digest_of(f"{self.seed}: {mutant.change}"))
        programs = (mutant for mutant in every if is_program(mutant, texts[mutant.module]))
        return list(itertools.islice(programs, self.sample))


SUBJECTS = (
    Subject(
        name="domain",
        package="ip_monitor",
        modules=("ip_monitor/domain/*.py",),
        tests=tuple(f"{_MONITOR}{part}" for part in ("unit", "property", "contract", "integration/application")),
    ),
    Subject(
        name="resilience",
        package="ip_monitor",
        modules=("ip_monitor/resilience/*.py",),
        tests=(f"{_MONITOR}unit/resilience", f"{_MONITOR}unit/providers"),
    ),
    Subject(
        name="statistics",
        package="hermetic",
        modules=tuple(
            f"hermetic/record/history/{name}.py"
            for name in ("beta", "clusters", "intervals", "rates", "sequential", "shards", "stability")
        ),
        tests=(f"{_HERMETIC}unit/record/history", f"{_HERMETIC}unit/runs"),
    ),
    Subject(
        name="guard",
        package="hermetic",
        modules=("hermetic/guard/**/*.py",),
        tests=(f"{_HERMETIC}unit/guard", f"{_HERMETIC}integration/guard", f"{_HERMETIC}plugin"),
        sample=300,
    ),
)
