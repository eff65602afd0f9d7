"""
Virtual time and interleaving as a user of pytest meets them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys


def test_markers_and_fixture_work_with_pytest_asyncio(suite):
    """
    Hours pass at once, a race is found and told with its switch, and its seed replays it.
    """
    suite.write(
        "test_time.py",
        """
        import asyncio, time, pytest

        async def test_fixture(virtual_clock):
            await asyncio.sleep(36000)
            assert virtual_clock.skipped_s > 35000

        @pytest.mark.virtual_time(follow=True)
        async def test_marker():
            before = time.time()
            await asyncio.sleep(36000)
            assert time.time() - before > 35000

        @pytest.mark.interleave(seeds=100)
        async def test_race(tmp_path):
            value, lock = [0], asyncio.Lock()
            async def add():
                before = value[0]
                async with lock:
                    value[0] = before + 1
            await asyncio.gather(add(), add())
            assert value[0] == 2

        @pytest.mark.interleave(seeds=20)
        async def test_sound():
            await asyncio.gather(asyncio.sleep(100), asyncio.sleep(200))
        """,
    )
    ran = suite.run("--hermetic-policy=off", plugins=("asyncio",))

    assert ran.outcomes == {"passed": 3, "failed": 1}, ran.text
    assert "it takes 1 switch:" in ran.text, ran.text
    assert "async with lock:  (task " in ran.text
    seed = ran.text.split("pytest --hermetic-seed ")[1].split()[0]

    again = suite.run("--hermetic-policy=off", f"--hermetic-seed={seed}", "-k", "race", plugins=("asyncio",))

    assert again.outcomes["failed"] == 1, again.text
    assert f"seed {seed} gives" in again.text


BAD_MARKERS = {
    "interleave(seed=5)": "interleave() takes no argument 'seed'; write interleave(seeds=200)",
    "interleave(0)": "interleave(seeds=0) is no number of orders",
    "interleave(seeds='9')": "interleave(seeds='9') is no number of orders",
    "virtual_time(jump=True)": "virtual_time() does not take 'jump'",
    "virtual_time(follow=1)": "virtual_time(follow=…) is True or False",
    "virtual_tme": "unknown marker 'virtual_tme' on test_it; did you mean 'virtual_time'?",
}


def test_bad_markers_are_refused_at_collection_with_file_and_line(suite):
    """
    Also one on a test that has no order to vary.
    """
    for number, marker in enumerate(BAD_MARKERS):
        suite.write(f"test_bad{number}.py", f"import pytest\n\n@pytest.mark.{marker}\nasync def test_it(): pass\n")
    suite.write("test_sync.py", "import pytest\n\n@pytest.mark.interleave\ndef test_it(): pass\n")
    ran = suite.run("--continue-on-collection-errors", "-Wignore", plugins=("asyncio",))

    for number, told in enumerate(BAD_MARKERS.values()):
        assert re.search(rf"test_bad{number}\.py:3\b", ran.text), ran.text
        assert told in ran.text, ran.text
    assert re.search(r"test_sync\.py:3: interleave is for async tests", ran.text)
    assert ran.outcomes == {"errors": len(BAD_MARKERS) + 1}


STRESSED = """
import asyncio, pytest

class Counter:
    def __init__(self):
        self.value, self.lock = 0, asyncio.Lock()
    async def lost(self):
        before = self.value
        async with self.lock:
            self.value = before + 1
    async def kept(self):
        async with self.lock:
            self.value += 1

async def both(call):
    await asyncio.gather(call(), call())

async def test_race():
    counter = Counter()
    await both(counter.lost)
    assert counter.value == 2

async def test_sound(tmp_path):
    counter = Counter()
    await both(counter.kept)
    assert counter.value == 2

async def test_not_repeatable(tmp_path):
    (tmp_path / "once").mkdir()

@pytest.fixture
async def resource():
    return 1

async def test_with_async_fixture(resource):
    assert resource == 1

def test_ordinary(): assert False
"""


def test_a_suite_is_stressed_from_the_command_line(suite):
    """
    Races are found in tests that are not marked, and replayed by their seed; what cannot be interleaved is said.
    """
    suite.write("test_shop.py", STRESSED)
    variables = {**os.environ, "COLUMNS": "200", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    words = ["-p", "pytest_asyncio.plugin", "-oasyncio_mode=auto", "-oasyncio_default_fixture_loop_scope=function"]
    command = [sys.executable, "-c", "from hermetic.cli import main; main()", "stress", "--interleave", "--seeds=60"]

    def stress(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *words, "-p", "no:cacheprovider", *more],
            cwd=suite.directory,
            env=variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = stress()

    assert "1 failed, 3 passed, 1 deselected" in done.stdout, done.stdout
    assert done.returncode == 1
    assert "it takes 1 switch:" in done.stdout
    assert "2 tests under up to 60 orders each" in done.stdout
    assert re.search(
        r"1 run once, for their asynchronous fixtures \(resource\):\n  \S+::test_with_async_fixture", done.stdout
    )
    assert re.search(
        r"1 run once, for their state that is not fresh .*FileExistsError.*\n  \S+::test_not_repeatable", done.stdout
    )
    again = re.search(r"hermetic stress --interleave '(\S+)' --hermetic-seed (\d+)", done.stdout)
    replayed = stress(again[1], "--hermetic-seed", again[2])

    assert f"seed {again[2]} gives" in replayed.stdout, replayed.stdout
    assert stress("-k", "sound").returncode == 0
