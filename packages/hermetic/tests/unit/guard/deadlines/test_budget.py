"""
Budgets: what is a deadline and what is refused.
"""

import pickle

import pytest
from hermetic.guard.deadlines.budget import BudgetError, parse_seconds, seconds, seconds_or_off


@pytest.mark.parametrize("value", [1, 0.001, 2.5, 10**6])
def test_positive_numbers_are_budgets(value):
    """
    Whole and fractional seconds are taken as they are.
    """
    assert seconds(value, source="a test") == value


@pytest.mark.parametrize(
    "value, reason",
    [
        (-1, "passed before it begins"),
        (0, "passed before it begins"),
        (float("nan"), "NaN"),
        (float("inf"), "endless"),
        ("5", "a str is no number"),
        (True, "truth value"),
        (None, "a NoneType is no number"),
        ([5], "a list is no number"),
    ],
)
def test_anything_else_is_refused_with_its_source(value, reason):
    """
    The error names the value, where it came from, why it is refused and what to write.
    """
    with pytest.raises(BudgetError) as caught:
        seconds(value, source="the marker in test_a.py:12")

    assert caught.value.source == "the marker in test_a.py:12"
    assert f"invalid deadline {value!r} from the marker in test_a.py:12" in str(caught.value)
    assert reason in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_text_is_a_number_or_off():
    """
    What is written in a file or on a command line.
    """
    assert parse_seconds(" 2.5 ", source="ini") == 2.5
    assert parse_seconds("none", source="ini") is None
    assert parse_seconds("OFF", source="ini") is None
    assert seconds_or_off(None, source="code") is None


@pytest.mark.parametrize("text", ["", "5s", "nan", "-3", "inf", "1,5"])
def test_other_text_is_refused(text):
    """
    A unit, a comma or a special number is not guessed at.
    """
    with pytest.raises(BudgetError, match="from ini"):
        parse_seconds(text, source="ini")


def test_the_error_survives_pickling():
    """
    Xdist sends errors from one process to another.
    """
    error = BudgetError("x", source="s", reason="r")

    assert str(pickle.loads(pickle.dumps(error))) == str(error)
