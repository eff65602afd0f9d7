"""
The `hermetic` command's own group, with what its words do.
"""

from __future__ import annotations

import click

from hermetic._version import __version__
from hermetic.cli.history import history
from hermetic.cli.reports import diff, merge, open_page, report, show
from hermetic.cli.running import bisect, doctor, run, stress


@click.group("hermetic", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hermetic")
def group() -> None:
    """
    Makes asynchronous integration tests trustworthy.
    """


for command in (run, doctor, stress, bisect, history, report, merge, show, diff, open_page):
    group.add_command(command)
