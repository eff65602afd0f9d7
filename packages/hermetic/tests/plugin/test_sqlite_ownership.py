"""
Whose a connection is, and when it is judged: scopes, fixture styles, unittest, event-loop plugins.
"""

from __future__ import annotations

import sys

import pytest

FIXTURES = """
import sqlite3
import pytest

def fixture(scope):
    @pytest.fixture(scope=scope, name=f"{scope}_db")
    def database():
        connection = sqlite3.connect(f"file:{scope}?mode=memory", uri=True)
        yield connection
    return database

function_db, class_db, module_db, package_db, session_db = map(fixture, ("function", "class", "module", "package", "session"))
"""

SCOPES = """
class TestScopes:
    def test_first(self, function_db, class_db, module_db, package_db, session_db):
        assert all(db.execute("SELECT 1") for db in (function_db, class_db, module_db, package_db, session_db))

    def test_second(self, class_db, module_db):
        assert class_db.execute("SELECT 1") and module_db.execute("SELECT 1")

def test_after_class(module_db, package_db):
    assert module_db.execute("SELECT 1") and package_db.execute("SELECT 1")

def test_last(session_db):
    assert session_db.execute("SELECT 1")
"""


def test_each_scope_is_judged_when_it_is_torn_down_and_not_earlier(suite):
    """
    Five leaking fixtures, each reported once, with the last test that its scope covers.
    """
    suite.write("pkg/__init__.py", "")
    suite.write("pkg/conftest.py", FIXTURES)
    suite.write("pkg/test_scopes.py", SCOPES)
    suite.write("test_zz_other.py", "def test_outside(): pass\n")

    run = suite.run("pkg", "test_zz_other.py")

    assert [(one.owner, one.test) for scope in ORDER for one in run.found if one.owner.startswith(scope)] == [
        ("function fixture function_db", "pkg/test_scopes.py::TestScopes::test_first"),
        ("class fixture class_db", "pkg/test_scopes.py::TestScopes::test_second"),
        ("module fixture module_db", "pkg/test_scopes.py::test_last"),
        ("package fixture package_db", "pkg/test_scopes.py::test_last"),
        ("session fixture session_db", "test_zz_other.py::test_outside"),
    ]
    assert {("conftest.py", 7)} == {one.line for one in run.found}
    assert {"closed"} == {one.mended for one in run.found}
    assert run.outcomes == {"passed": 5, "errors": 4}


ORDER = ("function", "class", "module", "package", "session")

STYLES = """
import sqlite3, unittest
import pytest

def connect():
    return sqlite3.connect(":memory:")

@pytest.fixture
def returned():
    return connect()

@pytest.fixture
def handed(returned):
    yield returned
    returned.close()

def test_hand_over_between_fixtures(handed):
    pass

@pytest.fixture
def finalizer(request):
    connection = connect()
    request.addfinalizer(connection.close)
    return connection

def test_closed_by_finalizer(finalizer):
    pass

@pytest.fixture(scope="module")
def pool():
    held = []
    yield held
    for one in held:
        one.close()

def test_a_pool_of_the_module_keeps_what_a_test_opened(pool):
    pool.append(connect())

@pytest.fixture
def cleanups():
    import contextlib
    with contextlib.ExitStack() as stack:
        yield stack

def test_a_callback_of_a_fixture_closes_it(cleanups):
    cleanups.callback(connect().close)

@pytest.fixture
def teardown_opens():
    yield
    global kept
    kept = connect()

def test_opened_in_teardown(teardown_opens):
    pass

class TestUnit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = connect()

    def setUp(self):
        self.own = connect()

    def tearDown(self):
        self.own.close()

    def test_clean(self):
        pass

    def test_leaks_in_set_up(self):
        self.second = connect()

class TestXunit:
    def setup_method(self):
        self.connection = connect()

    def test_method(self):
        pass
"""


def test_fixture_styles_are_followed(suite):
    """
    Hand-over, finalizers, a module's pool and an exit stack are silent; each leak names the code that opened it.
    """
    suite.write("test_styles.py", STYLES)

    run = suite.run()

    assert {
        ("function fixture teardown_opens", "test_styles.py::test_opened_in_teardown"),
        ("class fixture setUpClass / tearDownClass", "test_styles.py::TestUnit::test_leaks_in_set_up"),
        (
            "function test test_styles.py::TestUnit::test_leaks_in_set_up",
            "test_styles.py::TestUnit::test_leaks_in_set_up",
        ),
        ("function fixture setup_method / teardown_method", "test_styles.py::TestXunit::test_method"),
    } == {(one.owner, one.test) for one in run.found}
    assert len(run.found) == 4


