"""
Runs and tries as tests make them.
"""

from __future__ import annotations

from hermetic.record.history.runs import Run, Try


def a_run(name, at=0.0, code="c1", **more):
    return Run(id=name, at=at, code=code, **more)


def tries(*outcomes, test="t.py::a"):
    return [Try(test=test, outcome=outcome, attempt=n, duration_s=0.25) for n, outcome in enumerate(outcomes, 1)]
