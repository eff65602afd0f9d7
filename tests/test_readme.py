"""
What the first page shows is what happens.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)


def finding_of(text: str) -> str:
    """
    The block of the one finding, without the path of this very run.
    """
    block = re.search(r"^(\d+ x )?SQLite connection.*?run again[^\n]*$", text, re.DOTALL | re.MULTILINE)
    assert block, text
    return re.sub(r"\S*/test_address_is_saved0/", "…/", block[0])


def test_the_example_prints_what_the_page_shows(tmp_path: Path):
    """
    The first example, saved and run with nothing configured, passes its test and gives the finding on the page.

    With UPDATE_DOCS in the environment, the page is rewritten from the run instead.
    """
    (tmp_path / "test_history.py").write_text(blocks("python")[0])
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'tmp'}", "test_history.py"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    found = finding_of(done.stdout)
    if os.environ.get("UPDATE_DOCS"):
        page = re.sub(
            r"```text\n.*?```", lambda _: f"```text\n{found}\n```", README.read_text(), count=1, flags=re.DOTALL
        )
        README.write_text(page)
    assert blocks("text")[0].rstrip() == found
    assert done.returncode == 1
    assert "1 passed, 1 error" in done.stdout


def test_the_commands_exist():
    """
    Each command of the page is one that `./dev` or `ip-monitor` knows.
    """
    words = [
        line.removeprefix("$ ").split("#")[0].split() for block in blocks("console") for line in block.splitlines()
    ]

    help_text = subprocess.run(
        [sys.executable, "dev", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for program, command, *_ in words:
        if program == "./dev":
            assert re.search(rf"^  {command} ", help_text, re.MULTILINE), command
        else:
            name = Path(program).name
            done = subprocess.run(
                [str(Path(sys.executable).parent / name), command, "--help"],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr


def test_every_link_of_the_first_pages_leads_somewhere():
    """
    The pages outside the documentation site, whose build looks at its own links only.
    """
    pages = [README, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *ROOT.glob("packages/*/README.md")]
    dead = [
        (page.name, link)
        for page in pages
        for link in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8"))
        if not (page.parent / link).exists()
    ]

    assert dead == []
