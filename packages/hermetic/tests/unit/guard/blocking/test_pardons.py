"""
Which lines may hold the loop.
"""

from __future__ import annotations

import pytest
from hermetic.guard.blocking.pardons import BUILT_IN, PardonError, find, parse_pardon


def test_a_pardon_is_a_function_and_a_reason():
    """
    Both are kept, since the reason is what a reader needs.
    """
    pardon = parse_pardon(" shop.*.load : read once: at the start ", source="pytest.ini")

    assert (pardon.function, pardon.reason) == ("shop.*.load", "read once: at the start")
    assert pardon.covers(["json.loads", "shop.prices.load"], innermost="")
    assert not pardon.covers(["shop.prices.reload"], innermost="")


@pytest.mark.parametrize(
    "text, problem",
    [
        ("shop.load", "it gives no reason"),
        ("shop.load:", "it gives no reason"),
        (": because", "'' is not the name of a function"),
        ("shop.load(): because", "'shop.load()' is not the name of a function"),
    ],
)
def test_a_pardon_without_function_or_reason_is_refused(text, problem):
    """
    The error says what, where from, and what to write.
    """
    with pytest.raises(PardonError) as caught:
        parse_pardon(text, source="hermetic_blocking_allow in pytest.ini")

    assert str(caught.value).startswith(
        f"{text!r} from hermetic_blocking_allow in pytest.ini: {problem}. Write FUNCTION"
    )


@pytest.mark.parametrize(
    "names, innermost",
    [
        (["shop.module", "importlib._bootstrap._call_with_frames_removed", "shop.main"], "shop.module"),
        (["_pytest.assertion.util._compare_eq_iterable", "shop.main"], "_pytest.assertion.util._compare_eq_iterable"),
        (["ssl.create_default_context", "httpx._config.create_ssl_context"], "httpx._config.create_ssl_context"),
    ],
)
def test_imports_pytests_own_work_and_certificates_are_pardoned(names, innermost):
    """
    None of these is the project's line, and each pardon says why.
    """
    pardon = find(BUILT_IN, names, innermost=innermost)

    assert pardon is not None
    assert pardon.reason


def test_pytest_around_the_project_pardons_nothing():
    """
    A plugin's coroutine that awaits the test is on every stack.
    """
    names = ["time.sleep", "shop.main", "pytest_asyncio.plugin.run"]

    assert find(BUILT_IN, names, innermost="shop.main") is None
