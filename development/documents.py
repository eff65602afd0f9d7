"""
The commands in the documents' pages, and what stands below them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_STEP = re.compile(
    r"^ *```console\n(?P<lines>.*?)^ *```\n(?:\n^ *```text\n(?P<text>.*?)^ *```)?", re.DOTALL | re.MULTILINE
)


class Step(NamedTuple):
    """
    One block: its lines as they stand, and the block of text below it, None where there is none.
    """

    lines: list[str]
    shown: str | None

    @property
    def commands(self) -> list[str]:
        """
        Its lines without the prompt.

        Raises:
            ValueError: a line has none, as what goes on from the line before, or is typed into a program.
        """
        if without := [line for line in self.lines if not line.startswith("$ ")]:
            raise ValueError(f"not a command of one line: {without}")
        return [line[2:] for line in self.lines]


def steps_of(text: str) -> list[Step]:
    """
    The blocks of commands of a page, in their order.

    Raises:
        ValueError: a block is not closed, or stands where it cannot be told from what is around it.
    """
    found = [
        Step([line.strip() for line in match["lines"].splitlines()], match["text"]) for match in _STEP.finditer(text)
    ]
    if len(found) != text.count("```console"):
        raise ValueError(f"{len(found)} blocks of commands are whole, of {text.count('```console')}")
    return found
