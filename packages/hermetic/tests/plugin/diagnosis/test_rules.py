"""
The rules of diagnosis: each speaks where it must, none where it must not, and none reads the words of a message.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hermetic.record import read
from hermetic.record.diagnosis import RULES, diagnose
from hermetic.record.run import build

from packages.hermetic.tests.plugin.diagnosis.test_near_misses import number_of

HERE = Path(__file__).parent
TABLE = Path(__file__).parents[5] / "docs" / "reference" / "diagnoses.md"
CONFTEST = """
import os
import pytest

def reworded(error, seen):
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    if isinstance(error, OSError) and error.args:
        error.args = (error.args[0] if isinstance(error.args[0], int) else "quite other words", "quite other words")
    elif isinstance(error, Exception):
        error.args = ("quite other words",)
    reworded(error.__cause__, seen)
    reworded(error.__context__, seen)

@pytest.hookimpl(tryfirst=True)
def pytest_exception_interact(call): ...

class Reworder:
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, call):
        if os.environ.get("REWORD") and call.excinfo is not None:
            reworded(call.excinfo.value, set())
        return (yield)

def pytest_collection_finish(session):
    session.config.pluginmanager.register(Reworder())
"""


def rule_of(nodeid):
    name = nodeid.partition("::")[2].removeprefix("test_").removeprefix("near__")
    return name.partition("__")[0].replace("_dot_", ".").replace("_dash_", "-")


def diagnosed(suite, **env):
    shutil.copy(HERE / "seeded.py", suite.directory / "test_seeded.py")
    shutil.copy(HERE / "shop.py", suite.directory / "shop.py")
    suite.write("conftest.py", CONFTEST)
    ran = suite.run(
        "-p", "no:randomly", plugins=("asyncio",), env={"PYTHONPATH": str(suite.directory), **env}, timeout=120
    )
    run = build(read(suite.directory / "journal.jsonl"))
    found = {test.nodeid.partition("::")[2]: [one.rule for one in diagnose(run, test)] for test in run.tests}
    return ran, run, found


@pytest.fixture(scope="module")
def seeded(module_suite):
    return diagnosed(module_suite)


def test_every_rule_speaks_on_its_seeded_cases(seeded):
    """
    Recall is complete, each rule has a case, and every case fails by itself.
    """
    _, _, found = seeded
    silent = {
        name: rules
        for name, rules in found.items()
        if not name.startswith(("test_near__", "test_aaa")) and rule_of(f"::{name}") not in rules
    }

    assert silent == {}
    # Those that are judged by what took time have their cases in the unit tests, as events.
    assert {rule.name for rule in RULES} - {rule_of(f"::{name}") for name in found} == {
        *("loop.custom-fixture", "retry.hides-failure", "test.hung", "cancellation.swallowed", "fixture.slow"),
        "order.decides",
    }


def test_no_rule_speaks_where_it_must_not(seeded):
    """
    Near misses of its own in a real run, and the seeded cases and near misses of all other rules.
    """
    _, _, found = seeded
    for rule in RULES:
        others = {name: rules for name, rules in found.items() if rule_of(f"::{name}") != rule.name or "near__" in name}
        spoke = [name for name, rules in others.items() if rule.name in rules]
        assert (rule.name, spoke) == (rule.name, [])


def test_rewording_every_message_changes_nothing(seeded, tmp_path):
    """
    Rules look at structure: with all messages replaced, each test has the same diagnoses.
    """
    from packages.hermetic.tests.plugin.conftest import Suite

    _, _, before = seeded
    (tmp_path / "again").mkdir()
    _, run, after = diagnosed(Suite(tmp_path / "again"), REWORD="1")

    assert before == after
    reworded = run.test("test_seeded.py::test_unknown__error")
    assert reworded is not None
    assert reworded.last.failure.message == "quite other words"


def test_the_table_in_the_documentation_is_of_this_run(seeded):
    """
    Each rule with what it looks for, its cases in this suite, and its near misses: those that name it, and all others'.
    """
    _, _, found = seeded
    rows = ["| rule | speaks on | seeded cases | near misses of its own | of other rules |", "|---|---|---|---|---|"]
    for rule in RULES:
        mine = [name for name in found if rule_of(f"::{name}") == rule.name]
        near = [name for name in mine if "near__" in name]
        cases = len(mine) - len(near) or "as events"
        own = len(near) + number_of(rule.name)
        rows.append(f"| `{rule.name}` | {rule.looks_for} | {cases} | {own} | {len(found) - len(mine)} |")
    table = "\n".join(rows)
    text = TABLE.read_text()
    if os.environ.get("HERMETIC_WRITE_TABLES"):
        head, _, rest = text.partition("<!-- from the rules' run -->\n")
        text = head + "<!-- from the rules' run -->\n" + table + "\n<!-- end -->" + rest.partition("<!-- end -->")[2]
        TABLE.write_text(text)

    assert f"<!-- from the rules' run -->\n{table}\n<!-- end -->" in text
