"""
Tries that took their worker of xdist along.

The controller sees that a worker is lost, and a worker runs the test again; they share a directory, so both must be on one
machine. Workers tell there which tests may be tried how often, and the controller how many tries a test has had.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

_KEY = "hermetic_crashes"
_TIMES = "times.json"


class Crashes:
    """
    What controller and workers know of lost tries.

    Args:
        directory: what they share; None on a worker whose controller gave none.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    @classmethod
    def of(cls, config: pytest.Config, given: Mapping[str, Any] | None) -> Crashes:
        """
        The directory that the controller gave, on a worker; one that is made now, on a controller.
        """
        if given is not None:
            return cls(Path(given[_KEY]) if _KEY in given else None)
        directory = tempfile.mkdtemp(prefix="hermetic-")
        config.add_cleanup(lambda: shutil.rmtree(directory, ignore_errors=True))
        return cls(Path(directory))

    def share(self, node: Any) -> None:
        """
        Tell a worker that is about to start where the directory is.
        """
        node.workerinput[_KEY] = str(self._directory)

    def tell(self, times: Mapping[str, int]) -> None:
        """
        Say how often tests may be tried again, where that is not the default. All workers say the same.
        """
        if self._directory is None or not times:
            return
        with tempfile.NamedTemporaryFile("w", dir=self._directory, delete=False, encoding="utf-8") as file:
            json.dump(times, file)
        Path(file.name).replace(self._directory / _TIMES)

    def times(self, nodeid: str, *, default: int) -> int:
        """
        How often a test may be tried again.
        """
        if self._directory is None or not (self._directory / _TIMES).exists():
            return default
        told: dict[str, int] = json.loads((self._directory / _TIMES).read_text(encoding="utf-8"))
        return told.get(nodeid, default)

    def write(self, nodeid: str, *, tries: int) -> None:
        """
        Keep how many tries a test has had.
        """
        if self._directory is not None:
            (self._directory / _name(nodeid)).write_text(str(tries), encoding="ascii")

    def tries(self, nodeid: str) -> int:
        """
        How many tries a test had whose worker was lost; 0 for all others.
        """
        if self._directory is None:
            return 0
        file = self._directory / _name(nodeid)
        return int(file.read_text(encoding="ascii")) if file.exists() else 0


def _name(nodeid: str) -> str:
    return hashlib.sha256(nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:32]
