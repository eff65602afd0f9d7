"""
The command behind `./dev prove mutation`.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
import time

from development.mutation.mutants import Mutant, digest_of
from development.mutation.reach import Reach
from development.mutation.subjects import ROOT, SOURCES, SUBJECTS, Subject
from development.mutation.tally import Reasons, Tally, Verdict, is_killed, summary_of
from development.mutation.trial import SURVIVED, Workshop

STATE = ROOT / ".dev" / "mutation"
ENOUGH = 0.85
UNREACHED = "reached by no test"
# A change that slows the tests down this much, or more than the seconds beside it, has been noticed.
PATIENCE, GRACE_S = 4.0, 8.0
BETWEEN_CONTROLS = 25


class Check:
    """
    All changes of some subjects, until they are judged or the time is up.
    """

    def __init__(self, *, most_seconds: float | None, most_a_change: float) -> None:
        self._reach = Reach(STATE / "reach.json")
        self._tally = Tally(STATE / "tally.jsonl")
        self._workshop: Workshop | None = None
        self._ends = None if most_seconds is None else time.monotonic() + most_seconds
        self._most_a_change = most_a_change
        self._sources: dict[str, str] = {}

    def run(self, subject: Subject) -> tuple[list[Verdict], int]:
        """
        Judge what has no verdict yet; the verdicts that there are then, and how many changes there are in all.
        """
        tests = subject.test_files()
        self._reach.measure(tests)
        mutants = subject.mutants()
        self._sources = {
            path.relative_to(SOURCES[subject.package]).as_posix(): digest_of(path.read_text("utf-8"))
            for path in subject.files()
        }
        verdicts: list[Verdict] = []
        waiting: list[Verdict] = []
        for index, mutant in enumerate(mutants, 1):
            chosen = self._reach.of(mutant, tests)
            known = self._tally.find(
                subject.name, mutant, source=self._sources[mutant.module], tests=self._reach.digest(chosen)
            )
            if known is None:
                if self._ends is not None and time.monotonic() > self._ends:
                    continue
                known = self._judge(subject, mutant, chosen)
                waiting.append(known)
                killed = sum(map(is_killed, verdicts)) + is_killed(known)
                print(
                    f"{index:>5}/{len(mutants)} {killed:>5} killed  {known.seconds:5.1f} s  {known.outcome:<10} "
                    f"{mutant.name[:120]}",
                    flush=True,
                )
                if len(waiting) >= BETWEEN_CONTROLS:
                    self._write_down(waiting)
            verdicts.append(known)
        self._write_down(waiting)
        return verdicts, len(mutants)

    def _write_down(self, waiting: list[Verdict]) -> None:
        """
        Keep verdicts once the tests that killed have passed on the unchanged code again.

        Raises:
            RuntimeError: they fail now, because something around them has changed; `waiting` is worth nothing.
        """
        tests = sorted({name for verdict in waiting if is_killed(verdict) for name in verdict.by})
        limit = PATIENCE * sum(map(self._reach.seconds, tests)) + GRACE_S
        if tests and self._workshop is not None and not self._workshop.is_sound(tests, limit=limit):
            raise RuntimeError(
                f"the tests fail on the unchanged code now, so the last {len(waiting)} verdicts are thrown away: "
                f"{', '.join(tests)}. Was something installed or edited meanwhile? Start again to go on."
            )
        for verdict in waiting:
            self._tally.add(verdict)
        waiting.clear()

    def _judge(self, subject: Subject, mutant: Mutant, tests: list[str]) -> Verdict:
        if self._workshop is None:
            self._workshop = Workshop(STATE / "sources")
            self._workshop.set_up()
        started = time.monotonic()
        outcome = SURVIVED if tests else UNREACHED
        asked: list[str] = []
        for batch in self._batches(tests):
            asked += batch
            expected = sum(self._reach.seconds(name) for name in batch)
            outcome = self._workshop.judge(mutant, batch, limit=PATIENCE * expected + GRACE_S)
            if outcome != SURVIVED:
                break
        return Verdict(
            subject=subject.name,
            mutant=mutant.name,
            source=self._sources[mutant.module],
            tests=self._reach.digest(tests),
            outcome=outcome,
            by=tuple(asked),
            seconds=round(time.monotonic() - started, 2),
        )

    def _batches(self, tests: list[str]) -> list[list[str]]:
        """
        The files to ask, the nearest ones alone and the others together, within the seconds allowed for one change.
        """
        within: list[str] = []
        spent = 0.0
        for name in tests:
            spent += self._reach.seconds(name)
            if within and spent > self._most_a_change:
                break
            within.append(name)
        return [*([name] for name in within[:2]), *([within[2:]] if within[2:] else [])]


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev prove mutation", description=__doc__)
    parser.add_argument("subjects", nargs="*", help=f"of {', '.join(one.name for one in SUBJECTS)} (all)")
    parser.add_argument("--minutes", type=float, default=None, help="begin no further change after this long")
    parser.add_argument("--report", action="store_true", help="only tell what is known")
    parser.add_argument(
        "--most", type=float, default=60.0, help="seconds of tests for one change, on unchanged code (60)"
    )
    options = parser.parse_args(words)
    if unknown := set(options.subjects) - {one.name for one in SUBJECTS}:
        parser.error(f"no subject named {', '.join(sorted(unknown))}; there are {', '.join(s.name for s in SUBJECTS)}")
    _shut_in(words)
    STATE.mkdir(parents=True, exist_ok=True)
    lock = (STATE / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(
            f"mutation: another one is at work in {STATE.relative_to(ROOT)}; wait for it, or end it with Ctrl-C there"
        )
        return 2
    minutes = 0.0 if options.report else options.minutes
    check = Check(most_seconds=None if minutes is None else minutes * 60, most_a_change=options.most)
    reasons = Reasons(ROOT)
    status = 0
    lines: list[str] = []
    for subject in SUBJECTS:
        if options.subjects and subject.name not in options.subjects:
            continue
        verdicts, total = check.run(subject)
        lines += summary_of(subject.name, total, verdicts, reasons)
        enough = len(verdicts) == total and sum(map(is_killed, verdicts)) >= ENOUGH * total
        status |= not enough
    print("\n".join(lines))
    return status


def _shut_in(words: list[str]) -> None:
    """
    Begin again, niced, where no process of others can be seen: a changed guard may end what it should not.

    Raises:
        SystemExit: there are no process namespaces here.
    """
    if os.getpid() == 1:
        return
    os.nice(max(0, 5 - os.nice(0)))
    namespaces = ["--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid():
        namespaces = ["--user", "--map-root-user", *namespaces]
    program = shutil.which("unshare")
    if program is None:
        raise SystemExit("mutation: needs the program unshare (util-linux), to keep changed code away from others.")
    os.execv(program, [program, *namespaces, "--", sys.executable, "-m", "development.mutation", *words])  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
