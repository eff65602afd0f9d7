"""
Stacks of other threads.
"""

from __future__ import annotations

import subprocess
import sys
import threading

from hermetic.foundation.frames import locals_of, stack_of, stacks

# The collector starts all the time, and lets the other thread go on while a frame's object is made.
LOOKING = """
import gc, sys, threading, time
from hermetic.foundation.frames import stack_of

sys.setswitchinterval(1e-5)
looks, most, depths, is_over = 300, 1_000_000, set(), False

def deep(number):
    return number and deep(number - 1)

def work():
    while not is_over:
        for number in (3, 300, 7, 60, 900, 20):
            deep(number)

def let_others_go_on(phase, info):
    if threading.current_thread() is looking:
        time.sleep(0)

def look():
    # On a busy machine the other thread may not have gone on meanwhile.
    for number in range(most):
        if number >= looks and len(depths) > 1:
            break
        depths.add(len(stack_of(working.ident)))

working, looking = threading.Thread(target=work), threading.Thread(target=look)
gc.callbacks.append(let_others_go_on)
gc.set_threshold(1)
working.start(); looking.start(); looking.join()
is_over = True
working.join()
print(len(depths) > 1, gc.get_threshold()[0])
"""


def test_looking_at_a_thread_that_calls_and_returns_never_ends_the_process():
    """
    While the collector strikes as often as it can, which ended the interpreter of Python 3.11 after some dozens of looks.
    """
    done = subprocess.run([sys.executable, "-c", LOOKING], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "True 1\n", "")


def test_a_thread_is_seen_from_its_innermost_frame_outwards_with_its_variables():
    """
    One that has ended has no stack.
    """
    is_there, may_end = threading.Event(), threading.Event()

    def inner(colour):
        is_there.set()
        may_end.wait()
        return colour

    def outer():
        return inner("red")

    thread = threading.Thread(target=outer)
    thread.start()
    is_there.wait()
    names = [frame.f_code.co_name for frame in stack_of(thread.ident)]
    own = next(frame for frame in stacks()[thread.ident] if frame.f_code is inner.__code__)
    seen = dict(locals_of(own))
    del own
    may_end.set()
    thread.join()

    assert names.index("inner") + 1 == names.index("outer") < names.index("_bootstrap")
    assert seen["colour"] == "red"
    assert stack_of(thread.ident) == []
