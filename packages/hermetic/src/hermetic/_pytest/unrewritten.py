"""
Keep pytest from rewriting the assertions of the plugin's own modules.

pytest rewrites every module of a distribution that has a plugin, for the sake of assertions, of which there are none to
explain here. It would parse each module in Python when it is first loaded, at every start where no bytecode is written;
and some are loaded in the middle of a test, in another thread or by the collector, where a second parse breaks the one
that is under way ("AST constructor recursion depth mismatch", CPython issue 106905, up to 3.11.7).
"""

from __future__ import annotations

import sys
from typing import cast

_PACKAGE = "hermetic"


def leave_unrewritten() -> None:
    """
    Take the package's names off the list of pytest's import hook. Where it keeps no such list, nothing changes.
    """
    for finder in sys.meta_path:
        marked = cast("object", getattr(finder, "_must_rewrite", None))
        cache = cast("object", getattr(finder, "_marked_for_rewrite_cache", None))
        if isinstance(marked, set) and isinstance(cache, dict):
            names = cast("set[str]", marked)
            names -= {name for name in names if name.partition(".")[0] == _PACKAGE}
            cast("dict[str, bool]", cache).clear()
