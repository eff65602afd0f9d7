"""
Objects that come back fresh, and the fixtures that isolate.
"""

from __future__ import annotations

import hermetic
import pytest

BREAKER = """
import asyncio, collections, functools

class Window:
    def __init__(self):
        self.failures = collections.deque(maxlen=3)

class Breaker:
    __slots__ = ("state", "window", "names", "lock", "__weakref__")

    def __init__(self):
        self.state = "closed"
        self.window = Window()
        self.names = {"a": [1]}
        self.lock = asyncio.Lock()

    def fail(self):
        self.state = "open"
        self.window.failures.append("boom")
        self.names["a"].append(2)

BREAKER = Breaker()

@functools.lru_cache
def price(name):
    return object()
"""


def test_a_singleton_comes_back_fresh_without_a_word(suite):
    """
    Attributes, slots, nested parts and containers are as before; nothing is reported, since that was asked for.
    """
    suite.write("shop.py", BREAKER)
    suite.write(
        "conftest.py", "import hermetic, shop\nhermetic.resettable(shop.BREAKER)\nhermetic.resettable(shop.price)\n"
    )
    suite.write(
        "test_a.py",
        """
        import shop
        prices = []

        def test_opens():
            shop.BREAKER.fail()
            prices.append(shop.price("tea"))

        def test_is_fresh():
            assert shop.BREAKER.state == "closed" and not shop.BREAKER.window.failures
            assert shop.BREAKER.names == {"a": [1]}
            assert shop.price("tea") is not prices[0]
        """,
    )

    run = suite.run()

    assert (run.found, run.outcomes) == ([], {"passed": 2}), run.text


def test_the_ini_file_names_objects_of_a_product_that_knows_nothing_of_hermetic(suite):
    """
    An object of a module that is imported later is added when it is there.
    """
    suite.write("shop.py", BREAKER)
    suite.write("pytest.ini", "[pytest]\nhermetic_resettable = shop:BREAKER\n")
    suite.write(
        "test_a.py",
        """
        def test_imports():
            import shop

        def test_opens():
            import shop
            shop.BREAKER.fail()

        def test_is_fresh():
            import shop
            assert shop.BREAKER.state == "closed"
        """,
    )

    assert suite.run().outcomes == {"passed": 3}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("shop.BREAKER", "'shop.BREAKER' names no object; write module:attribute"),
        ("shop:NOTHING", "has no attribute 'NOTHING'"),
        ("nowhere:X", "there is no module 'nowhere'"),
    ],
)
def test_a_name_of_nothing_is_refused_with_its_source(suite, line, complaint):
    """
    A misspelt name would silently reset nothing.
    """
    suite.write("shop.py", BREAKER)
    suite.write("pytest.ini", f"[pytest]\nhermetic_resettable = {line}\n")
    suite.write("test_a.py", "import shop\ndef test(): pass\n")

    run = suite.run()

    assert run.status == 4
    assert complaint in run.text
    assert "hermetic_resettable in" in run.text


def test_a_fixture_of_broader_scope_sets_the_baseline_of_a_singleton(suite):
    """
    What a module fixture did to the object stays for its tests, and is undone with the fixture.
    """
    suite.write("shop.py", BREAKER)
    suite.write("conftest.py", "import hermetic, shop\nhermetic.resettable(shop.BREAKER)\n")
    suite.write(
        "test_a.py",
        """
        import pytest, shop

        @pytest.fixture(scope="module")
        def opened():
            shop.BREAKER.fail()

        def test_one(opened):
            shop.BREAKER.state = "half"

        def test_two(opened):
            assert shop.BREAKER.state == "open"
        """,
    )
    suite.write("test_b.py", "import shop\ndef test_three(): assert shop.BREAKER.state == 'closed'\n")

    assert suite.run().outcomes == {"passed": 3}


def test_a_decorated_class_stands_for_its_instances_and_reset_is_called(suite):
    """
    Every instance made since is put back, by the function given where there is one; a failing one is told.
    """
    suite.write(
        "shop.py",
        """
        import hermetic

        @hermetic.resettable
        class Counter:
            def __init__(self):
                self.value = 0

        @hermetic.resettable(reset=lambda gauge: gauge.clear())
        class Gauge:
            def __init__(self):
                self.value = 0
            def clear(self):
                self.value = -1

        COUNTER, GAUGE = Counter(), Gauge()
        """,
    )
    suite.write(
        "test_a.py",
        """
        import shop

        def test_counts():
            shop.COUNTER.value = shop.GAUGE.value = 5

        def test_fresh():
            assert (shop.COUNTER.value, shop.GAUGE.value) == (0, -1)
        """,
    )

    assert suite.run().outcomes == {"passed": 2}


def test_what_has_no_state_to_see_needs_a_reset():
    """
    A number cannot be put back, and is refused with what to do.
    """
    with pytest.raises(hermetic.ResettableError, match=r"got a int.*reset=function"):
        hermetic.resettable(5)


ISOLATED = """
import os, pathlib, sqlite3
import shop

def test_environment(isolated_environment):
    assert "SECRET" not in os.environ and os.environ["PATH"]
    assert list(pathlib.Path.home().iterdir()) == []
    isolated_environment["NEW"] = "1"

def test_environment_is_back():
    assert os.environ["SECRET"] == "s" and "NEW" not in os.environ and str(pathlib.Path.home()) != ""

def test_directory(isolated_directory):
    assert pathlib.Path.cwd() == isolated_directory and list(isolated_directory.iterdir()) == []
    pathlib.Path("a.txt").write_text("")

def test_database(isolated_database):
    connection = sqlite3.connect(isolated_database)
    connection.execute("CREATE TABLE prices (name)")
    connection.close()

def test_database_is_fresh(isolated_database):
    connection = sqlite3.connect(isolated_database)
    assert connection.execute("SELECT * FROM sqlite_master").fetchall() == []
    connection.close()

def test_settings(isolated_settings):
    isolated_settings(shop, RATE=2)
    assert shop.RATE == 2

def test_settings_are_back(fixture_factory):
    assert shop.RATE == 1
    assert fixture_factory.file("x.txt", "x").read_text() == "x"
"""


@pytest.mark.parametrize("switch", ["--hermetic=on", "--hermetic=off"])
def test_the_isolating_fixtures_isolate_and_clean_up(suite, switch):
    """
    Environment, directory, database and settings belong to one test, also when Hermetic itself is switched off.
    """
    suite.write("shop.py", "RATE = 1\n")
    suite.write("test_a.py", ISOLATED)

    run = suite.run(switch, env={"SECRET": "s"})

    assert (run.found, run.outcomes) == ([], {"passed": 7}), run.text
