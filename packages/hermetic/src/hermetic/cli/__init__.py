"""
The `hermetic` command.
"""

from hermetic.cli.main import main

__all__ = ["main"]
