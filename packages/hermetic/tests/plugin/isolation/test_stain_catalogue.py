"""
The seeded stains: for every kind a defect that is reported once, at its line, and wiped, and a clean twin.

All of them run in one pytest session of a small project. For each kind three tests run in this order: the defect, a
test that sees whether the next one starts clean, and the twin.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

# The one run that all tests here look at is bounded by itself, at 120 s.
pytestmark = pytest.mark.timeout(180)

SHOP = '''
"""A project with state in its modules."""

RATE = 1
PRICES = {"tea": 3}
ORDERS = []
_client = None


class Client:
    timeout = 5
    seen = set()

    def get(self):
        return 1


def client():
    global _client
    if _client is None:
        _client = Client()
    return _client
'''

IMPORTS = """
import abc, asyncio, atexit, builtins, codecs, collections.abc, contextlib, contextvars, copyreg, decimal, faulthandler
import gc, io, locale, logging, multiprocessing, os, random, resource, signal, socket, subprocess, sys, tempfile, threading, time, types
import unittest.mock, urllib.parse, warnings

import numpy.random
import pytest

import shop

VARIABLE = contextvars.ContextVar("VARIABLE", default=0)
multiprocessing.get_start_method()
"""


@dataclass(frozen=True)
class Seed:
    """
    One kind: a defect whose stained line ends with `# here`, a twin that does the same and cleans up, and what holds
    in a clean process.
    """

    kind: str
    defect: str
    twin: str
    clean: str
    arguments: str = ""
    seen_by_event: bool = False
    level: str = "error"


CATALOGUE = [
    Seed(
        "environ",
        "os.environ['SHOP'] = 'open'  # here",
        "monkeypatch.setenv('SHOP', 'open')",
        "'SHOP' not in os.environ",
        "monkeypatch",
        seen_by_event=True,
    ),
    Seed(
        "putenv",
        "os.putenv('SHOP_C', 'open')  # here",
        "os.putenv('SHOP_C', 'open')\nos.unsetenv('SHOP_C')",
        "subprocess.run(['sh', '-c', 'echo $SHOP_C'], capture_output=True).stdout == b'\\n'",
        seen_by_event=True,
    ),
    Seed(
        "cwd",
        "os.chdir(tmp_path)  # here",
        "with contextlib.chdir(tmp_path):\n    pass",
        "os.getcwd() == START",
        "tmp_path",
        seen_by_event=True,
    ),
    Seed(
        "umask", "os.umask(0o027)  # here", "os.umask(os.umask(0o027))", "(os.umask(0o22), os.umask(0o22))[0] == UMASK"
    ),
    Seed(
        "timezone",
        "time.tzset() if os.environ.update(TZ='Asia/Tokyo') else time.tzset()  # here",
        "monkeypatch.setenv('TZ', 'Asia/Tokyo')\ntime.tzset()\nmonkeypatch.undo()\ntime.tzset()",
        "time.tzname == ZONE and 'TZ' not in os.environ",
        "monkeypatch",
    ),
    Seed(
        "rlimits",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (200, HARD))  # here",
        "old = resource.getrlimit(resource.RLIMIT_NOFILE)\nresource.setrlimit(resource.RLIMIT_NOFILE, (200, HARD))\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, old)",
        "resource.getrlimit(resource.RLIMIT_NOFILE) == (SOFT, HARD)",
        seen_by_event=True,
    ),
    Seed(
        "priority",
        "os.nice(1)  # here",
        "os.nice(0)",
        "os.nice(0) == NICE",
    ),
    Seed(
        "tempdir",
        "tempfile.tempdir = str(tmp_path)  # here",
        "monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))",
        "tempfile.tempdir in (None, TEMPORARY)",
        "tmp_path, monkeypatch",
    ),
    Seed(
        "sys-path",
        "sys.path.insert(0, '/no/such/place')  # here",
        "monkeypatch.syspath_prepend('/no/such/place')",
        "'/no/such/place' not in sys.path",
        "monkeypatch",
    ),
    Seed(
        "meta-path",
        "sys.meta_path.insert(0, Finder())  # here",
        "finder = Finder()\nsys.meta_path.insert(0, finder)\nsys.meta_path.remove(finder)",
        "not any(isinstance(one, Finder) for one in sys.meta_path)",
    ),
    Seed(
        "path-hooks",
        "sys.path_hooks.append(refuse)  # here",
        "sys.path_hooks.append(refuse)\nsys.path_hooks.remove(refuse)",
        "refuse not in sys.path_hooks",
    ),
    Seed(
        "sys-modules",
        "sys.modules['urllib.parse'] = types.SimpleNamespace()  # here",
        "monkeypatch.setitem(sys.modules, 'urllib.parse', types.SimpleNamespace())\nimport xml.dom.minidom",
        "sys.modules['urllib.parse'] is urllib.parse",
        "monkeypatch",
    ),
    Seed(
        "recursion-limit",
        "sys.setrecursionlimit(1500)  # here",
        "old = sys.getrecursionlimit()\nsys.setrecursionlimit(1500)\nsys.setrecursionlimit(old)",
        "sys.getrecursionlimit() != 1500",
    ),
    Seed(
        "switch-interval",
        "sys.setswitchinterval(0.5)  # here",
        "old = sys.getswitchinterval()\nsys.setswitchinterval(0.5)\nsys.setswitchinterval(old)",
        "sys.getswitchinterval() < 0.1",
    ),
    Seed(
        "int-digits",
        "sys.set_int_max_str_digits(0)  # here",
        "old = sys.get_int_max_str_digits()\nsys.set_int_max_str_digits(0)\nsys.set_int_max_str_digits(old)",
        "sys.get_int_max_str_digits() != 0",
    ),
    # Before anything calls asyncio.run, which leaves no loop current.
    Seed(
        "asyncio-loop",
        "LOOP.set_exception_handler(refuse)  # here",
        "LOOP.set_exception_handler(refuse)\nLOOP.set_exception_handler(None)",
        "LOOP.get_exception_handler() is None",
    ),
    Seed(
        "asyncio-origin-tracking",
        "sys.set_coroutine_origin_tracking_depth(3)  # here",
        "async def quiet():\n    pass\nasyncio.run(quiet(), debug=True)",
        "sys.get_coroutine_origin_tracking_depth() != 3",
    ),
    Seed("faulthandler", "faulthandler.disable()  # here", "faulthandler.is_enabled()", "faulthandler.is_enabled()"),
    Seed(
        "gc",
        "gc.disable()  # here",
        "gc.disable()\ngc.enable()",
        "gc.isenabled()",
    ),
    Seed(
        "stdio",
        "sys.stdout = io.StringIO()  # here",
        "with contextlib.redirect_stdout(sys.stderr):\n    print('x', end='')",
        "sys.stdout is STDOUT",
    ),
    Seed(
        "hooks",
        "sys.excepthook = refuse  # here",
        "monkeypatch.setattr(sys, 'excepthook', refuse)",
        "sys.excepthook is not refuse",
        "monkeypatch",
    ),
    Seed(
        "trace",
        "sys.setprofile(refuse_nothing)  # here",
        "sys.setprofile(refuse_nothing)\nsys.setprofile(None)",
        "sys.getprofile() is None",
        seen_by_event=True,
    ),
    Seed(
        "argv",
        "sys.argv = ['shop', '--open']  # here",
        "monkeypatch.setattr(sys, 'argv', ['shop', '--open'])",
        "'--open' not in sys.argv",
        "monkeypatch",
    ),
    Seed(
        "logging",
        "logging.getLogger('shop').addHandler(logging.StreamHandler())  # here",
        "caplog.set_level(5, 'shop')\nlogging.getLogger('shop').warning('caught')\nlogging.getLogger('new')",
        "not logging.getLogger('shop').handlers",
        "caplog",
    ),
    Seed(
        "warnings",
        "warnings.simplefilter('ignore', BytesWarning)  # here",
        "with warnings.catch_warnings():\n    warnings.simplefilter('ignore')",
        "not any(one[2] is BytesWarning and one[0] == 'ignore' and one[1] is None for one in warnings.filters[:1])",
    ),
    Seed(
        "signals",
        "signal.signal(signal.SIGUSR1, refuse)  # here",
        "signal.signal(signal.SIGUSR1, signal.signal(signal.SIGUSR1, refuse))",
        "signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL",
    ),
    Seed(
        "wakeup-fd",
        "signal.set_wakeup_fd(PIPE)  # here",
        "signal.set_wakeup_fd(PIPE)\nsignal.set_wakeup_fd(-1)",
        "signal.set_wakeup_fd(-1) == -1",
    ),
    Seed(
        "alarm",
        "signal.setitimer(signal.ITIMER_PROF, 3600)  # here",
        "signal.setitimer(signal.ITIMER_PROF, 3600)\nsignal.setitimer(signal.ITIMER_PROF, 0)",
        "signal.getitimer(signal.ITIMER_PROF)[0] == 0",
    ),
    Seed(
        "locale",
        "locale.setlocale(locale.LC_NUMERIC, OTHER)  # here",
        "old = locale.setlocale(locale.LC_ALL)\nlocale.setlocale(locale.LC_NUMERIC, OTHER)\n"
        "locale.setlocale(locale.LC_ALL, old)",
        "locale.setlocale(locale.LC_NUMERIC) == NUMERIC",
    ),
    Seed(
        "random",
        "random.seed(7)  # here",
        "[random.random() for _ in range(5000)]",
        "random.random() != random.Random(7).random()",
    ),
    Seed(
        "decimal",
        "decimal.getcontext().prec = 3  # here",
        "with decimal.localcontext() as context:\n    context.prec = 3\ndecimal.Decimal(1) / decimal.Decimal(3)",
        "decimal.getcontext().prec == 28",
    ),
    Seed(
        "numpy-errors",
        "numpy.seterr(divide='raise')  # here",
        "with numpy.errstate(divide='raise'):\n    pass",
        "numpy.geterr()['divide'] == 'warn'",
    ),
    Seed(
        "numpy-random",
        "numpy.random.seed(7)  # here",
        "[numpy.random.random() for _ in range(5000)]\nnumpy.random.default_rng(7).random()",
        "numpy.random.random() != numpy.random.RandomState(7).random()",
    ),
    Seed(
        "context-variable",
        "VARIABLE.set(1)  # here",
        "VARIABLE.reset(VARIABLE.set(1))",
        "VARIABLE.get() == 0",
    ),
    Seed(
        "event-loop-policy",
        "asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())  # here",
        "async def quiet():\n    pass\nasyncio.run(quiet())",
        "asyncio.get_event_loop_policy() is POLICY",
    ),
    Seed(
        "start-method",
        "multiprocessing.set_start_method('spawn', force=True)  # here",
        "multiprocessing.get_context('spawn')",
        "multiprocessing.get_start_method() == METHOD",
    ),
    Seed(
        "socket-timeout",
        "socket.setdefaulttimeout(3)  # here",
        "socket.setdefaulttimeout(3)\nsocket.setdefaulttimeout(None)",
        "socket.getdefaulttimeout() is None",
    ),
    Seed(
        "atexit",
        "atexit.register(refuse_nothing)  # here",
        "atexit.register(refuse)\natexit.unregister(refuse)",
        "True",
    ),
    Seed(
        "codecs",
        "codecs.register(refuse_nothing)  # here",
        "codecs.register(search)\ncodecs.unregister(search)",
        "True",
    ),
    Seed(
        "copyreg",
        "copyreg.pickle(shop.Client, reduce)  # here",
        "monkeypatch.setitem(copyreg.dispatch_table, shop.Client, reduce)",
        "shop.Client not in copyreg.dispatch_table",
        "monkeypatch",
    ),
    Seed(
        "abc",
        "collections.abc.Sequence.register(shop.Client)  # here",
        "class Local(collections.abc.Sized):\n    def __len__(self):\n        return 0",
        "not isinstance(shop.Client(), collections.abc.Sequence)",
    ),
    Seed(
        "builtins",
        "builtins.shout = print  # here",
        "monkeypatch.setattr(builtins, 'shout', print, raising=False)",
        "not hasattr(builtins, 'shout')",
        "monkeypatch",
    ),
    Seed(
        "mock-patch",
        "unittest.mock.patch('shop.Client.get', return_value=2).start()  # here",
        "with unittest.mock.patch('shop.Client.get', return_value=2):\n    assert shop.Client().get() == 2",
        "shop.Client().get() == 1",
    ),
    Seed(
        "attribute",
        "shop.RATE = 2  # here",
        "monkeypatch.setattr(shop, 'RATE', 2)",
        "shop.RATE == 1",
        "monkeypatch",
    ),
    Seed(
        "attribute:class",
        "shop.Client.get = refuse_nothing  # here",
        "monkeypatch.setattr(shop.Client, 'get', refuse_nothing)",
        "shop.Client().get() == 1",
        "monkeypatch",
    ),
    Seed(
        "attribute:library",
        "time.monotonic = refuse_nothing  # here",
        "monkeypatch.setattr(time, 'monotonic', refuse_nothing)",
        "time.monotonic is not refuse_nothing",
        "monkeypatch",
    ),
    Seed(
        "module-state",
        "shop.client()  # here",
        "shop.Client()",
        "shop._client is None",
        level="warn",
    ),
    Seed(
        "module-content",
        "shop.PRICES['milk'] = 2  # here",
        "monkeypatch.setitem(shop.PRICES, 'milk', 2)",
        "shop.PRICES == {'tea': 3}",
        "monkeypatch",
        level="warn",
    ),
    Seed(
        "module-content:class",
        "shop.Client.seen.add('tea')  # here",
        "shop.Client.seen | {'tea'}",
        "shop.Client.seen == set()",
        level="warn",
    ),
]

PREAMBLE = """
START = os.getcwd()
UMASK = os.umask(0o22); os.umask(UMASK)
ZONE = time.tzname
SOFT, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
NICE = os.nice(0)
TEMPORARY = tempfile.gettempdir()
STDOUT = sys.stdout
METHOD = multiprocessing.get_start_method()
NUMERIC = locale.setlocale(locale.LC_NUMERIC)
OTHER = "C.UTF-8" if NUMERIC == "C" else "C"
POLICY = asyncio.get_event_loop_policy()
PIPE = os.open(os.devnull, os.O_WRONLY | os.O_NONBLOCK)
LOOP = asyncio.new_event_loop()