ASYNC = """
import asyncio, sqlite3
import pytest
import pytest_asyncio

@pytest_asyncio.fixture(loop_scope="{scope}", scope="{scope}")
async def shared():
    connection = sqlite3.connect(":memory:")
    await asyncio.sleep(0)
    yield connection

@pytest_asyncio.fixture(loop_scope="{scope}")
async def closed():
    connection = sqlite3.connect(":memory:")
    yield connection
    await asyncio.sleep(0)
    connection.close()

class TestAsync:
    pytestmark = pytest.mark.asyncio(loop_scope="{scope}")

    async def test_leaks(self, shared, closed):
        await asyncio.sleep(0)
        global kept
        kept = sqlite3.connect(":memory:", check_same_thread=False)

    async def test_clean(self, shared, closed):
        await asyncio.sleep(0)

    async def test_leaks_in_a_task_and_in_a_thread(self, closed):
        async def opens():
            return sqlite3.connect(":memory:")
        global in_task, in_thread
        in_task = await asyncio.create_task(opens())
        in_thread = await asyncio.to_thread(opens_in_thread)

def opens_in_thread():
    return sqlite3.connect(":memory:", check_same_thread=False)
"""


@pytest.mark.parametrize("scope", ["function", "class", "module", "package", "session"])
def test_asynchronous_tests_and_fixtures_own_what_they_open_in_every_loop_scope(suite, scope):
    """
    pytest-asyncio: fixtures by their scope, tests, tasks and threads of tests.
    """
    suite.write("test_async.py", ASYNC.format(scope=scope))

    run = suite.run(plugins=("asyncio",))

    owners = sorted((one.owner, one.line[1]) for one in run.found)
    tests = [("function test test_async.py::TestAsync::test_leaks", 24)]
    tests += [
        ("function test test_async.py::TestAsync::test_leaks_in_a_task_and_in_a_thread", line) for line in (31, 37)
    ]
    fixtures = [(f"{scope} fixture shared", 7)] * (2 if scope == "function" else 1)
    assert sorted([*tests, *fixtures]) == owners


ANYIO = """
import sqlite3
import anyio, pytest

pytestmark = pytest.mark.anyio

@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"

@pytest.fixture(scope="module")
async def shared(anyio_backend):
    connection = sqlite3.connect(":memory:")
    yield connection

async def test_first(shared):
    await anyio.sleep(0)
    global kept
    kept = sqlite3.connect(":memory:")

async def test_second(shared):
    async with anyio.create_task_group() as group:
        group.start_soon(opens)

async def opens():
    global other
    other = sqlite3.connect(":memory:")
"""


def test_anyios_plugin_runs_tests_in_one_task_and_each_owns_its_own(suite):
    """
    Its runner's task lives longer than a test and owns nothing by itself.
    """
    suite.write("test_anyio.py", ANYIO)

    run = suite.run(plugins=("anyio",))

    assert sorted((one.owner, one.line[1]) for one in run.found) == [
        ("function test test_anyio.py::test_first", 18),
        ("function test test_anyio.py::test_second", 26),
        ("module fixture shared", 12),
    ], run.text


ISOLATED = """
import sqlite3, unittest

class TestIsolated(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.connection = sqlite3.connect(":memory:", check_same_thread=False)

    async def asyncTearDown(self):
        self.connection.close()

    async def test_clean(self):
        pass

    async def test_leaks(self):
        self.other = sqlite3.connect(":memory:", check_same_thread=False)
"""


def test_unittests_isolated_asyncio_test_case_is_followed(suite):
    """
    What asyncSetUp opens and asyncTearDown closes is silent; the test's own leak is the test's.
    """
    suite.write("test_isolated.py", ISOLATED)

    run = suite.run()

    assert [(one.owner, one.line[1]) for one in run.found] == [
        ("function test test_isolated.py::TestIsolated::test_leaks", 14)
    ]
    assert "afterwards  closed" in run.text


MANY = """
import sqlite3
import pytest

@pytest.mark.parametrize("number", range(6))
def test_leaks(number):
    global kept
    kept = sqlite3.connect(":memory:")
"""


