"""
What was found in the suites, and what a person said about it.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

REVIEWED = Path(__file__).parent / "reviewed.toml"


@dataclass(frozen=True)
class Fingerprint:
    """
    What stays the same of a finding from run to run: no line, no address, no parameter.
    """

    library: str
    kind: str
    owner: str
    place: str

    def __str__(self) -> str:
        return f"{self.library}  {self.kind}  {self.owner}  {self.place}"


@dataclass(frozen=True)
class Review:
    """
    One entry of reviewed.toml: which findings (shell patterns), whether they are real, and why.
    """

    library: str
    kind: str
    real: bool
    why: str
    owner: str = "*"
    place: str = "*"

    def covers(self, one: Fingerprint) -> bool:
        pairs = ((one.library, self.library), (one.kind, self.kind), (one.owner, self.owner), (one.place, self.place))
        return all(fnmatchcase(value, pattern.replace("[", "[[]")) for value, pattern in pairs)


def reviews() -> list[Review]:
    return [Review(**entry) for entry in tomllib.loads(REVIEWED.read_text()).get("finding", [])]


def fingerprint(library: str, finding: dict[str, Any]) -> Fingerprint:
    owner = finding["owner"]
    name = re.sub(r"\[.*", "", owner["name"])
    frames = (finding["site"] or {}).get("frames") or []
    inside = [frame for frame in frames if "/sources/" in frame["file"]] or frames
    place = "nowhere"
    if inside:
        file = re.sub(r".*/(?:sources/[^/]+|site-packages|lib/python3\.\d+)/", "", inside[0]["file"])
        place = f"{file} {inside[0]['function']}"
    return Fingerprint(library, finding["kind"], f"{owner['kind']} {name}", place)


def tally(library: str, events: Iterable[dict[str, Any]]) -> Counter[Fingerprint]:
    """
    Fingerprints with how many findings, each counting as many leaks as it stands for.
    """
    counts: Counter[Fingerprint] = Counter()
    for event in events:
        if event["kind"] == "guard.finding":
            counts[fingerprint(library, event["finding"])] += event["finding"]["count"]
    return counts
