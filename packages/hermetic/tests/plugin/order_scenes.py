"""
A suite of 400 tests of which thirteen depend on others: each on another kind of state, one of them on two at once.
"""

from __future__ import annotations

PLAIN = "def test_plain_{n}():\n    assert {n} + 1 > {n}\n\n"
APP = """
limits = {"most": 3}
class Settings:
    level = "low"
    def __init__(self): self.mode = "plain"
settings = Settings()
def greet(): return "hello"
count = 0
"""
HEAD = "import asyncio, json, logging, os, pathlib, random, sqlite3, sys, unittest\nimport app\n\n"
# For each victim its polluters, the line that changes the state (marked HERE), and the victim's own code.
SCENES = {
    "environment": (["    os.environ['MODE'] = 'odd'  # HERE"], "    assert os.environ.get('MODE') is None"),
    "module_global": (["    app.count = 7  # HERE"], "    assert app.count == 0"),
    "container": (["    app.limits['most'] = 9  # HERE"], "    assert app.limits['most'] == 3"),
    "singleton": (["    app.settings.mode = 'odd'  # HERE"], "    assert app.settings.mode == 'plain'"),
    "log_level": (["    logging.getLogger().setLevel(1)  # HERE"], "    assert logging.getLogger().level > 1"),
    "file": (
        ["    pathlib.Path('state.json').write_text('[1]')  # HERE"],
        "    found = pathlib.Path('state.json')\n    assert not (found.exists() and json.loads(found.read_text()))",
    ),
    "row": (
        [
            "    db = sqlite3.connect('state.sqlite3')  # HERE\n    db.execute('CREATE TABLE IF NOT EXISTS t (x)')\n"
            "    db.execute('INSERT INTO t VALUES (1)')\n    db.commit()\n    db.close()"
        ],
        "    db = sqlite3.connect('state.sqlite3')\n    db.execute('CREATE TABLE IF NOT EXISTS t (x)')\n"
        "    found = db.execute('SELECT count(*) FROM t').fetchone()[0]\n    db.close()\n    assert found == 0",
    ),
    "patched": (["    app.greet = lambda: 'gone'  # HERE"], "    assert app.greet() == 'hello'"),
    "imported": (
        ["    sys.modules['colorsys'] = app  # HERE"],
        "    import colorsys\n    assert hasattr(colorsys, 'rgb_to_hsv')",
    ),
    "event_loop": (
        [
            "    loop = asyncio.new_event_loop()\n    asyncio.set_event_loop(loop)  # HERE\n"
            "    loop.run_until_complete(asyncio.sleep(0))\n    loop.close()"
        ],
        "    try:\n        loop = asyncio.get_event_loop()\n    except RuntimeError:\n        loop = asyncio.new_event_loop()\n"
        "    loop.run_until_complete(asyncio.sleep(0))\n    loop.close()\n    asyncio.set_event_loop(None)",
    ),
    "random_seed": (["    random.seed(1)  # HERE"], "    assert random.random() != 0.13436424411240122"),
    "class_attribute": (["    app.Settings.level = 'high'  # HERE"], "    assert app.Settings().level == 'low'"),
    "two_needed": (
        ["    os.environ['FIRST'] = '1'  # HERE", "    os.environ['SECOND'] = '1'"],
        "    assert not ('FIRST' in os.environ and 'SECOND' in os.environ)",
    ),
}
SIZE = 400


def write(directory, *, size=SIZE):
    """
    The suite in `directory`: ten files, victims late, polluters early and far apart.
    """
    (directory / "app.py").write_text(APP)
    (directory / "conftest.py").write_text(
        "import pathlib, pytest\n@pytest.fixture(autouse=True, scope='session')\ndef clean():\n"
        "    for name in ('state.json', 'state.sqlite3'): pathlib.Path(name).unlink(missing_ok=True)\n"
    )
    bodies = []
    for name, (polluters, _) in SCENES.items():
        bodies += [f"def test_pollutes_{name}_{n}():\n{code}\n\n" for n, code in enumerate(polluters)]
    victims = [victim(name, code) for name, (_, code) in SCENES.items()]
    plain = [PLAIN.format(n=n) for n in range(size - len(bodies) - len(victims))]
    # Polluters stand apart, in the first two thirds.
    step = size * 2 // 3 // len(bodies)
    tests = []
    for n, body in enumerate(plain):
        if n % step == 1 and bodies:
            tests.append(bodies.pop(0))
        tests.append(body)
    tests += victims
    for part in range(10):
        size = len(tests) // 10 + 1
        (directory / f"test_{part}.py").write_text(HEAD + "".join(tests[part * size : (part + 1) * size]))


def victim(name, code):
    if name == "log_level":
        return f"class TestOld(unittest.TestCase):\n    def test_victim_{name}(self):\n    {code}\n\n"
    if name == "module_global":
        return f"def test_victim_{name}(subtests):\n    with subtests.test('inner'):\n    {code}\n\n"
    return f"def test_victim_{name}():\n{code}\n\n"
