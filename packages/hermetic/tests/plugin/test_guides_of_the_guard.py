"""
What the guides to the guard print is what a run prints: all of them from one run, and scripts from theirs. Times and sizes may
differ, words and lines may not.

With UPDATE_DOCS in the environment the pages are rewritten from the run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDES = Path(__file__).parents[4] / "docs" / "how-to"
FILES = {
    "test_assets.py": """
        import subprocess


        def build():
            subprocess.run(["sleep", "0.6"])


        async def test_checkout():
            build()
        """,
    "test_queue.py": """
        import asyncio
        import pytest


        @pytest.mark.deadline(0.5)
        async def test_order_arrives():
            queue = asyncio.Queue()
            item = await queue.get()
            assert item == "tea"
        """,
    "shop.py": """
        import sqlite3


        class Shop:
            def __init__(self, path):
                self.database = sqlite3.connect(path)


        def open_shops(path, number):
            return [Shop(path) for _ in range(number)]
        """,
    "test_limits.py": """
        import contextlib
        import pytest
        import shop


        @pytest.mark.limits(database_connections=5)
        async def test_six_shops_at_once(tmp_path):
            with contextlib.ExitStack() as closing:
                for one in shop.open_shops(tmp_path / "a.db", 6):
                    closing.enter_context(contextlib.closing(one.database))
        """,
    "test_tickets.py": """
        import asyncio
        import pytest


        class Shop:
            def __init__(self, tickets):
                self.tickets = tickets
                self.sold = 0
                self._lock = asyncio.Lock()

            async def buy(self, name):
                if self.sold < self.tickets:
                    async with self._lock:
                        self.sold += 1


        @pytest.mark.interleave(seeds=200)
        async def test_two_buyers_one_ticket():
            shop = Shop(tickets=1)
            await asyncio.gather(shop.buy("Ann"), shop.buy("Ben"))
            assert shop.sold == 1
        """,
    "test_service.py": """
        import asyncio
        import hermetic
        import pytest
        import service


        async def hold(lock, is_held):
            async with lock:
                is_held.set()
                await asyncio.Event().wait()


        async def test_save():
            lock, is_held = asyncio.Lock(), asyncio.Event()
            importer = asyncio.create_task(hold(lock, is_held), name="importer")
            await is_held.wait()
            with pytest.raises(hermetic.DeadlineExceeded) as caught:
                await service.save(lock)
            print(f"--- deadline\\n{caught.value}\\n---")
            importer.cancel()
            await asyncio.gather(importer, return_exceptions=True)
        """,
}
# The page, the first line of what it shows of the run, and the first line that it does not.
SHOWN = {
    "find-a-blocked-loop": (r"^Event loop blocked: ", r"^  run again"),
    "hanging-tests": (r"^hang: call took longer", r"^$"),
    "isolate-process-state": (r"^environment variable not put back", r"^(?!  )"),
    "limit-resources": (r"^database connections: 6 more", r"^(?!  )"),
    "time-and-order": (r"^E +under an order of tasks", r"^(?!E +\S)"),
    "deadlines": (r"^'save address' did not end", r"^---"),
}


@pytest.fixture(scope="module")
def printed(module_suite):
    """
    The lines that the run printed.
    """
    for name, text in {
        **FILES,
        "test_shop.py": first_code("isolate-process-state"),
        "service.py": first_code("deadlines"),
    }.items():
        module_suite.write(name, text)
    environment = {"PYTHONPATH": str(module_suite.directory)}
    run = module_suite.run("-p", "no:randomly", "-rP", plugins=("asyncio",), env=environment)
    text = run.text.replace(f"{module_suite.directory}/", "")
    return re.sub(r"/\S*/lib/python3\.\d+/", "…/", text).splitlines()


def first_code(page: str) -> str:
    """
    The code that the page shows first.
    """
    found = re.search(r"```python[^\n]*\n(.*?)```", (GUIDES / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def cut(lines: list[str], begin: str, end: str) -> str:
    first = next(number for number, line in enumerate(lines) if re.match(begin, line))
    last = next(number for number in range(first + 1, len(lines)) if re.match(end, lines[number]))
    return "\n".join(lines[first:last])


def still(text: str) -> str:
    """
    The text with every time as one, and without what a moment or a version decides: where in a library it was, who waited.
    """
    text = re.sub(r"\n +(it was in …/\S+, \S+|\d+ other callbacks? waited for it)(?=\n)", "", text)
    # Python 3.13.0 names every task that a task factory made without a name "None" (BaseEventLoop.create_task).
    text = text.replace("(task 'None' ", "(task 'Task-2' ")
    return re.sub(r"\b\d+\.\d+ s\b", "TIME", text)


def shown_on(page: str, real: str, *, mark: str = "from its run") -> str:
    """
    What the page shows of a run below this mark; written anew where that was asked for.
    """
    path = GUIDES / f"{page}.md"
    text = path.read_text(encoding="utf-8")
    head, found, rest = text.partition(f"<!-- {mark} -->\n")
    block, end, tail = rest.partition("<!-- end -->")
    assert found, f"{page} has no place for it:\n{real}"
    if os.environ.get("UPDATE_DOCS"):
        block = f"```text\n{real}\n```\n"
        path.write_text(head + found + block + end + tail, encoding="utf-8")
    return block


def without_sizes(text: str) -> str:
    """
    The text with every number of bytes, share, bar and time as one, and without objects and blocks of Python's own, of which each
    version makes others.
    """
    text = re.sub(r"\n +\+\d+ (?!shop\.)\S+  \+[\d.]+ \w?B(?=\n)", "", text)
    text = re.sub(r"\n  also \S+ bytes in \S+ blocks from [^\n]+", "", text)
    text = re.sub(r"-?[\d,.]+( ± [\d,.]+)? (bytes|\w?B)\b", "SIZE", text)
    text = re.sub(r"\d+(\.\d+)? s\b", "TIME", text)
    return re.sub(r" *SIZE +\d+% █*( +)", r"SIZE\1", text)


@pytest.mark.parametrize("page", SHOWN)
def test_a_guide_shows_what_a_run_prints(printed, page):
    """
    To the word, with the lines of the code that it names.
    """
    real = cut(printed, *SHOWN[page])

    assert still(shown_on(page, real)) == still(f"```text\n{real}\n```\n")


@pytest.mark.parametrize("script", ["benchmark", "growth"])
def test_a_guide_shows_what_its_script_prints(tmp_path, script):
    """
    Which operation leaks and from which line, and what grew, from the code that stands above it.
    """
    page = "limit-resources"
    blocks = re.finditer(
        r'```python title="(?P<name>\S+)"\n(?P<code>.*?)```', (GUIDES / f"{page}.md").read_text("utf-8"), re.DOTALL
    )
    for block in blocks:
        (tmp_path / block["name"]).write_text(block["code"], encoding="utf-8")
    command = [sys.executable, "-W", "ignore::ResourceWarning", f"{script}.py"]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    real = done.stdout.replace(f"{tmp_path}/", "").rstrip("\n")

    assert without_sizes(shown_on(page, real, mark=f"from its run: {script}")) == without_sizes(
        f"```text\n{real}\n```\n"
    )
