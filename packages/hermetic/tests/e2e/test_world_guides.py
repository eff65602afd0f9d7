"""
The guides to the mock servers run as they stand, and print what they say.

After a change of a guide's code, write its outputs anew with HERMETIC_WRITE_GUIDES=1 and read the difference.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PAGES = [
    "stand-in-for-a-service",
    "degrade-a-server",
    "repeat-and-shrink-a-failure",
    "break-a-cluster",
    "record-and-replay",
]
# A complete script, and below it what it prints.
SCRIPT = re.compile(r"```python\n(?P<code>.*?)```\n\n```text\n(?P<output>.*?)```", re.DOTALL)


def scripts() -> list[tuple[str, int]]:
    return [
        (page, n)
        for page in PAGES
        for n in range(len(SCRIPT.findall((ROOT / f"docs/how-to/{page}.md").read_text("utf-8"))))
    ]


@pytest.mark.parametrize("page, nth", scripts())
def test_a_guide_prints_what_it_says(page, nth):
    """
    To the letter: seeds make even random runs print the same.
    """
    path = ROOT / f"docs/how-to/{page}.md"
    text = path.read_text("utf-8")
    found = list(SCRIPT.finditer(text))[nth]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", found["code"]], capture_output=True, text=True, check=False, timeout=50
    )

    assert (done.stderr, done.returncode) == ("", 0)
    if os.environ.get("HERMETIC_WRITE_GUIDES"):
        path.write_text(f"{text[: found.start('output')]}{done.stdout}{text[found.end('output') :]}", "utf-8")
    else:
        assert found["output"] == done.stdout


def test_every_page_has_scripts_that_are_run():
    """
    A page whose blocks are not found would pass for the wrong reason.
    """
    assert set(PAGES) == {page for page, _ in scripts()}
