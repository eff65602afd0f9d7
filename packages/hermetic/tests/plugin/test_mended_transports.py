"""
What was reported and mended is not reported again when it is freed.
"""

from __future__ import annotations

SCENE = """
import asyncio, gc, socket

kept = []

async def test_leaks():
    near, far = socket.socketpair()
    kept.append(await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=near))
    kept.append(far)  # else the transport would end by itself

def test_frees():
    kept.clear()
    gc.collect()
"""


def test_a_transport_whose_loop_is_closed_accuses_nobody_when_it_is_freed(suite):
    """
    It belongs to the test that opened it, although a later one lets it go.
    """
    suite.write("test_a.py", SCENE)

    run = suite.run(plugins=("asyncio",))

    assert {(one.kind, one.test) for one in run.found} == {
        ("asyncio.transport", "test_a.py::test_leaks"),
        ("socket", "test_a.py::test_leaks"),
    }
    assert run.outcomes == {"passed": 2, "errors": 1}