class Finder:
    def find_spec(self, *_):
        return None


def refuse(*_):
    raise ImportError


def refuse_nothing(*_):
    return None


def search(name):
    return None


def reduce(client):
    return shop.Client, ()


@pytest.fixture(scope="module", autouse=True)
def loop():
    asyncio.set_event_loop(LOOP)
    yield
    asyncio.set_event_loop(None)
    LOOP.close()
    os.close(PIPE)
"""

CONFTEST = """
import json, os

def pytest_runtest_logreport(report):
    with open(os.environ["CATALOGUE_RECORD"], "a") as file:
        line = {"test": report.nodeid.rpartition("::")[2], "when": report.when, "outcome": report.outcome,
                "text": str(report.longrepr or ""), "findings": getattr(report, "hermetic_findings", [])}
        file.write(json.dumps(line, default=str) + "\\n")
"""


def name_of(seed):
    return seed.kind.replace("-", "_").replace(":", "_")


def source(seed):
    name, arguments = name_of(seed), seed.arguments
    return (
        f"def test_{name}_defect({arguments}):\n{textwrap.indent(seed.defect, '    ')}\n\n"
        f"def test_{name}_after():\n    assert {seed.clean}\n\n"
        f"def test_{name}_twin({arguments}):\n{textwrap.indent(seed.twin, '    ')}\n\n"
    )


def run(path, *words, files):
    """
    Run pytest with Hermetic alone over a project of these files. Returns the lines of its record, and the output.
    """
    for name, text in files.items():
        (path / name).write_text(text)
    record_file = path / "record.jsonl"
    without = [word for name in ("randomly", "cacheprovider", "xdist") for word in ("-p", f"no:{name}")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *without, f"--basetemp={path / 'tmp'}", *words],
        cwd=path,
        env={**os.environ, "CATALOGUE_RECORD": str(record_file), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    lines = [json.loads(line) for line in record_file.read_text().splitlines()] if record_file.exists() else []
    return lines, done.stdout + done.stderr


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    path = tmp_path_factory.mktemp("catalogue")
    test = IMPORTS + PREAMBLE + "\n".join(source(seed) for seed in CATALOGUE)
    lines, output = run(
        path, "-s", "-p", "no:warnings", files={"shop.py": SHOP, "test_shop.py": test, "conftest.py": CONFTEST}
    )
    assert lines, output
    return lines, test.splitlines(), output


def reports(outcome, test):
    return [line for line in outcome[0] if line["test"] == test]


def findings(outcome, test):
    return [finding for line in reports(outcome, test) for finding in line["findings"]]


@pytest.mark.parametrize("seed", CATALOGUE, ids=lambda seed: seed.kind)
class TestEveryKind:
    def test_the_defect_is_reported_once_at_its_line_and_wiped(self, outcome, seed):
        """
        One finding of the right kind for the right test, whose line is the stained one, and whose state was put back.
        """
        found = findings(outcome, f"test_{name_of(seed)}_defect")
        kind = f"stain.{seed.kind.partition(':')[0]}"

        assert [one["kind"] for one in found if one["kind"] != "stain.environ" or kind == "stain.environ"] == [kind], (
            outcome[2]
        )
        finding = next(one for one in found if one["kind"] == kind)
        assert finding["level"] == seed.level
        assert finding["owner"]["name"].endswith(f"::test_{name_of(seed)}_defect")
        assert outcome[1][finding["site"]["frames"][0]["line"] - 1].endswith("# here")
        assert any("nothing saw it" in one for one in finding["evidence"]) != seed.seen_by_event
        if seed.kind != "priority" or os.geteuid() == 0:
            assert finding["mended"] == "put back"

    def test_the_test_after_the_defect_starts_clean(self, outcome, seed):
        """
        A test that looks at the state right after the defect finds it as it was, and is itself without findings.
        """
        if seed.kind == "priority" and os.geteuid() != 0:
            pytest.skip("only root can lower a nice value")
        after = f"test_{name_of(seed)}_after"

        assert {line["outcome"] for line in reports(outcome, after)} == {"passed"}, outcome[2]
        assert findings(outcome, after) == []

    def test_the_clean_twin_is_silent(self, outcome, seed):
        """
        The same, done and undone, is no stain.
        """
        twin = f"test_{name_of(seed)}_twin"

        assert {line["outcome"] for line in reports(outcome, twin)} == {"passed"}, outcome[2]
        assert findings(outcome, twin) == []


DOCUMENT = Path(__file__).parents[5] / "docs" / "reference" / "stains.md"
HEADER = """# Every kind of process state

