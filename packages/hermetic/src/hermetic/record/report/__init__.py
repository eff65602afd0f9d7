"""
Reports of a run in every format, all from one document, so that their counts agree.

Each name is imported when it is first asked for: a run in which all is well needs little of what reads journals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermetic.foundation.lazy import lazy_names

if TYPE_CHECKING:
    from hermetic.record.report.reporter import TestReporter
    from hermetic.record.report.writing import FORMATS, ReportError

__all__ = ["FORMATS", "ReportError", "TestReporter"]

__getattr__, __dir__ = lazy_names(
    __name__, names=__all__, homes={"FORMATS": ".writing", "ReportError": ".writing", "TestReporter": ".reporter"}
)
