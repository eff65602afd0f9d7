"""
Whether a dictionary was written to, without looking at what it holds.

CPython 3.11 to 3.13 keep a number in each dictionary that differs after every write; no function returns it. Reading
it takes 40 ns, where comparing the globals of a module takes 500. On an interpreter that has no such number `watch`
returns None, and whoever asks compares the values.

Source: PEP 509 and PEP 699; CPython, Include/cpython/dictobject.h (`ma_version_tag` follows the object header and
`ma_used`).
"""

from __future__ import annotations

import ctypes
import functools
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Version(Protocol):
    """
    `value` differs after each write to the dictionary. Valid for as long as the dictionary lives.
    """

    value: int


def watch(mapping: Mapping[str, object]) -> Version | None:
    """
    The version of a dictionary, or None where there is none. The caller keeps the dictionary alive.
    """
    return _at(mapping) if _are_kept() else None


def _at(mapping: object) -> ctypes.c_uint64:
    return ctypes.c_uint64.from_address(id(mapping) + object.__basicsize__ + ctypes.sizeof(ctypes.c_ssize_t))


@functools.cache
def _are_kept() -> bool:
    # Every kind of write must show, and reading must not.
    sample: dict[str, object] = {"kept": 0, "changed": 0, "removed": 0}
    version = _at(sample)
    seen = [version.value, version.value]
    sample["changed"] = 1
    seen.append(version.value)
    sample["added"] = 1
    seen.append(version.value)
    del sample["removed"]
    seen.append(version.value)
    sample.update(kept=2)
    seen.append(version.value)
    sample.clear()
    seen.append(version.value)
    return seen[0] == seen[1] and len(set(seen)) == len(seen) - 1