Each kind below is part of a run in which one test makes the defect, the next one looks whether it starts clean, and a third
does the same and cleans up. This table is written from that run: all {count} defects were reported once, for the right test,
at the right line, and put back; no clean twin was accused. Where an event of the interpreter tells the line, it is known;
elsewhere it is the first line in the owner's code that can do this, and the report says so. A kind after a colon is a second
case of the same kind.

| kind | a defect | what the report calls it | line | fails the test |
|---|---|---|---|---|
"""


def row(outcome, seed):
    found = [one for one in findings(outcome, f"test_{name_of(seed)}_defect") if seed.kind.startswith(one["kind"][6:])]
    defect = seed.defect.removesuffix("  # here").replace("|", "\\|")
    line = "known" if seed.seen_by_event else "found by reading"
    fails = "yes" if found[0]["level"] == "error" else "warns"
    return f"| `stain.{seed.kind}` | `{defect}` | {found[0]['title']} | {line} | {fails} |\n"


def test_the_table_in_the_documentation_is_what_the_run_showed(outcome):
    """
    The reference names every kind, as the run reported it. HERMETIC_WRITE_DOCS=1 in the environment writes it anew.
    """
    rows = sorted(row(outcome, seed) for seed in CATALOGUE)
    text = HEADER.format(count=len(CATALOGUE)) + "".join(rows)
    if os.environ.get("HERMETIC_WRITE_DOCS"):
        DOCUMENT.write_text(text)

    assert DOCUMENT.read_text() == text
