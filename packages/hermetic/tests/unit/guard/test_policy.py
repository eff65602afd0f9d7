"""
Policy rules: one grammar, the last match wins, errors name their source.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hermetic.foundation import Finding, Frame, Owner
from hermetic.guard.kinds import KINDS
from hermetic.guard.policy import Policy, PolicyError, Rule, parse

FINDING = Finding(
    category="leak",
    kind="sqlite3.connection",
    title="SQLite connection left open",
    subject="/tmp/a.db",
    owner=Owner(
        kind="test",
        name="tests/old/test_a.py::test",
        defined=Frame(file="/p/tests/old/test_a.py", line=3, function="test"),
    ),
)


@pytest.mark.parametrize(
    "text, rule",
    [
        ("warn", Rule("warn")),
        (" leak = off ", Rule("off", "leak")),
        ("sqlite3.* @ tests/old/* = warn", Rule("warn", "sqlite3.*", "tests/old/*")),
    ],
)
def test_rules_are_read_in_all_their_forms(text, rule):
    """
    Level alone, kind, and kind with path, with any spaces.
    """
    assert rule == parse(text, source="here")


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", "'' is not a level"),
        ("sqlite3 = loud", "'loud' is not a level"),
        ("= warn", "there is no kind before the '='"),
        ("file @ = warn", "there is no path after the '@'"),
        ("sqlite.connection = off", "no finding is called 'sqlite.connection'; the nearest is sqlite3.connection"),
        ("leaks = warn", "no finding is called 'leaks'; the nearest is leak"),
        ("xyz.* @ tests/* = warn", "no finding is called 'xyz.*'"),
    ],
)
def test_a_rule_that_cannot_be_read_says_where_it_stands_and_what_to_write(text, problem):
    """
    The error names the rule, its source, what is wrong, and an example.
    """
    with pytest.raises(PolicyError) as caught:
        parse(text, source="pytest.ini")

    assert (
        f"policy rule {text!r} from pytest.ini: {problem}. Write LEVEL or KIND = LEVEL or KIND @ PATH = LEVEL "
        'with a level of error, warn, off, for example "sqlite3.* = warn".'
    ) == str(caught.value)


def test_the_last_rule_that_matches_decides():
    """
    Later rules win over earlier ones, and those given for the moment over all.
    """
    policy = Policy([Rule("off"), Rule("warn", "sqlite3.*")], root="/p")

    assert policy.level(FINDING) == "warn"
    assert policy.level(FINDING, also=[Rule("error", "leak")]) == "error"


def test_without_rules_a_finding_is_an_error():
    """
    Nobody has to switch Hermetic on.
    """
    assert Policy().level(FINDING) == "error"


@pytest.mark.parametrize("pattern, level", [("tests/old/*", "warn"), ("tests/new/*", "error")])
def test_a_path_limits_a_rule_to_owners_defined_below_it(pattern, level):
    """
    Paths are relative to the project's root.
    """
    assert Policy([Rule("warn", path=pattern)], root="/p").level(FINDING) == level


def test_every_kind_that_the_reference_lists_is_known_and_no_other():
    """
    Its tables are generated from what the guard finds, so a rule for each of them can be written.
    """
    reference = Path(__file__).parents[5] / "docs" / "reference"
    tables = "".join((reference / f"{name}.md").read_text("utf-8") for name in ("leaks", "stains"))
    listed = {name.partition(":")[0] for name in re.findall(r"^\| `([^`]+)`", tables, re.MULTILINE)}

    assert {
        "loop.blocked",
        "resource.dropped",
        "stain.fault",
        "stain.fixture-value",
        "stain.singleton",
    } == KINDS - listed
    assert listed <= KINDS
