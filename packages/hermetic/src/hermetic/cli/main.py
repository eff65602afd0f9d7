"""
Where the `hermetic` command begins.

What people ask most often, while they wait, is the history. Such a question is answered without the library for command lines,
whose import takes longer than the answer; everything with an option goes through it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS: Final = frozenset({"export", "forget", "merge", "rename", "suite", "test"})
"""
What after `hermetic history` is no name of a test.
"""


def main() -> None:
    words = sys.argv[1:]
    if not _is_question(words):
        from hermetic.cli.commands import group  # noqa: PLC0415 - see above

        group()
        return
    sys.exit(_answer(words[1:]))


def _is_question(words: Sequence[str]) -> bool:
    # `hermetic history` or `hermetic history NAME`
    if words[:1] != ["history"] or len(words) > 2:
        return False
    return len(words) == 1 or not (words[1] in WORDS or not words[1] or words[1].startswith("-"))


def _answer(words: Sequence[str]) -> int:
    from hermetic.cli import asking  # noqa: PLC0415 - other commands do not need it
    from hermetic.errors import HermeticError  # noqa: PLC0415 - as above

    try:
        text = asking.one_test(words[0], tell=_tell) if words else asking.suite(tell=_tell)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except HermeticError as error:
        _tell(f"Error: {error}")
        return 1
    except BrokenPipeError:
        # Whoever read has gone; Python would complain once more when it closes its output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        _tell("\nAborted!")
        return 1
    return 0


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
