"""
`hermetic doctor --fixtures`: the graph, and what is doubtful in it.
"""

from __future__ import annotations

import subprocess
import sys


def test_circles_shadows_duplicates_and_unused_fixtures_are_told(suite):
    """
    Each doubtful thing is named with its place; what overrides and builds on the outer one is not called shadowing.
    """
    suite.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(scope="session")
        def shop():
            return {"open": True}

        @pytest.fixture
        def price(shop):
            return 1

        @pytest.fixture
        def first(second):
            pass

        @pytest.fixture
        def second(first):
            pass
        """,
    )
    suite.write(
        "test_a.py",
        """
        import pytest

        @pytest.fixture
        def price():
            return 2

        @pytest.fixture(scope="session")
        def store():
            return {"open": True}

        @pytest.fixture(scope="session")
        def shop(shop):
            return shop

        def test_a(price, shop, store):
            raise AssertionError("doctor runs nothing")
        """,
    )

    done = subprocess.run(
        [sys.executable, "-c", "from hermetic.cli import main; main()", "doctor", "--fixtures", "-p", "no:randomly"],
        cwd=suite.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "price (function, conftest.py:7) needs shop" in lines
    assert (
        "first (function, conftest.py:11) needs second (function, conftest.py:15) needs first (function, conftest.py:11)"
        in lines
    )
    assert lines[lines.index("1 shadowed") + 1] == "price (function, test_a.py:3) hides price (function, conftest.py:7)"
    same = lines.index("1 the same in several places: keep one, in a conftest.py above both")
    assert lines[same + 1] == "shop (session, conftest.py:3); store (session, test_a.py:7)"
    unused = lines.index("2 asked for by no collected test")
    assert [line.split()[0] for line in lines[unused + 1 : unused + 3]] == ["first", "second"]
