"""
The guide's example is a real run: its output in the guide is the output of this test.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

GUIDE = Path(__file__).parents[4] / "docs" / "how-to" / "find-a-leaked-connection.md"


def blocks(text, language):
    return re.findall(rf"```{language}[^\n]*\n(.*?)```", text, re.DOTALL)


def test_the_guide_shows_what_really_happens(suite):
    """
    The files of the guide, run, print what the guide prints, and the corrected file is silent.

    With UPDATE_DOCS in the environment, the guide is rewritten from the run instead.
    """
    guide = GUIDE.read_text()
    leaking, mended = blocks(guide, "python")
    path = suite.write("test_orders.py", leaking)

    run = suite.run("-p", "no:randomly", "test_orders.py", plugins=("autoload",))

    if os.environ.get("UPDATE_DOCS"):
        guide = re.sub(
            r"```text\n.*?```", lambda _: f"```text\n{run.report.rstrip()}\n```", guide, count=1, flags=re.DOTALL
        )
        GUIDE.write_text(guide)
    assert blocks(guide, "text")[0].rstrip() == run.report.rstrip()
    assert run.outcomes == {"passed": 3, "errors": 2}
    assert run.status == 1
    path.write_text(mended)
    assert suite.run("test_orders.py").outcomes == {"passed": 3}
