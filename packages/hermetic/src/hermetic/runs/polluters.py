"""
From a test that fails only after others to the line that spoiled it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.runs.bisect import Found, Search
from hermetic.runs.command import pytest_command
from hermetic.runs.probe import Prober, Stain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hermetic.runs.probe import Probed

_MOST_STAINS = 12
_ALL = ("*", "*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """
    What decides how `victim` ends, what they changed, and how to see it again.

    `causes` are stains of the tests found; with `is_proven` each of them alone, put back, makes the failure go away.
    """

    victim: str
    found: Found
    causes: tuple[tuple[str, Stain], ...] = ()
    is_proven: bool = False
    command: tuple[str, ...] = ()
    is_reproduced: bool = False
    failure: str = ""


def diagnose(
    victim: str,
    prober: Prober,
    *,
    before: Sequence[str] | None = None,
    arguments: Sequence[str] = (),
    cwd: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Diagnosis:
    """
    Find what decides how a test ends.

    Args:
        victim: its name as collected.
        prober: the suite, collected.
        before: the tests that ran before it; all that are collected before it when not given, and if those do not make
            a difference, all others.
        arguments: pytest's, for the command that shows it again.
        cwd: where that runs.
        tell: told what is being done, a line each.
    """
    collected = prober.collected
    orders = [list(before)] if before is not None else _orders(victim, collected)

    def fails(tests: Sequence[str]) -> bool:
        probed = prober.run([*tests, victim])
        failed = victim in probed.failed or probed.was_lost
        tell(f"{'fails ' if failed else 'passes'} after {len(tests)} test{'' if len(tests) == 1 else 's'}")
        return failed

    found = Found(case="never")
    for order in orders:
        found = Search(fails).find(order)
        if found.case not in {"never", "always"}:
            break
    if found.case != "victim":
        failure = prober.run([*found.tests, victim]).failed.get(victim, "") if found.case == "always" else ""
        command = () if found.case in {"never", "unsteady"} else _command(found.tests, victim)
        return Diagnosis(victim=victim, found=found, command=command, failure=failure)
    probed = prober.run([*found.tests, victim], is_watched=True)
    causes, is_proven = _causes(prober, found.tests, victim, probed)
    command = _command(found.tests, victim)
    return Diagnosis(
        victim=victim,
        found=found,
        causes=causes,
        is_proven=is_proven,
        command=command,
        is_reproduced=_fails_for_real(command, arguments, cwd),
        failure=probed.failed.get(victim, ""),
    )


def _orders(victim: str, collected: Sequence[str]) -> list[list[str]]:
    place = collected.index(victim)
    return [list(collected[:place]), [name for name in collected if name != victim]]


def _causes(
    prober: Prober, polluters: Sequence[str], victim: str, probed: Probed
) -> tuple[tuple[tuple[str, Stain], ...], bool]:
    listed = [(test, stain) for test in polluters for stain in probed.stains.get(test, [])]
    tests = [*polluters, victim]
    if listed and victim not in prober.run(tests, restore=[_ALL], is_watched=True).failed:
        proven = tuple(
            (test, stain)
            for test, stain in listed[:_MOST_STAINS]
            if victim not in prober.run(tests, restore=[(stain.kind, stain.subject)], is_watched=True).failed
        )
        # Several may be needed together; then all of them are the cause.
        return proven or tuple(listed), True
    seen = [(test, stain) for test, stain in probed.objects if test in polluters]
    objects = tuple(one for one in seen if one[1].kind == "object")
    files = tuple(_shared_files(polluters, victim, probed))
    # Nearly every test that uses a loop changes which is current, so that comes after what fewer tests do.
    return objects or files or tuple(seen) or tuple(listed), False


def _shared_files(polluters: Sequence[str], victim: str, probed: Probed) -> list[tuple[str, Stain]]:
    """
    Files that a polluter wrote and the victim opened: what isolation cannot see, for it is no state of the process.
    """
    read = {one.path for one in probed.files if one.test == victim}
    found: list[tuple[str, Stain]] = []
    for one in probed.files:
        if one.test in polluters and one.writes and one.path in read and not one.path.endswith((".pyc", "/dev/null")):
            place = (one.file, one.line, _source(one.file, one.line))
            stain = Stain(kind="file", subject=one.path, title="a file that both open", place=place)
            found.append((one.test, stain))
    return found


def _source(file: str, line: int) -> str:
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace").splitlines()[line - 1].strip()
    except (OSError, IndexError):
        return ""


def _command(tests: Sequence[str], victim: str) -> tuple[str, ...]:
    return ("pytest", "-p", "no:randomly", "--hermetic-isolation=observe", "--hermetic-policy=warn", *tests, victim)


def _fails_for_real(command: Sequence[str], arguments: Sequence[str], cwd: Path | None) -> bool:
    """
    Whether the command shows the failure in a process of its own, started from nothing.
    """
    options = [word for word in arguments if word.startswith("-")]
    done = subprocess.run(
        pytest_command(*command[1:], *options, "-p", "no:cacheprovider", "--hermetic-history=off"),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=600.0,
        check=False,
    )
    return done.returncode == 1


def report(diagnosis: Diagnosis, *, root: Path) -> str:
    """
    The diagnosis as text: what, by whom, where, and the command that shows it.
    """
    found, victim = diagnosis.found, diagnosis.victim
    names = "\n".join(f"  {name}" for name in found.tests)
    match found.case:
        case "never":
            more = f"Try: hermetic history {shlex.quote(victim)}"
            return f"{victim} passes alone and after every other test; the order does not decide it. {more}"
        case "always":
            said = "\n".join(diagnosis.failure.strip().splitlines()[-3:])
            return f"{victim} fails alone as well as after others; the order does not decide it.\n{said}".rstrip()
        case "unsteady":
            return (
                f"{victim} does not end alike each time after\n{names}\nso it is flaky, and no polluter can be named."
            )
        case "brittle":
            what = f"{victim} passes only after\n{names}\nwhich leaves behind what it needs. It fails alone; set that up in it."
            return f"{what}\n\nsee it fail: {shlex.join(['pytest', victim])}\n({found.probes} probes)"
        case "victim":
            return "\n".join([f"{victim} fails after", names, *_because(diagnosis, root), "", *_again(diagnosis)])


def _because(diagnosis: Diagnosis, root: Path) -> Iterator[str]:
    for test, stain in diagnosis.causes:
        yield f"  which changed {stain.subject} ({stain.title.lower()})"
        if stain.place is not None:
            file, line, source = stain.place
            shown = os.path.relpath(file, root) if os.path.isabs(file) else file  # noqa: PTH117 - beside relpath
            yield f"      {shown}:{line}  {source}"
        yield from (f"      {one}" for one in stain.evidence[:3])
        if len(diagnosis.found.tests) > 1:
            yield f"      in {test}"
    if not diagnosis.causes:
        yield "  by state that lies outside the process and its files; nothing that it changed was seen"
    elif diagnosis.is_proven:
        yield "  proven: with that put back, the failure is gone"


def _again(diagnosis: Diagnosis) -> Iterator[str]:
    yield f"run again: {shlex.join(diagnosis.command)}"
    if not diagnosis.is_reproduced:
        yield "           (in a process started from nothing this passes; it needs what collecting the whole suite loads)"
    yield f"({diagnosis.found.probes} probes)"
