"""
Settings that contradict one another: where they stand, which of them counts, and what to do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermetic.runs.settings.files import Place, Source, sources
from hermetic.runs.settings.loops import custom_loops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """
    One contradiction.

    Args:
        title: what contradicts what.
        places: the lines, the one that counts first.
        counts: which of them counts, or what comes of it.
        remedy: what to do.
    """

    title: str
    places: tuple[Place, ...]
    counts: str
    remedy: str

    def lines(self) -> Iterator[str]:
        yield self.title
        yield from (f"  {place}" for place in self.places)
        yield f"  {self.counts}"
        yield f"  {self.remedy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """
    Everything that settings come from.

    Args:
        directory: where pytest would be run.
        found: configuration files, the one that counts first.
        more: options from the environment, in PYTEST_ADDOPTS.
        installed: versions of distributions by their name.
    """

    directory: Path
    found: tuple[Source, ...]
    more: tuple[str, ...]
    installed: Mapping[str, str]

    @property
    def source(self) -> Source | None:
        return self.found[0] if self.found else None

    @property
    def options(self) -> tuple[str, ...]:
        """
        The options of every run: those of the file, then those of the environment.
        """
        return (*(self.source.options if self.source else ()), *self.more)

    def has(self, *names: str) -> str:
        """
        The last option of one of these names, with its value if that is joined to it; empty without.
        """
        return next((word for word in reversed(self.options) if _is(word, names)), "")

    def value(self, *names: str) -> str:
        words = self.options
        for place in reversed(range(len(words))):
            if _is(words[place], names):
                name, equals, joined = words[place].partition("=")
                if not equals and not name.startswith("--") and len(name) > 2:
                    return name[2:]
                return joined if equals else words[place + 1] if place + 1 < len(words) else ""
        return ""

    def where(self, word: str, *, name: str = "addopts") -> Place:
        if word in self.more or self.source is None:
            return Place("PYTEST_ADDOPTS", 0, word)
        return self.source.place(name, word if name == "addopts" else "")

    def ini(self, name: str) -> str:
        return self.source.text(name) if self.source else ""


def _is(word: str, names: tuple[str, ...]) -> bool:
    return any(
        word.partition("=")[0] == name or (len(name) == 2 and word.startswith(name) and not word.startswith("--"))
        for name in names
    )


def conflicts(
    directory: Path, *, environment: Mapping[str, str], installed: Mapping[str, str]
) -> tuple[Source | None, list[Conflict]]:
    """
    The file that counts in a directory, and what contradicts itself there.

    Args:
        directory: where pytest would be run.
        environment: its variables.
        installed: versions of distributions by their name, in lower case.
    """
    around = Surroundings(
        directory=directory,
        found=tuple(sources(directory)),
        more=tuple(environment.get("PYTEST_ADDOPTS", "").split()),
        installed=installed,
    )
    return around.source, [conflict for rule in _RULES for conflict in rule(around)]


def _files(around: Surroundings) -> Iterator[Conflict]:
    for source in around.found:
        if source.problem:
            yield Conflict(
                title=f"{source.file.name} cannot be read",
                places=(Place(str(source.file), 0),),
                counts=source.problem.partition("\n")[0],
                remedy="Mend it: pytest stops at it, or runs without what it says.",
            )
    here = [
        source for source in around.found if source.file.parent == around.found[0].file.parent and not source.problem
    ]
    if len(here) < 2:
        return
    first, *others = here
    lost = sorted({name for source in others for name in source.values} - set(first.values))
    yield Conflict(
        title=f"{len(here)} files configure pytest, and it reads one",
        places=tuple(Place(one.file.name, one.line, f"[{one.section}]") for one in here),
        counts=f"{first.file.name} counts; not read are {', '.join(lost) or 'the same names again'} of the others",
        remedy=f"Move what is to count into {first.file.name}, and take the other sections away.",
    )


def _environment(around: Surroundings) -> Iterator[Conflict]:
    own = {word.partition("=")[0] for word in (around.source.options if around.source else ())}
    for word in around.more:
        name = word.partition("=")[0]
        if name in own and name.startswith("-") and name not in {"-p", "-o", "-W", "--cov", "--ignore", "--deselect"}:
            yield Conflict(
                title=f"{name} is set twice",
                places=(
                    Place("PYTEST_ADDOPTS", 0, word),
                    around.where(name) if name not in around.more else around.where(""),
                ),
                counts="the environment's counts, since it comes later",
                remedy="Leave one of them out.",
            )


def _coverage_gate(around: Surroundings) -> Iterator[Conflict]:
    gate = around.has("--cov-fail-under")
    if gate:
        yield Conflict(
            title="a coverage gate in addopts fails every run of a part of the suite",
            places=(around.where(gate),),
            counts=f"{gate.partition('=')[0]} counts for each run: one test, one file, one shard, each probe of a search",
            remedy="Give it on the command line of the run that measures the whole suite.",
        )


def _debugger(around: Surroundings) -> Iterator[Conflict]:
    workers = around.has("-n", "--numprocesses")
    if not workers:
        return
    number = around.value("-n", "--numprocesses")
    debugger = around.has("--pdb", "--trace")
    if debugger:
        yield Conflict(
            title=f"{debugger} and {workers} exclude each other",
            places=(around.where(debugger), around.where(workers)),
            counts="with a number of workers pytest-xdist refuses to run; with auto it starts no worker",
            remedy="Leave one of them to the command line.",
        )
    elif number.isdecimal() and number != "0":
        yield Conflict(
            title=f"-n {number} in addopts makes pytest --pdb fail",
            places=(around.where(workers),),
            counts="pytest-xdist refuses a debugger beside a fixed number of workers",
            remedy="Write -n auto, which starts no worker beside --pdb; or give -n on the command line.",
        )


def _retries(around: Surroundings) -> Iterator[Conflict]:
    active: list[Place] = []
    for option, ini in (("--reruns", "reruns"), ("--retries", "retries"), ("--hermetic-retries", "hermetic_retries")):
        given = around.value(option)
        if given not in {"", "0"}:
            active.append(around.where(around.has(option)))
        elif not given and around.ini(ini) not in {"", "0"}:
            active.append(around.where("", name=ini))
    if around.has("--force-flaky"):
        active.append(around.where("--force-flaky"))
    if len(active) > 1:
        yield Conflict(
            title="several plugins try failed tests again",
            places=tuple(active),
            counts="their tries multiply: each repeats the other's",
            remedy="Keep one of them; hermetic_retries lists what passed only when tried again.",
        )
    markers = [name for name in ("pytest-rerunfailures", "pytest-retry", "flaky") if name in around.installed]
    if len(markers) > 1:
        yield Conflict(
            title="several plugins take @pytest.mark.flaky for theirs",
            places=tuple(Place(f"{name} {around.installed[name]}", 0, "(installed)") for name in markers),
            counts="each repeats a test that is marked so, in a way of its own",
            remedy="Uninstall all but one, or mark tests with @pytest.mark.retry.",
        )


def _loops(around: Surroundings) -> Iterator[Conflict]:
    places = tuple(custom_loops(around.directory))
    if not places:
        return
    version = around.installed.get("pytest-asyncio", "")
    is_gone = bool(version) and int(re.match(r"\d*", version)[0] or 0) >= 1  # type: ignore[index]  # it always matches
    yield Conflict(
        title="fixtures of one's own named event_loop",
        places=places,
        counts=f"pytest-asyncio {version} uses none of them: tests run in loops of its own"
        if is_gone
        else "they take the place of pytest-asyncio's loops for what is near them, and stop working with its version 1",
        remedy="Take them away; @pytest.mark.asyncio(loop_scope=…) shares a loop, a fixture event_loop_policy chooses its kind.",
    )


# A setting or an option, a pattern that its value has to match, what became of it, what to do.
_OLD = (
    ("asyncio_mode", "legacy", "pytest-asyncio knows no mode legacy any more", "Write auto or strict."),
    ("looponfailroots", "", "pytest-xdist is giving up --looponfail", "Use pytest-watcher or entr."),
    ("rsyncdirs", "", "pytest-xdist is giving up rsync", "Share the files in another way."),
    ("python_paths", "", "pytest-pythonpath is given up", "Write pythonpath, which pytest knows itself."),
    ("junit_family", "legacy", "it writes what no schema describes", "Write junit_family = xunit2."),
    ("--strict", "", "pytest took it for --strict-markers, and has given that up", "Write --strict-markers."),
    ("--looponfail", "", "pytest-xdist is giving it up", "Use pytest-watcher or entr."),
    ("--boxed", "", "pytest-xdist does not know it any more", "Use hermetic run, or pytest-forked with --forked."),
    ("--rsyncdir", "", "pytest-xdist is giving up rsync", "Share the files in another way."),
    ("--result-log", "", "pytest does not know it any more", "Use --hermetic-journal or --junit-xml."),
    ("--no-print-logs", "", "pytest does not know it any more", "Write --show-capture=no."),
)


def _deprecated(around: Surroundings) -> Iterator[Conflict]:
    for name, value, counts, remedy in _OLD:
        if name.startswith("-"):
            word = around.has(name)
            place = around.where(word) if word else None
        else:
            given = around.ini(name)
            place = around.where("", name=name) if given and value in given else None
        if place is not None:
            yield Conflict(title=f"{name} is out of date", places=(place,), counts=counts, remedy=remedy)


def _deadlines(around: Surroundings) -> Iterator[Conflict]:
    word = around.has("--timeout")
    if not word and not around.ini("timeout"):
        return
    place = around.where(word) if word else around.where("", name="timeout")
    yield Conflict(
        title="pytest-timeout and Hermetic's deadlines both end tests",
        places=(place,),
        counts="the shorter of the two; pytest-timeout's thread method ends the whole process, and what it had recorded",
        remedy="Leave timeout out, and set the call budget of hermetic_deadlines.",
    )


def _switched_off(around: Surroundings) -> Iterator[Conflict]:
    words = around.options
    off = around.value("--hermetic") == "off"
    blocked = any(
        word in {"no:hermetic", "-pno:hermetic"} and (word != "no:hermetic" or words[n - 1] == "-p")
        for n, word in enumerate(words)
    )
    if off or blocked:
        yield Conflict(
            title="Hermetic is switched off for every run",
            places=(around.where(around.has("--hermetic") if off else "no:hermetic"),),
            counts="nothing is watched, and no run joins the history",
            remedy="Take it away, or write hermetic_policy = warn to be told without failing.",
        )


_RULES: tuple[Callable[[Surroundings], Iterator[Conflict]], ...] = (
    _files,
    _environment,
    _coverage_gate,
    _debugger,
    _retries,
    _loops,
    _deprecated,
    _deadlines,
    _switched_off,
)
