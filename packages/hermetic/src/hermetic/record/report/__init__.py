"""
Reports of a run in every format, all from one document, so that their counts agree.
"""

from hermetic.record.report.reporter import FORMATS, ReportError, TestReporter

__all__ = ["FORMATS", "ReportError", "TestReporter"]
