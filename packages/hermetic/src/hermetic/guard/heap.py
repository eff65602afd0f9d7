"""
What the garbage collector need not look through again and again: all that was loaded before the project's own code.

A full collection visits every container there is, and in a run of short tests most of them are pytest's, its plugins' and
the standard library's, which live as long as the process. Set aside, they are visited no more; what the project and its
tests make is collected and listed as ever. `gc.unfreeze()` takes it back.
"""

from __future__ import annotations

import codecs
import encodings
import gc
import itertools
from typing import Final, TypeAlias, cast

_CONTAINERS: Final[frozenset[type]] = frozenset({list, dict})
_set_aside = 0


# The interpreter's own list of codec search functions and dictionary of error handlers.
_CodecTables: TypeAlias = tuple[list[object], dict[str, object]]

_tables: list[_CodecTables] = []


def set_aside() -> None:
    """
    Set aside what there is now. To be called once, before the project's own code is loaded.
    """
    global _set_aside  # noqa: PLW0603 - what is set aside belongs to the process
    if gc.get_freeze_count():
        return  # somebody has done so already
    codec_tables()
    gc.freeze()
    _set_aside = gc.get_freeze_count()


def is_frozen_by_others() -> bool:
    """
    Whether somebody else than `set_aside` froze objects: the number can only shrink by itself.
    """
    return gc.get_freeze_count() > _set_aside


def codec_tables() -> _CodecTables:
    """
    The interpreter's own list of codec search functions and dictionary of error handlers, found once, since what is set
    aside is listed no more. Both are empty where they cannot be found.

    No function returns them. They are among the first objects that the interpreter makes, so that they come early in what
    the garbage collector has known the longest; where they do not, it is asked for all that refers to their oldest members,
    which costs 10 ms.
    """
    if not _tables:
        escape = codecs.lookup_error("surrogateescape")
        found = _find(gc.get_objects(generation=2), escape)
        if not all(found):
            found = _find(gc.get_referrers(encodings.search_function, escape), escape)
        _tables.append(found)
    return _tables[0]


def _find(among: list[object], escape: object) -> _CodecTables:
    searches: list[object] = []
    errors: dict[str, object] = {}
    for found in itertools.compress(among, map(_CONTAINERS.__contains__, map(type, among))):
        if type(found) is list:
            items = cast("list[object]", found)
            if items and items[0] is encodings.search_function:
                searches = items
        elif type(found) is dict:
            table = cast("dict[str, object]", found)
            if table.get("surrogateescape") is escape:
                errors = table
        if searches and errors:
            break
    return searches, errors
