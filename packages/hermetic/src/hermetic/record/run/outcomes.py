"""
What a test can come to.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Outcome: TypeAlias = Literal["lost", "error", "failed", "xpassed", "flaky", "passed", "xfailed", "skipped"]

OUTCOMES: Final[tuple[Outcome, ...]] = ("lost", "error", "failed", "xpassed", "flaky", "passed", "xfailed", "skipped")
"""
The worst first.

lost: its process died while it ran. error: its setup or teardown failed, while its call did not. failed: its call did. xpassed:
it passed although it is marked as failing. flaky: it passed after a try that failed. The others are pytest's.
"""
BAD: Final = frozenset({"lost", "error", "failed"})
"""
Those with which a test is not well.
"""
