"""
Answers questions of the form "what becomes of these tests, in this order, in a fresh process?".

The suite is collected once. Each question is answered by a child that is forked before any test has run, so it starts as
fresh as a new process would, without its start-up and collection. Questions come as JSON Lines on one descriptor, answers
go out on another; standard output stays pytest's own.
"""

from __future__ import annotations

import gc
import json
import linecache
import os
import sys
import traceback
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import pytest

from hermetic._pytest.findings import DESK, REPORT_ATTRIBUTE
from hermetic._pytest.hooks import Hooks
from hermetic._pytest.objecttrace import ObjectTrace
from hermetic.guard import late

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import FrameType
    from typing import TextIO

    from hermetic.foundation.finding import Finding

# Of no use to a search.
_STRESSING: Final = "hermetic._pytest.stressing"
_MOST_TEXT: Final = 4000
_MOST_FILES: Final = 10_000
_GUARDS: Final = (
    "hermetic-guarding",
    "hermetic-findings-told",
    "hermetic-limiting",
    "hermetic-explaining",
    "hermetic-recording",
)


def add_options(parser: pytest.Parser) -> None:
    parser.getgroup("hermetic").addoption(
        "--hermetic-probe",
        metavar="FDS",
        default=None,
        help="answer questions of hermetic bisect and hermetic stress on descriptors IN,OUT",
    )


def register(config: pytest.Config) -> None:
    """
    Raises:
        pytest.UsageError: the descriptors are none.
    """
    given: str | None = config.getoption("--hermetic-probe")
    if given is None:
        return
    try:
        questions, answers = (int(word) for word in given.split(","))
        streams = (os.fdopen(questions, encoding="utf-8"), os.fdopen(answers, "w", encoding="utf-8", buffering=1))
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--hermetic-probe={given}: {error}. This option is for hermetic bisect.") from error
    config.pluginmanager.register(Probing(*streams), "hermetic-probing")


class Probing(Hooks):
    """
    Takes the place of the loop that runs the tests.
    """

    def __init__(self, questions: TextIO, answers: TextIO) -> None:
        self._questions = questions
        self._answers = answers

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if session.testsfailed:
            return None  # the suite cannot be collected; pytest's own loop says so
        items = {item.nodeid: item for item in session.items}
        self._tell({"collected": list(items)})
        for line in self._questions:
            question: dict[str, Any] = json.loads(line)
            chosen = [items[name] for name in question["tests"]]
            sys.stdout.flush()
            sys.stderr.flush()
            if "settings" in question:
                # Before the fork: each child would load it again, and be stopped at it where it is given few turns.
                late.load(_STRESSING)
            gc.freeze()  # so that a child does not touch every page by collecting
            with _load(question):
                pid = os.fork()
                if pid == 0:
                    self._child(session, chosen, question)
                self._tell({"pid": pid})
                self._tell({"ended": os.waitstatus_to_exitcode(_wait(pid, question))})
        return True

    def _child(self, session: pytest.Session, items: list[pytest.Item], question: dict[str, Any]) -> None:
        try:
            if "settings" in question:
                without_guards(session.config)
                late.load(_STRESSING).stress(items, question["settings"], tell=self._tell)
                os._exit(0)
            self._watch_or_not(session.config, question)
            trace = FileTrace() if question["is_watched"] else None
            session.config.pluginmanager.register(Telling(self._tell, trace), "hermetic-telling")
            if trace is not None:
                sys.addaudithook(trace)
            objects = ObjectTrace(session.config.rootpath) if trace is not None else None
            for number, item in enumerate(items):
                following = items[number + 1] if number + 1 < len(items) else None
                if trace is not None and objects is not None:
                    trace.test = item.nodeid
                    objects.begin()
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if objects is not None:
                    objects.end(item)
            if trace is not None and objects is not None:
                self._tell({"files": trace.found(), "objects": objects.found()})
            status = 0
        except BaseException:  # noqa: BLE001 - the child must not go on as if it were its parent
            self._tell({"error": traceback.format_exc()})
            status = 1
        # Nothing of the parent's session is finished here; its files and summaries are the parent's.
        os._exit(status)

    @staticmethod
    def _watch_or_not(config: pytest.Config, question: dict[str, Any]) -> None:
        """
        A search only asks how tests end, hundreds at a time; what they changed is asked of a few.
        """
        restored = {tuple(one) for one in question["restore"]}
        desk = config.stash.get(DESK, None)
        if desk is not None:
            desk.may_mend = lambda finding: may_mend(finding, restored)
        if not question["is_watched"]:
            without_guards(config)

    def _tell(self, answer: dict[str, Any]) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()


