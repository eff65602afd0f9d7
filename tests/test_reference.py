"""
The reference is what the code declares. With UPDATE_DOCS in the environment, the page is written anew instead.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "hermetic.md"


def test_the_reference_page_is_what_the_code_declares():
    """
    Every option, setting, marker, fixture and command, with the words that the program itself uses.
    """
    done = subprocess.run(
        [sys.executable, "-c", "from development.reference import page; print(page())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    head, begin, rest = PAGE.read_text("utf-8").partition("<!-- from the code -->\n")
    written, end, tail = rest.partition("<!-- end -->\n")
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(head + begin + done.stdout + end + tail, "utf-8")
        return

    assert written == done.stdout
    for part in (
        "`--hermetic-baseline=FILE`",
        "`hermetic_policy`",
        "`deadline(",
        "`mock_server`",
        "### `hermetic stress`",
    ):
        assert part in written, part
