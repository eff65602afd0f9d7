"""
What the guide to diagnosing prints is what happens. With UPDATE_DOCS in the environment the page is rewritten from the run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hermetic import assert_with_context

GUIDE = Path(__file__).parents[4] / "docs" / "how-to" / "diagnose-a-failure.md"


def printed(name, text):
    """
    Whether the block behind the mark of this name is `text`; it becomes so where the page is to be rewritten.
    """
    page = GUIDE.read_text()
    head, mark, rest = page.partition(f"<!-- the guide's {name} -->\n")
    block, end, tail = rest.partition("<!-- end -->")
    if os.environ.get("UPDATE_DOCS"):
        block = f"```text\n{text.rstrip()}\n```\n"
        GUIDE.write_text(head + mark + block + end + tail)
    return block == f"```text\n{text.rstrip()}\n```\n"


def test_the_guides_tests_say_at_their_end_what_the_page_shows(suite):
    """
    Three causes, each with evidence and a remedy.
    """
    code = re.search(r"<!-- the guide's tests -->\n```[^\n]*\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert code is not None
    suite.write("test_prices.py", code[1])
    suite.write("shop.py", "class Client:\n    def fetch_price(self):\n        return 3\n")
    run = suite.run("-p", "no:randomly", plugins=("asyncio",), env={"PYTHONPATH": str(suite.directory)})
    said = re.search(r"^=+ Hermetic =+\n(.*?)^=+ short test", run.text, re.DOTALL | re.MULTILINE)

    assert run.status == 1
    assert said is not None
    assert printed("summary", said[1].replace(f"{suite.directory}/", ""))


def test_a_comparison_that_fails_says_where_two_values_part():
    """
    By key what differs, what is missing and what is too much, and then whatever else was given.
    """
    expected, actual = {"tea": 3, "milk": 2, "sugar": 1}, {"tea": 3, "milk": 4, "bread": 1}
    with pytest.raises(AssertionError) as caught:
        assert_with_context(expected == actual, "the shelf", expected=expected, actual=actual, shop="corner")

    assert printed("comparison", f"AssertionError: {caught.value}")
