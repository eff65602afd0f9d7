"""
The commands in the guides to Hermetic: each runs as it stands, in the order of its page, and prints what stands below it.

With UPDATE_DOCS in the environment, the outputs that stand whole are rewritten from the run.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hermetic.record.history.runs import Run, Try
from hermetic.record.history.store import HistoryStore

from development.documents import steps_of

DOCS = Path(__file__).resolve().parent.parent / "docs"
CODE = re.compile(r'```python title="(?P<name>[^"]+)"\n(?P<code>.*?)```', re.DOTALL)
SUITE = {
    "pytest.ini": "[pytest]\ntestpaths = tests\nasyncio_mode = auto\n",
    "tests/test_mail.py": "import asyncio\n\nasync def test_sends(): await asyncio.sleep(0)\n",
    "tests/test_login.py": "def test_slow_network(): pass\n\ndef test_token(): pass\n",
    "tests/test_bill.py": "def test_sum(): pass\n\ndef test_month(): pass\n",
    "tests/test_checkout.py": "def test_checkout():\n    assert [1, 2] == [1, 3]\n",
}
# What is there before the first command of a page: the words of a run, and the files that it leaves.
BEFORE = {
    "how-to/report-a-run": (
        "pytest -q --hermetic-journal=build/journal.jsonl",
        "mkdir shard-1 shard-2 && cp build/journal.jsonl shard-1/ && cp build/journal.jsonl yesterday.jsonl",
        "pytest -q --hermetic-journal=shard-2/journal.jsonl && false || cp shard-2/journal.jsonl today.jsonl",
    ),
    "how-to/share-and-split": ("pytest -q",),
    "explanation/stability": ("pytest -q --hermetic-history=off --hermetic-report=other/junit.xml",),
}
# What judges tests says so by its status: one of the suite fails.
STATUS = {"pytest": {0, 1}, "hermetic run": {1}, "hermetic stress draws": {1}, "hermetic stress no_loser": {1}}
# Pages whose outputs are those of this suite, and not of one that a reader would have.
WHOLE = {"explanation/stability", "how-to/find-a-polluter", "how-to/find-what-makes-a-test-flaky"}
PAGES = [
    "how-to/keep-a-journal",
    "how-to/report-a-run",
    pytest.param("how-to/share-and-split", marks=pytest.mark.prove("guides", sample=0, full=1)),
    "how-to/hanging-tests",
    "how-to/limit-resources",
    "how-to/time-and-order",
    "explanation/stability",
    pytest.param("how-to/find-a-polluter", marks=pytest.mark.prove("guides", sample=1, full=1)),
    pytest.param("how-to/find-what-makes-a-test-flaky", marks=pytest.mark.prove("guides", sample=0, full=1)),
]


@pytest.fixture
def run(tmp_path):
    """
    Run a command of a page in a small suite, with the plugins that it names.
    """
    for name, text in SUITE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": "hermetic._pytest.plugin,pytest_asyncio.plugin,xdist.plugin",
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
    }
    for name in [one for one in environment if one.startswith("PYTEST_XDIST") or one == "PYTEST_CURRENT_TEST"]:
        del environment[name]
    # Temporary directories of its own: runs of pytest clear away what others have left in the common one.
    (tmp_path.parent / f"{tmp_path.name}-temporary").mkdir()
    environment["PYTEST_DEBUG_TEMPROOT"] = str(tmp_path.parent / f"{tmp_path.name}-temporary")

    def one(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )

    return one


def shape(text: str) -> str:
    """
    The text without what another moment or another suite makes different: numbers, digests, and how many there are.
    """
    return re.sub(r"\b[0-9a-f]{8,}\b|\d+(\.\d+)?", "N", text).replace("tests", "test").replace("runs", "run")


def live(directory: Path) -> None:
    """
    A history of 212 runs, in which some tests fail now and then and one was renamed.
    """
    draw = random.Random(11)
    refused = {"cause": "5f2c90aa13bd", "said": "ConnectionRefusedError: [Errno 111]", "nature": "infrastructure"}
    wrong = {"cause": "9b1c2d3e77af", "said": "AssertionError: assert 3 == 2", "nature": "assertion"}
    with HistoryStore(directory) as store:
        for number in range(212):
            is_away, is_month_end = draw.random() < 0.05, draw.random() < 0.02
            failing = {"test_bill.py::test_month": wrong} if is_month_end else {}
            if is_away:
                failing |= dict.fromkeys(("test_login.py::test_slow_network", "test_login.py::test_token"), refused)
            sums = "test_bill.py::test_sum" if number < 200 else "test_bill.py::test_sums"
            names = [*(f"test_shop.py::test_case_{n}" for n in range(20)), sums, "test_bill.py::test_month"]
            names += ["test_login.py::test_slow_network", "test_login.py::test_token"]
            run = Run(id=f"{number:032}", at=1.7e9 + number * 3600, duration_s=90.0, code=f"c{number // 10}", seed="7")
            tries = [
                Try(
                    test=f"tests/{name}",
                    outcome="failed" if name in failing else "passed",
                    duration_s=0.5,
                    position=place,
                    **failing.get(name, {}),
                )
                for place, name in enumerate(names, 1)
            ]
            store.add(run, tries)


@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_a_guide_runs_and_prints_what_the_page_shows(page, run, tmp_path):
    """
    Blocks of code with a file's name are written first; an output is compared whole, but for its numbers.
    """
    path = DOCS / f"{page}.md"
    text = path.read_text("utf-8")
    for code in CODE.finditer(text):
        (tmp_path / code["name"]).parent.mkdir(exist_ok=True)
        (tmp_path / code["name"]).write_text(code["code"])
    if "stability" in page:
        live(tmp_path / ".hermetic")
    for command in BEFORE.get(page, ()):
        run(command)
    for step in steps_of(text):
        shown = step.shown
        printed = ""
        for command in step.commands:
            done = run(command)
            expected = next((status for begin, status in STATUS.items() if command.startswith(begin)), {0})
            assert done.returncode in expected, f"{command}\n{done.stdout}{done.stderr}"
            printed += done.stdout
        if shown is not None:
            if os.environ.get("UPDATE_DOCS") and page in WHOLE:
                old, new = (f"```text\n{one}```" for one in (shown, printed))
                path.write_text(path.read_text("utf-8").replace(old, new, 1))
            else:
                assert shape(shown) in shape(printed)
