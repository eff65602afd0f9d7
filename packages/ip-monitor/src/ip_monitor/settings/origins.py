"""
Where a setting's value came from. Earlier in `Rank` gives way to later.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Rank(IntEnum):
    """
    The kinds of source, weakest first: what a later one says hides what an earlier one says.
    """

    DEFAULT = 0
    FILE = 1
    STORED = 2
    SECRET_FILE = 3
    DOTENV = 4
    ENVIRONMENT = 5
    OPTION = 6


@dataclass(frozen=True, slots=True)
class Origin:
    """
    One source, with the words that lead a reader to it: a path, a variable's name, a command line option.
    """

    rank: Rank
    where: str


DEFAULT = Origin(Rank.DEFAULT, "the default")