def without_guards(config: pytest.Config) -> None:
    """
    Let nothing watch, and so nothing mend: what tests leave behind stays.
    """
    for name in _GUARDS:
        plugin = config.pluginmanager.get_plugin(name)
        if plugin is not None:
            config.pluginmanager.unregister(plugin)


def _load(question: dict[str, Any]) -> AbstractContextManager[object]:
    wanted: dict[str, int] = question.get("load", {})
    if not wanted:
        return nullcontext()
    from hermetic.guard.strain.load import Load  # noqa: PLC0415 - of no use to a search

    return Load(**wanted)


def _wait(pid: int, question: dict[str, Any]) -> int:
    turns: int | None = question.get("turns")
    if turns is None:
        return os.waitpid(pid, 0)[1]
    from hermetic.guard.strain.load import wait_in_turns  # noqa: PLC0415 - as above

    return wait_in_turns(pid, seed=turns)


def may_mend(finding: Finding, restored: set[tuple[str, str]]) -> bool:
    """
    Leaks are mended as ever; a stain only when it is one of those to be put back in this probe.
    """
    return finding.category != "stain" or (finding.kind, finding.subject) in restored or ("*", "*") in restored


class Telling(Hooks):
    """
    Passes reports on.
    """

    def __init__(self, tell: Any, trace: FileTrace | None) -> None:
        self._tell = tell
        self._trace = trace

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        findings = [
            {
                "kind": one["kind"],
                "category": one["category"],
                "subject": one["subject"],
                "title": one["title"],
                "evidence": list(one["evidence"]),
                "site": _place(one["site"]),
            }
            for one in getattr(report, REPORT_ATTRIBUTE, ())
        ]
        outcome = "xfailed" if hasattr(report, "wasxfail") else str(report.outcome)
        if findings or report.when == "call" or outcome != "passed":
            text = str(report.longrepr)[:_MOST_TEXT] if report.failed else ""
            self._tell({"test": report.nodeid, "outcome": outcome, "text": text, "findings": findings})


def _place(site: Any) -> list[Any] | None:
    frames = site["frames"] if site else ()
    if not frames:
        return None
    file, line = str(frames[0]["file"]), int(frames[0]["line"])
    return [file, line, linecache.getline(file, line).strip()]


class FileTrace:
    """
    Which files each test opened, for reading or for writing, and at which line of whose code.

    A state that lives in a file is no state of the process, so isolation does not see it.
    """

    def __init__(self) -> None:
        self.test = ""
        self._seen: dict[tuple[str, str, bool], tuple[str, int]] = {}

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & (os.O_WRONLY | os.O_RDWR)) or any(c in "wax+" for c in mode or "")
        elif event == "sqlite3.connect" or event in {
            "os.rename",
            "os.remove",
            "os.mkdir",
            "os.rmdir",
            "os.link",
            "os.symlink",
        }:
            path, writes = arguments[0], True
        else:
            return
        if not isinstance(path, str | bytes) or len(self._seen) >= _MOST_FILES:
            return
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - in an audit hook, for every file that is opened
        # The last time counts: a fixture may have opened it before the test did.
        self._seen[self.test, name, writes] = _own_line(sys._getframe(1))  # noqa: SLF001 - the documented way to one's caller

    def found(self) -> list[list[Any]]:
        return [[test, path, writes, *place] for (test, path, writes), place in self._seen.items()]


def _own_line(frame: FrameType | None) -> tuple[str, int]:
    while frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith("<") and "site-packages" not in file and not file.startswith(sys.base_prefix):
            return file, frame.f_lineno
        frame = frame.f_back
    return "", 0
