"""
A time series that covers all of the time in a bounded number of samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermetic.guard.limits.snapshot import ResourceSnapshot


class Series:
    """
    Keeps at most `size` samples. When it is full every second one is dropped, and from then on only every second,
    fourth, … one that comes is kept: the first and the last are always there.

    Raises:
        ValueError: `size` is less than 2.
    """

    def __init__(self, size: int) -> None:
        if size < 2:
            raise ValueError(f"a series of {size} samples cannot hold a first and a last: give history=2 or more")
        self._size = size
        self._kept: list[ResourceSnapshot] = []
        self._each = 1
        self._skipped = 0

    def restart(self, first: ResourceSnapshot) -> None:
        self._kept = [first]
        self._each, self._skipped = 1, 0

    def add(self, sample: ResourceSnapshot, *, is_kept: bool = False) -> None:
        """
        Take in the next sample; with `is_kept` it is not one of those left out.
        """
        self._skipped += 1
        if self._skipped < self._each and not is_kept:
            return
        self._skipped = 0
        if len(self._kept) == self._size:
            self._kept = self._kept[::2]
            self._each *= 2
        self._kept.append(sample)

    def kept(self) -> Sequence[ResourceSnapshot]:
        return tuple(self._kept)
