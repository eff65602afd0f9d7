"""
What earlier runs say of the tests, once for a whole run: the controller of xdist asks the history and hands the answer to its
workers, which must all collect alike, also when another run joins the history meanwhile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hermetic._pytest.histories import place_of
from hermetic._pytest.hooks import Hooks
from hermetic.errors import HermeticError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermetic.record.history.store import HistoryStore


def ask(config: pytest.Config, key: str, question: Callable[[HistoryStore], str], *, nothing: str) -> str:
    """
    The answer of the history to a question, as a text; `nothing` where there is no history, or it cannot be asked.

    Args:
        config: pytest's.
        key: under which the workers find it.
        question: asked in the process that has the history, with all runs taken in.
        nothing: the answer without a history.
    """
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is not None:
        return str(given.get(key, nothing))
    answer = _ask(config, question, nothing=nothing)
    config.pluginmanager.register(Sharing(key, answer), f"hermetic-earlier-{key}")
    return answer


def _ask(config: pytest.Config, question: Callable[[HistoryStore], str], *, nothing: str) -> str:
    directory = place_of(config)
    if directory is None or not directory.is_dir():
        return nothing
    import sqlite3  # noqa: PLC0415 - only for runs that ask

    from hermetic.record.history.store import HistoryStore  # noqa: PLC0415 - as above

    try:
        with HistoryStore(directory) as store:
            store.take_in()
            return question(store)
    except (HermeticError, OSError, sqlite3.Error) as error:
        # Which order and how many workers decides nothing about the tests.
        config.issue_config_time_warning(
            EarlierWarning(f"the history in {directory} was not asked: {error}"), stacklevel=2
        )
        return nothing


class EarlierWarning(pytest.PytestWarning):
    """
    The history could not be asked, and why.
    """


class Sharing(Hooks):
    """
    Hands an answer to the workers.
    """

    def __init__(self, key: str, answer: str) -> None:
        self._key = key
        self._answer = answer

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[self._key] = self._answer
