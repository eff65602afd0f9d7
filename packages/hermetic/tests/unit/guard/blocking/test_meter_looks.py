"""
What a look at a thread tells when nobody asked about the kernel's queues.
"""

from __future__ import annotations

import threading
import time

from hermetic.guard.blocking.meter import look_at


def test_whether_a_thread_sleeps_is_looked_up_only_for_a_watcher():
    """
    It costs a file read.
    """
    over = threading.Event()
    thread = threading.Thread(target=over.wait, args=(30,))
    thread.start()
    try:
        ends = time.monotonic() + 10
        while not look_at(thread.native_id, garbage=0.0, watcher=thread.native_id).is_asleep:
            assert time.monotonic() < ends
        plain = look_at(thread.native_id, garbage=0.0)
    finally:
        over.set()
        thread.join()

    assert not plain.is_asleep
    assert (plain.queued, plain.watcher_queued, plain.turns) == (None, None, 0)
