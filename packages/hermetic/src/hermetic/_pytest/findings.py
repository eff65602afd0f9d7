"""
From verdicts to reports: policy, record, mending, then the text.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from hermetic._pytest.options import marker_rules
from hermetic.guard import late

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from _pytest._code.code import TerminalRepr

    from hermetic._pytest.options import Settings
    from hermetic.foundation.clock import Clock
    from hermetic.foundation.finding import Finding
    from hermetic.foundation.sink import Sink
    from hermetic.guard.component import Verdict
    from hermetic.guard.policy import Level

Judged = tuple[str, "Finding"]

# Needed only when something was found.
_EVENTS = "hermetic.guard.events"
_BLOCK = "hermetic.foundation.block"

# The attribute of a test's teardown report that carries its findings, also from xdist's workers.
REPORT_ATTRIBUTE = "hermetic_findings"


# The desk of this session, for whoever decides what is mended.
DESK = pytest.StashKey["Desk"]()


class Known(Protocol):
    """
    Who knows findings that are not new.
    """

    def level(self, level: Level, finding: Finding) -> Level:
        """
        The level to give a finding, which policy gave this one.
        """
        ...


class Desk:
    """
    Takes verdicts as they come, applies policy, mends, and keeps them until the test's teardown is reported.
    """

    def __init__(
        self, settings: Settings, *, root: str, sink: Sink, clock: Clock, baseline: Known | None = None
    ) -> None:
        self._settings = settings
        self._root = root
        self._baseline = baseline
        self._sink = sink
        self._clock = clock
        self._pending: list[Judged] = []
        # Asked before a finding is mended; None mends everything that can be.
        self.may_mend: Callable[[Finding], bool] | None = None

    def take(self, verdicts: Sequence[Verdict], item: pytest.Item) -> None:
        if not verdicts:
            return
        rules = marker_rules(item)
        for verdict in verdicts:
            bare = verdict.finding
            level = self._settings.policy().level(bare, also=rules if bare.owner.scope == "function" else ())
            if level == "off":
                continue
            judged = level if self._baseline is None else self._baseline.level(level, bare)
            said = "kept" if bare.kept else judged
            finding = late.load(_BLOCK).with_sources(
                dataclasses.replace(bare, rerun=bare.rerun or f"pytest {_quoted(item.nodeid)}")
            )
            self._sink.emit(
                late.load(_EVENTS).FindingReported(
                    at_s=self._clock.monotonic(), test=item.nodeid, level=said, finding=finding
                )
            )
            self._pending.append((said, self._mended(finding, verdict, item)))

    def _mended(self, finding: Finding, verdict: Verdict, item: pytest.Item) -> Finding:
        if verdict.mend is None or not self._settings.mend:
            return finding
        if self.may_mend is not None and not self.may_mend(finding):
            return finding
        try:
            done, is_mended = verdict.mend(), True
        except Exception as error:  # noqa: BLE001 - what cannot be mended is told, not raised
            done, is_mended = f"could not be mended: {type(error).__name__}: {error}", False
        self._sink.emit(
            late.load(_EVENTS).FindingMended(
                at_s=self._clock.monotonic(),
                test=item.nodeid,
                finding_kind=finding.kind,
                done=done,
                is_mended=is_mended,
            )
        )
        return dataclasses.replace(finding, mended=done)

    def write(self, report: pytest.TestReport) -> None:
        """
        Put what was found on the report of the test's teardown; it fails where policy says error.
        """
        pending, self._pending = self._pending, []
        if not pending:
            return
        setattr(
            report, REPORT_ATTRIBUTE, [{"level": level, **dataclasses.asdict(finding)} for level, finding in pending]
        )
        errors = [finding for level, finding in pending if level == "error"]
        if not errors:
            return
        block = late.load(_BLOCK)
        text = "\n\n".join(block.render(finding, root=self._root, frames=self._settings.frames) for finding in errors)
        if report.outcome == "passed":
            report.outcome = "failed"
            report.longrepr = _drawn(text, errors)
        else:
            _append(report, text)


def _append(report: pytest.TestReport, text: str) -> None:
    # The teardown failed by itself: its own story stays, ours is added.
    add_section: Any = getattr(report.longrepr, "addsection", None)
    if add_section is not None:
        add_section("Hermetic found as well", text)
    else:
        report.longrepr = f"{report.longrepr}\n\n{text}"


def _drawn(text: str, errors: list[Finding]) -> TerminalRepr:
    # pytest draws a failure without traceback from this exception: its first line goes into the short summary,
    # the whole text into the report, and xdist can send it.
    first = late.load(_BLOCK).headline(errors[0]) + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else "")
    try:
        pytest.fail(text if len(errors) == 1 else f"{first}\n\n{text}", pytrace=False)
    except pytest.fail.Exception as failure:
        info = pytest.ExceptionInfo[BaseException].from_exception(failure)
        return info.getrepr(style="value")


def _quoted(nodeid: str) -> str:
    return f"'{nodeid}'" if set(nodeid) & set(" []()'\"$&;|<>*?!`\\") else nodeid