@pytest.mark.parametrize(
    "plugins, arguments",
    [
        (("xdist",), ["-n2"]),
        (("randomly", "timeout", "asyncio"), ["-s", "--timeout=30"]),
        (("cov", "anyio"), ["--cov=.", "--cov-report="]),
        ((), ["-p", "no:terminalreporter"]),
    ],
    ids=["xdist", "randomly and timeout", "cov", "no terminal"],
)
def test_findings_are_the_same_beside_other_plugins(suite, plugins, arguments):
    """
    Each of six tests reports its own connection once, whatever else is loaded.
    """
    suite.write("test_many.py", MANY)

    run = suite.run(*arguments, plugins=plugins)

    assert [f"test_many.py::test_leaks[{number}]" for number in range(6)] == sorted(one.test for one in run.found), (
        run.text
    )
    assert run.status == 1
    if "no:terminalreporter" not in arguments:
        assert run.outcomes == {"passed": 6, "errors": 6}
        assert "    6  SQLite connection left open" in run.text


def test_policy_decides_whether_a_finding_fails_its_test(suite):
    """
    Ini file, then command line, then marker; a warning is listed and does not fail; off is not even recorded.
    """
    suite.write(
        "test_policy.py",
        """
        import sqlite3
        import pytest

        def test_by_ini():
            test_by_ini.kept = sqlite3.connect(":memory:")

        @pytest.mark.hermetic("sqlite3.* = off", reason="seeded")
        def test_by_marker():
            test_by_marker.kept = sqlite3.connect(":memory:")
        """,
    )
    warn = suite.run("-o", "hermetic_policy=leak = warn")
    line = suite.run("-o", "hermetic_policy=leak = warn", "--hermetic-policy", "error")
    off = suite.run("--hermetic", "off")

    assert (warn.outcomes, warn.status, [one.level for one in warn.found]) == ({"passed": 2}, 0, ["warn"])
    assert "warning: SQLite connection left open: :memory:  in test_policy.py::test_by_ini" in warn.text
    assert (line.outcomes, line.status) == ({"passed": 2, "errors": 1}, 1)
    assert (off.outcomes, off.events) == ({"passed": 2}, [])


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            ["--hermetic-policy", "sqlite3 = loud"],
            "policy rule 'sqlite3 = loud' from --hermetic-policy: 'loud' is not a level.",
        ),
        (["-o", "hermetic_frames=none"], "hermetic_frames = 'none' in"),
        (["-o", "hermetic_frames=41"], "give a whole number from 1 to 40."),
    ],
)
def test_options_that_cannot_be_used_stop_the_run_before_it_starts(suite, arguments, message):
    """
    A usage error, with the option, its value and its source.
    """
    run = suite.run(*arguments)

    assert run.status == 4
    assert message in run.text


def test_a_marker_that_cannot_be_read_names_the_test_it_stands_on(suite):
    """
    Refused at collection, before anything runs.
    """
    suite.write(
        "test_marker.py",
        "import pytest\n\n@pytest.mark.hermetic('leak: off')\ndef test_one(): pass\n\ndef test_two(): pass\n",
    )

    run = suite.run()

    assert run.status == 4
    assert "policy rule 'leak: off' from the marker hermetic on test_marker.py::test_one (test_marker.py:3)" in run.text


def test_a_test_that_fails_keeps_its_failure_and_its_leak_is_told_as_well(suite):
    """
    A failing test, a failing teardown, an expected failure and a skip keep their outcomes.
    """
    suite.write(
        "test_outcomes.py",
        """
        import sqlite3
        import pytest

        kept = []

        @pytest.fixture
        def bad_teardown():
            yield
            raise ZeroDivisionError("its own error")

        def test_fails():
            kept.append(sqlite3.connect(":memory:"))
            assert 1 == 2

        def test_teardown_fails(bad_teardown):
            kept.append(sqlite3.connect(":memory:"))

        @pytest.mark.xfail(strict=True)
        def test_expected():
            kept.append(sqlite3.connect(":memory:"))
            assert 1 == 2

        def test_skips():
            kept.append(sqlite3.connect(":memory:"))
            pytest.skip("no")
        """,
    )

    run = suite.run()

    assert run.outcomes == {"failed": 1, "passed": 1, "skipped": 1, "xfailed": 1, "errors": 4}
    assert "ZeroDivisionError: its own error" in run.text
    assert "Hermetic found as well" in run.text
    assert len(run.found) == 4


def test_importing_hermetic_does_not_import_pytest():
    """
    Guard and record work in a script; nothing but the plugin knows pytest.
    """
    import subprocess

    program = (
        "import sys, hermetic, hermetic.guard.census.census, hermetic.guard.census.trackers, hermetic.record.journal\n"
        "print('pytest' in sys.modules, '_pytest' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False False"
