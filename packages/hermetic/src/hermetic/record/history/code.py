"""
Which version of the code ran: the commit, with a digest of what was changed since.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S = 10.0


def version(root: Path) -> str:
    """
    "3f2a9c01d2e4" for a clean tree, "3f2a9c01d2e4+9b1c2d3e" for a changed one; empty where there is no git or no commit.

    Of the files that git does not know, and is not told to ignore, modules of Python are part of it.
    """
    if not any((directory / ".git").exists() for directory in (root, *root.parents)):
        return ""
    import hashlib  # noqa: PLC0415 - only a run inside a repository pays for these
    import subprocess  # noqa: PLC0415 - as above

    try:
        commit = _git(root, "rev-parse", "--short=12", "HEAD").decode().strip()
        changes = _git(root, "diff", "HEAD", "--no-ext-diff", "--no-color", "--binary")
        for name in _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", "*.py").split(b"\0")[:-1]:
            with contextlib.suppress(OSError):  # an editor's lock is a link that leads nowhere
                changes += name + b"\0" + (root / os.fsdecode(name)).read_bytes()
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{commit}+{hashlib.sha256(changes).hexdigest()[:8]}" if changes else commit


def _git(root: Path, *arguments: str) -> bytes:
    import subprocess  # noqa: PLC0415 - as above

    return subprocess.run(
        ["git", "-C", str(root), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_TIMEOUT_S,
        check=True,
    ).stdout
