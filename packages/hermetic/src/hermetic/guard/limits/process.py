"""
What the kernel says about this process, read without a library where /proc serves.
"""

from __future__ import annotations

import os

_STATM = "/proc/self/statm"
_DESCRIPTORS = "/proc/self/fd"
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def resident_bytes() -> int | None:
    """
    The resident set; None where the system does not tell.

    Source: proc(5), /proc/pid/statm, second field, in pages.
    """
    try:
        file = os.open(_STATM, os.O_RDONLY)
    except OSError:
        return None
    try:
        return int(os.read(file, 128).split()[1]) * _PAGE
    finally:
        os.close(file)


def descriptors() -> int | None:
    """
    How many descriptors are open, without the one that lists them; None where the system does not tell.
    """
    try:
        return len(os.listdir(_DESCRIPTORS)) - 1  # noqa: PTH208 - no objects are made for each: this is called often
    except OSError:
        return None
