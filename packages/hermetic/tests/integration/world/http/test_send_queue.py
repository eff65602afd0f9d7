"""
What of a connection the kernel still keeps back.
"""

from __future__ import annotations

import socket

import pytest
from hermetic.world.http.send_queue import unsent_bytes

pytestmark = pytest.mark.skipif(not hasattr(socket, "TCP_CORK"), reason="only Linux tells what it has not sent")


@pytest.fixture
def pair():
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as near:
        far, _ = listener.accept()
        with far:
            yield near, far


def test_bytes_that_the_kernel_keeps_back_are_counted_until_they_go_out(pair):
    """
    Corked bytes are counted; sent ones are not, even while nobody has read them.
    """
    near, far = pair
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    near.send(b"held back")
    assert unsent_bytes(near) == 9

    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
    assert far.recv(9, socket.MSG_PEEK | socket.MSG_WAITALL) == b"held back"
    assert unsent_bytes(near) == 0


def test_a_socket_that_cannot_tell_has_nothing_unsent(pair):
    """
    A closed one, and one that is no TCP socket.
    """
    near, _ = pair
    near.close()
    assert unsent_bytes(near) == 0
    with socket.socket(socket.AF_UNIX) as unconnected:
        assert unsent_bytes(unconnected) == 0
