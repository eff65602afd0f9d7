"""
What is known of each change, kept as it becomes known, so that a run that ends early goes on where it was.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from development.mutation.mutants import Mutant

REASONS = "development/mutation/survivors.toml"


@dataclass(frozen=True)
class Verdict:
    """
    One change, the text of the module and the tests that it was judged with (as digests), and what came out.
    """

    subject: str
    mutant: str
    source: str
    tests: str
    outcome: str
    by: tuple[str, ...]
    seconds: float


class Tally:
    """
    Verdicts as JSON Lines. A verdict counts as long as the module reads the same; one on a survivor only as long as the
    tests do too, for they may have been mended since.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._known: dict[tuple[str, str, str], Verdict] = {}
        lines = place.read_text("utf-8").splitlines() if place.is_file() else []
        for line in lines:
            try:
                record: dict[str, Any] = json.loads(line)
                record["by"] = tuple(record["by"])
                self._keep(Verdict(**record))
            except (ValueError, KeyError, TypeError):
                # The last line of a run that was killed while it wrote.
                continue

    def _keep(self, verdict: Verdict) -> None:
        self._known[verdict.subject, verdict.mutant, verdict.source] = verdict

    def find(self, subject: str, mutant: Mutant, *, source: str, tests: str) -> Verdict | None:
        known = self._known.get((subject, mutant.name, source))
        if known and not is_killed(known) and known.tests != tests:
            return None
        return known

    def add(self, verdict: Verdict) -> None:
        self._keep(verdict)
        self._place.parent.mkdir(parents=True, exist_ok=True)
        with self._place.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(verdict), ensure_ascii=False) + "\n")


def is_killed(verdict: Verdict) -> bool:
    return verdict.outcome in {"killed", "timed out"}


class Reasons:
    """
    Why a survivor may live: in the file of reasons, by module and change, with the line's number left out.
    """

    def __init__(self, root: Path) -> None:
        self._known: dict[str, str] = {}
        path = root / REASONS
        if path.is_file():
            for entry in tomllib.loads(path.read_text("utf-8")).get("survivor", []):
                for change in entry["changes"]:
                    self._known[f"{entry['module']}: {change}"] = entry["reason"]

    def of(self, mutant: str) -> str:
        module, _, change = mutant.split(":", 2)
        return self._known.get(f"{module}:{change}", "")


def summary_of(subject: str, total: int, verdicts: Sequence[Verdict], reasons: Reasons) -> list[str]:
    """
    The lines that tell how a subject did: a share of what was judged, and how much was not.
    """
    killed = sum(is_killed(verdict) for verdict in verdicts)
    late = sum(verdict.outcome == "timed out" for verdict in verdicts)
    share = f"{100 * killed / len(verdicts):.1f} %" if verdicts else "nothing"
    judged = f"{killed} of {len(verdicts)} judged ({late} by their time limit), of {total} in all"
    lines = [f"mutation: {subject}: {share} killed: {judged}"]
    for verdict in verdicts:
        if not is_killed(verdict):
            lines.append(f"    {verdict.outcome}: {verdict.mutant}")
            lines.append(f"        {reasons.of(verdict.mutant) or 'no reason is given'}")
    return lines
