"""
All of Python's randomness from one seed.
"""

from __future__ import annotations

import os
import random
import sys
from typing import TYPE_CHECKING, Any, Self

from hermetic.guard.strain.patches import Patches

if TYPE_CHECKING:
    from collections.abc import Callable


class Chance:
    """
    Makes `random`, generators made without a seed, `os.urandom`, `secrets`, `uuid4` and NumPy's global generator follow from
    one seed. NumPy's `default_rng()` and what C libraries draw by themselves stay as they are.

    Args:
        seed: of everything that is drawn while it is entered.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._patches = Patches()
        self._drawn = 0
        self._begun: object = None
        self._before: Any = None

    def __enter__(self) -> Self:
        source = random.Random(self._seed)  # noqa: S311 - what is wanted is that it can be repeated

        def urandom(size: int) -> bytes:
            self._drawn += 1
            return source.randbytes(size)

        def seeding(original: Callable[..., None]) -> Callable[..., None]:
            def seed(generator: random.Random, a: Any = None, version: int = 2) -> None:
                if a is None:
                    self._drawn += 1
                    a = source.getrandbits(64)
                original(generator, a, version)

            return seed

        self._patches.replace(os, "urandom", lambda _: urandom)
        self._patches.replace(random, "_urandom", lambda _: urandom)
        self._patches.replace(random.Random, "seed", seeding)
        self._before = random.getstate()
        random.seed(self._seed)
        self._begun = random.getstate()
        numpy: Any = sys.modules.get("numpy.random")
        if numpy is not None:
            numpy.seed(self._seed % 2**32)
        return self

    def __exit__(self, *_: object) -> None:
        self._drawn += random.getstate() != self._begun
        self._patches.undo()
        random.setstate(self._before)

    @property
    def was_used(self) -> bool:
        """
        Whether anything was drawn; known once it is left.
        """
        return self._drawn > 0
