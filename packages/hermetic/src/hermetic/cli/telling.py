"""
How the commands tell of what Hermetic raises: its text, without a traceback.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Generator


@contextlib.contextmanager
def told() -> Generator[None]:
    from hermetic.errors import HermeticError  # noqa: PLC0415 - as in every command

    try:
        yield
    except HermeticError as error:
        raise click.ClickException(str(error)) from error
