"""
The rules of diagnosis: each speaks where it must, none where it must not, and none reads the words of a message.
"""

from __future__ import annotations

import os
import re
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
    def pytest_runtest_makereport(self, item, call):
        if item.path.name == "test_reworded.py" and call.excinfo is not None:
            reworded(call.excinfo.value, set())
        return (yield)

def pytest_collection_finish(session):
    session.config.pluginmanager.register(Reworder())
"""


def rule_of(nodeid):
    name = nodeid.partition("::")[2].removeprefix("test_").removeprefix("near__")
    return name.partition("__")[0].replace("_dot_", ".").replace("_dash_", "-")


@pytest.fixture(scope="module")
def diagnosed(module_suite):
    """
    The run, and the rules that spoke by test: of the cases as they stand, and of the same with every message replaced.

    Both lie in one run, each with a shop of its own, since one case is about what another test changed in it.
    """
    for name, shop in (("seeded", "shop"), ("reworded", "other_shop")):
        cases = re.sub(r"\bshop\b", shop, (HERE / "seeded.py").read_text(encoding="utf-8"))
        (module_suite.directory / f"test_{name}.py").write_text(cases, encoding="utf-8")
        shutil.copy(HERE / "shop.py", module_suite.directory / f"{shop}.py")
    module_suite.write("conftest.py", CONFTEST)
    # Nobody reads what pytest prints of more than a hundred failures, which is half of the run's time.
    module_suite.run(
        *("-p", "no:randomly", "--tb=no"),
        plugins=("asyncio",),
        env={"PYTHONPATH": str(module_suite.directory)},
        timeout=120,
    )
    run = build(read(module_suite.directory / "journal.jsonl"))
    found: dict[str, dict[str, list[str]]] = {"test_seeded.py": {}, "test_reworded.py": {}}
    for test in run.tests:
        found[test.file][test.nodeid.partition("::")[2]] = [one.rule for one in diagnose(run, test)]
    return run, found["test_seeded.py"], found["test_reworded.py"]


@pytest.fixture
def seeded(diagnosed):
    """
    The rules that spoke by test.
    """
    return diagnosed[1]


def test_every_rule_speaks_on_its_seeded_cases(seeded):
    """
    Recall is complete, each rule has a case, and every case fails by itself.
    """
    silent = {
        name: rules
        for name, rules in seeded.items()
        if not name.startswith(("test_near__", "test_aaa")) and rule_of(f"::{name}") not in rules
    }

    assert silent == {}
    # Those that are judged by what took time have their cases in the unit tests, as events.
    assert {rule.name for rule in RULES} - {rule_of(f"::{name}") for name in seeded} == {
        *("loop.custom-fixture", "retry.hides-failure", "test.hung", "cancellation.swallowed", "fixture.slow"),
        "order.decides",
    }


def test_no_rule_speaks_where_it_must_not(seeded):
    """
    Near misses of its own in a real run, and the seeded cases and near misses of all other rules.
    """
    for rule in RULES:
        others = {
            name: rules for name, rules in seeded.items() if rule_of(f"::{name}") != rule.name or "near__" in name
        }
        spoke = [name for name, rules in others.items() if rule.name in rules]
        assert (rule.name, spoke) == (rule.name, [])


def test_rewording_every_message_changes_nothing(diagnosed):
    """
    Rules look at structure: with all messages replaced, each test has the same diagnoses.
    """
    run, before, after = diagnosed

    assert before == after
    reworded = run.test("test_reworded.py::test_unknown__error")
    assert reworded is not None
    assert reworded.last.failure.message == "quite other words"


def test_the_table_in_the_documentation_is_of_this_run(seeded):
    """
    Each rule with what it looks for, its cases in this suite, and its near misses: those that name it, and all others'.
    """
    rows = ["| rule | speaks on | seeded cases | near misses of its own | of other rules |", "|---|---|---|---|---|"]
    for rule in RULES:
        mine = [name for name in seeded if rule_of(f"::{name}") == rule.name]
        near = [name for name in mine if "near__" in name]
        cases = len(mine) - len(near) or "as events"
        own = len(near) + number_of(rule.name)
        rows.append(f"| `{rule.name}` | {rule.looks_for} | {cases} | {own} | {len(seeded) - len(mine)} |")
    table = "\n".join(rows)
    text = TABLE.read_text()
    if os.environ.get("HERMETIC_WRITE_TABLES"):
        head, _, rest = text.partition("<!-- from the rules' run -->\n")
        text = head + "<!-- from the rules' run -->\n" + table + "\n<!-- end -->" + rest.partition("<!-- end -->")[2]
        TABLE.write_text(text)

    assert f"<!-- from the rules' run -->\n{table}\n<!-- end -->" in text
