"""
Whose life is broader than whose.
"""

from __future__ import annotations

from hermetic.foundation import Owner
from hermetic.guard.ownership import Tenure

SCOPES = ("function", "class", "module", "package", "session")


def test_each_scope_is_broader_than_the_one_before():
    """
    A class ends before its module does.
    """
    breadths = [Tenure(lambda: Owner(kind="fixture", name="it"), scope=scope).breadth for scope in SCOPES]

    assert breadths == sorted(set(breadths))
    assert breadths[0] == 0
