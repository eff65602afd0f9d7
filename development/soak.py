"""
Full runs again and again, each in another order, serial and parallel in turn, beside processes that keep the machine busy.

A tally in `.dev/soak.jsonl` says what each run came to, so that a soak that ends early goes on where it was; what the tests
themselves did is in a history of Hermetic's own, from which the summary at the end is made.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from development.profiles import profiles_in

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / ".dev"
INTEGRATION = "packages/ip-monitor/tests/integration"
_BURN = "import time\nwhile True:\n    sum(i * i for i in range(200_000)); time.sleep(0.01)\n"


@dataclass(frozen=True, kw_only=True)
class Record:
    """
    One run. `findings` counts what Hermetic found, `hangs` what it ended at a deadline, `slowest_s` the slowest test.
    """

    commit: str
    words: tuple[str, ...]
    seed: int
    parallel: bool
    busy: int
    status: int
    seconds: float
    tests: int
    failed: int
    retried: int
    findings: int
    hangs: int
    slowest_s: float

    @property
    def is_green(self) -> bool:
        return self.status == 0 and not (self.failed or self.retried or self.findings or self.hangs)

    @property
    def again(self) -> str:
        kind = "" if self.parallel else " -n0"
        return f"./dev test --randomly-seed={self.seed}{kind} {' '.join(self.words)}".rstrip()


@dataclass(frozen=True)
class Journal:
    """
    What the journal of a run says.
    """

    tests: int = 0
    failed: int = 0
    retried: int = 0
    findings: int = 0
    hangs: int = 0
    slowest_s: float = 0.0


def read_tally(place: Path) -> list[Record]:
    """
    The records of a tally; a line that was cut short by a kill is left out.
    """
    records: list[Record] = []
    with contextlib.suppress(FileNotFoundError):
        for line in place.read_text("utf-8").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                entry: dict[str, Any] = json.loads(line)
                entry["words"] = tuple(entry["words"])
                records.append(Record(**entry))
    return records


def summary_of(records: Sequence[Record]) -> list[str]:
    """
    The lines at the end of a soak.
    """
    if not records:
        return ["soak: no run yet"]
    green = sum(record.is_green for record in records)
    times = sorted(record.seconds for record in records)
    slowest = max(record.slowest_s for record in records)
    counts = {
        name: sum(getattr(record, key) for record in records)
        for key, name in (
            ("failed", "failed"),
            ("retried", "tried again"),
            ("findings", "findings"),
            ("hangs", "hangs"),
        )
    }
    lines = [
        f"soak: {records[-1].commit}: {len(records)} runs, {green} green, {len(records) - green} red",
        f"soak: {sum(record.tests for record in records)} tests run: "
        + ", ".join(f"{count} {name}" for name, count in counts.items()),
        f"soak: {times[0]:.0f} to {times[-1]:.0f} s a run; slowest test {slowest:.1f} s",
    ]
    return lines + [f"    red: {record.again}" for record in records if not record.is_green]


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="how many green runs of this commit to reach (10)")
    parser.add_argument("--integration", action="store_true", help="IP Monitor's integration suite alone")
    parser.add_argument(
        "--busy", type=int, default=os.cpu_count() or 2, help="processes that take time away (one a core)"
    )
    parser.add_argument("--restart", action="store_true", help="forget the tally of this commit")
    options, rest = parser.parse_known_args(words)
    if options.runs < 1 or options.busy < 0:
        parser.error("--runs is at least 1 and --busy at least 0")
    chosen = (*rest, INTEGRATION) if options.integration else tuple(rest)
    STATE.mkdir(exist_ok=True)
    tally = STATE / "soak.jsonl"
    commit = _commit()
    every = read_tally(tally)
    if options.restart:
        every = [record for record in every if (record.commit, record.words) != (commit, chosen)]
        tally.write_text("".join(_line(record) for record in every), "utf-8")
    mine = [record for record in every if (record.commit, record.words) == (commit, chosen)]
    if mine:
        print(f"soak: {len(mine)} runs of {commit} are in the tally already; --restart forgets them")
    with _busy(options.busy):
        while len(mine) < options.runs and all(record.is_green for record in mine):
            record = _run(commit, chosen, parallel=len(mine) % 2 == 1, busy=options.busy)
            mine.append(record)
            with tally.open("a", encoding="utf-8") as file:
                file.write(_line(record))
            print(
                f"soak: run {len(mine)} of {options.runs}: {'green' if record.is_green else 'RED'}, "
                f"{'parallel' if record.parallel else 'serial'}, seed {record.seed}, {record.tests} tests "
                f"in {record.seconds:.0f} s, slowest {record.slowest_s:.1f} s",
                flush=True,
            )
    print("\n".join(summary_of(mine)))
    print(f"soak: tally in {tally.relative_to(ROOT)}; what Hermetic's history says of these runs:", flush=True)
    command = [
        sys.executable,
        "-c",
        "from hermetic.cli import main; main()",
        "history",
        "--directory",
        str(_history(commit)),
    ]
    subprocess.run(command, cwd=ROOT, check=False)
    return 0 if len(mine) >= options.runs and all(record.is_green for record in mine) else 1


def _run(commit: str, words: tuple[str, ...], *, parallel: bool, busy: int) -> Record:
    seed = random.SystemRandom().randrange(2**32)
    profile = profiles_in(ROOT)["soak"]
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        journal = Path(folder) / "journal.jsonl"
        more = [
            f"--randomly-seed={seed}",
            f"--hermetic-journal={journal}",
            f"--hermetic-history={_history(commit)}",
            *([] if parallel else ["-n0"]),
            *words,
        ]
        started = time.monotonic()
        done = subprocess.run(profile.command(sys.executable, more), cwd=ROOT, check=False)
        seconds = time.monotonic() - started
        told = read_journal(Path(folder))
    return Record(
        commit=commit,
        words=words,
        seed=seed,
        parallel=parallel,
        busy=busy,
        status=done.returncode,
        seconds=round(seconds, 1),
        **asdict(told),
    )


def read_journal(folder: Path) -> Journal:
    """
    Count in the journals of `folder`, one of each process of a run.

    A run that wrote none ended before its first test, which its exit status tells.
    """
    from hermetic.record.journal.reading import read  # noqa: PLC0415 - `--help` needs no journal
    from hermetic.record.run import build  # noqa: PLC0415 - as above

    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        return Journal()
    run = build(read(*paths))
    findings = [finding for test in run.tests for _, finding in test.findings]
    return Journal(
        tests=len(run.tests),
        failed=sum(test.is_bad for test in run.tests),
        retried=sum(len(test.tries) > 1 for test in run.tests),
        findings=len(findings),
        hangs=sum(finding.category == "hang" for finding in findings),
        slowest_s=round(max((test.duration_s for test in run.tests), default=0.0), 2),
    )


def _history(commit: str) -> Path:
    return STATE / "soak-history" / re.sub(r"[^\w.-]", "_", commit)


def _line(record: Record) -> str:
    return json.dumps(asdict(record)) + "\n"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


@contextlib.contextmanager
def _busy(count: int) -> Generator[None]:
    """
    So many processes that compute nearly all the time, niced a little so that the tests are slowed down, not starved.
    """
    burning = [subprocess.Popen(["nice", "-n", "5", sys.executable, "-c", _BURN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
        for process in burning:
            process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
