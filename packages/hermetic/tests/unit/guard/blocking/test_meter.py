"""
What a look at a thread tells, and that nobody else notices it.
"""

from __future__ import annotations

import os
import threading

import pytest
from hermetic.guard import audit
from hermetic.guard.blocking.meter import look_at


def test_a_look_opens_nothing_that_the_census_sees():
    """
    A test that ends in the moment of a look must not be accused of the watcher's file.
    """
    opened = []
    stop = audit.listen("open", lambda arguments: opened.append(arguments) if arguments[1] is not None else None)
    me = threading.get_native_id()

    look = look_at(me, garbage=0.0, watcher=me)
    stop()

    assert opened == []
    assert look.queued is not None


def test_a_thread_that_has_ended_is_refused():
    """
    The kernel says so, whereas a pthread's clock of a thread that is gone could be anybody's.
    """
    ids = []
    thread = threading.Thread(target=lambda: ids.append(threading.get_native_id()))
    thread.start()
    thread.join()
    while os.path.exists(f"/proc/self/task/{ids[0]}"):  # noqa: PTH110 - the kernel forgets it some microseconds later
        os.sched_yield()

    with pytest.raises(OSError, match="Invalid argument"):
        look_at(ids[0], garbage=0.0)
