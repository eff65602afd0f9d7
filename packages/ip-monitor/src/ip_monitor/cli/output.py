"""
What commands print: JSON for programs, plain columns for people. No colour and no library, so that it is quick
and reads the same in a pipe.
"""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = "  "
_NARROWEST = 24


def echo_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def echo_error(text: str, *, kind: str, status: int, as_json: bool) -> None:
    """
    Say on standard error what ended the command.
    """
    told = {"error": text, "kind": kind, "exit_status": status}
    click.echo(json.dumps(told, ensure_ascii=False) if as_json else f"ip-monitor: {text}", err=True)


def echo_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """
    Print columns; where the terminal is too narrow, the last column wraps.
    """
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    before = sum(widths[:-1]) + len(_GAP) * (len(head) - 1)
    last = max(_NARROWEST, shutil.get_terminal_size((120, 24)).columns - before)
    for row in (head, *rows):
        left = _GAP.join(cell.ljust(width) for cell, width in zip(row[:-1], widths[:-1], strict=True))
        lines = textwrap.wrap(row[-1], last, break_on_hyphens=False) or [""]
        click.echo((left + _GAP + lines[0]).rstrip())
        for line in lines[1:]:
            click.echo(" " * before + line)
