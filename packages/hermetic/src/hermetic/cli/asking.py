"""
Questions to the history of a directory, with the texts that answer them.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hermetic.errors import HermeticError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from hermetic.record.history.store import HistoryStore

DIRECTORY: Final = Path(".hermetic")
"""
Where the history is unless something else is said.
"""
_LISTED: Final = 20


class NoAnswerError(HermeticError, LookupError):
    """
    A question that this history cannot answer, with what to do.
    """


def suite(directory: Path = DIRECTORY, *, tell: Callable[[str], None], as_json: bool = False) -> str:
    """
    What there is to say of the whole suite. `tell` is told about files that were put aside.

    Raises:
        HermeticError: there is no history, or it cannot be used.
    """
    from hermetic.record.history.shown import suite_json, suite_text  # noqa: PLC0415 - other commands do not need it

    with opened(directory, tell=tell) as store:
        return suite_json(store) if as_json else suite_text(store)


def one_test(test: str, *, tell: Callable[[str], None], directory: Path = DIRECTORY, as_json: bool = False) -> str:
    """
    What is known of the one test whose name is this or has this in it.

    Raises:
        HermeticError: there is no history, it cannot be used, or it knows none or several such tests.
    """
    import time  # noqa: PLC0415 - other commands do not need it

    from hermetic.record.history.shown import test_json, test_text  # noqa: PLC0415 - as above

    with opened(directory, tell=tell) as store:
        found = store.names(test)
        names = [test] if test in found else found
        if not names:
            raise NoAnswerError(f"the history in {directory} knows no test whose name contains {test!r}")
        if len(names) > 1:
            listed = "\n  ".join(names[:_LISTED])
            more = f"\n  … and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
            raise NoAnswerError(f"{len(names)} tests have {test!r} in their names; which?\n  {listed}{more}")
        shown = test_json if as_json else test_text
        return shown(names[0], store, now=time.time())


@contextlib.contextmanager
def opened(directory: Path, *, tell: Callable[[str], None]) -> Generator[HistoryStore]:
    """
    The history in this directory, with the runs that lie beside it taken in.

    Raises:
        HermeticError: there is none, or it cannot be used.
    """
    import sqlite3  # noqa: PLC0415 - other commands do not need it

    from hermetic.record.history.rows import is_damage  # noqa: PLC0415 - as above
    from hermetic.record.history.store import HistoryStore  # noqa: PLC0415 - as above

    if not directory.is_dir():
        raise NoAnswerError(f"there is no history in {directory}; it begins with the next run of pytest")
    with HistoryStore(directory, tell=tell) as store:
        try:
            store.take_in()
            yield store
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise NoAnswerError(f"the history in {directory} cannot be used: {error}") from error
            store.begin_anew(error)
            raise NoAnswerError("that question cannot be answered any more; ask again") from error
