"""
The fixtures of a suite as a graph, and what is doubtful in it: cycles, shadowing, duplicates, fixtures nobody asks for.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    """
    One definition. `base` is the node id below which it is visible, `needs` are the names it asks for, `body` is
    anything that two fixtures have in common exactly if they do the same; `defined` is "file:line".
    """

    name: str
    scope: str
    base: str
    needs: tuple[str, ...]
    defined: str
    body: object = None
    is_used: bool = False
    is_automatic: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.scope}, {self.defined})"


class FixtureGraph:
    """
    All definitions of the project's fixtures. A name may have several, the nearest to a test wins.
    """

    def __init__(self, fixtures: Iterable[Fixture]) -> None:
        self.fixtures = sorted(fixtures, key=lambda one: (one.name, one.base, one.defined))
        self._named: defaultdict[str, list[Fixture]] = defaultdict(list)
        for fixture in self.fixtures:
            self._named[fixture.name].append(fixture)

    def needed(self, fixture: Fixture) -> Iterator[Fixture]:
        """
        What a fixture's arguments stand for: of each name the nearest definition, for its own name the next outer one.
        """
        for name in fixture.needs:
            visible = [
                one
                for one in self._named.get(name, ())
                if fixture.base.startswith(one.base) and (name != fixture.name or len(one.base) < len(fixture.base))
            ]
            if visible:
                yield max(visible, key=lambda one: len(one.base))

    def cycles(self) -> list[tuple[Fixture, ...]]:
        """
        Fixtures that need one another, each ring once, beginning with its first in order.
        """
        rings: dict[frozenset[int], tuple[Fixture, ...]] = {}
        for start in self.fixtures:
            stack: list[tuple[Fixture, tuple[Fixture, ...]]] = [(start, (start,))]
            seen: set[int] = set()
            while stack:
                here, path = stack.pop()
                for other in self.needed(here):
                    if other is start:
                        rings.setdefault(frozenset(map(id, path)), path)
                    elif id(other) not in seen:
                        seen.add(id(other))
                        stack.append((other, (*path, other)))
        return list(rings.values())

    def shadowed(self) -> list[tuple[Fixture, Fixture]]:
        """
        Pairs of a definition and the outer one that it hides without building on it.
        """
        return [
            (inner, outer)
            for named in self._named.values()
            for inner in named
            for outer in named
            if inner is not outer
            and inner.base.startswith(outer.base)
            and (inner.base != outer.base or inner.defined > outer.defined)
            and inner.name not in inner.needs
        ]

    def duplicates(self) -> list[tuple[Fixture, ...]]:
        """
        Groups of fixtures that do the same in several places.
        """
        alike: defaultdict[object, list[Fixture]] = defaultdict(list)
        for fixture in self.fixtures:
            if fixture.body is not None:
                alike[fixture.body, fixture.scope, fixture.needs].append(fixture)
        return [tuple(group) for group in alike.values() if len(group) > 1]

    def unused(self) -> list[Fixture]:
        """
        Those that no collected test comes to, directly or through others.
        """
        return [one for one in self.fixtures if not one.is_used and not one.is_automatic]

    def lines(self) -> Iterator[str]:
        """
        The whole as text.
        """
        yield f"{len(self.fixtures)} fixtures of the project"
        for fixture in self.fixtures:
            needs = ", ".join(fixture.needs)
            yield f"  {fixture}" + (f" needs {needs}" if needs else "")
        rings = [" needs ".join(map(str, (*ring, ring[0]))) for ring in self.cycles()]
        yield from _section("in a circle: pytest cannot set them up", rings)
        yield from _section("shadowed", [f"{inner} hides {outer}" for inner, outer in self.shadowed()])
        alike = ["; ".join(map(str, group)) for group in self.duplicates()]
        yield from _section("the same in several places: keep one, in a conftest.py above both", alike)
        yield from _section("asked for by no collected test", [str(one) for one in self.unused()])
        yield "Which test changed the value of a broad fixture is found in a run: kind stain.fixture-value."


def _section(title: str, lines: list[str]) -> Iterator[str]:
    yield f"{len(lines)} {title}"
    yield from (f"  {line}" for line in lines)
