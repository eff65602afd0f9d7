"""
Why a page cannot be served at a place, and who has the port.
"""

from __future__ import annotations

import errno
import os
import socket

import pytest
from ip_monitor.adapters.web.listening import PlaceUnavailableError, holder_of, listen
from ip_monitor.settings.place import Place

ROW = "  sl  local_address rem_address   st\n   0: 0100007F:{port:04X} 00000000:0000 {state} 0 0 0 0 0 {inode} 1\n"


class Refusing(socket.socket):
    """
    A socket that may be bound nowhere.
    """

    number = 0

    def bind(self, address):
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EADDRNOTAVAIL, "127.0.0.9 is no address of this machine"),
        (errno.EACCES, "port 8787 is not allowed to this user"),
        (errno.ENOBUFS, "No buffer space available"),
    ],
)
def test_a_place_that_cannot_be_had_is_told_with_the_reason_and_the_remedy(monkeypatch, number, says):
    """
    The socket that could not be bound is closed.
    """
    monkeypatch.setattr(Refusing, "number", number)
    monkeypatch.setattr(socket, "socket", Refusing)

    with pytest.raises(PlaceUnavailableError) as refused:
        listen(Place("127.0.0.9", 8787))
    assert says in str(refused.value)
    assert "Choose another with --web or the setting web." in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_taken_port_is_told_with_who_has_it(host):
    """
    This process, here.
    """
    with listen(Place(host, 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(PlaceUnavailableError, match=f"port {port} is taken") as refused:
            listen(Place(host, port))

    assert f"({os.getpid()})" in str(refused.value)


def test_nobody_is_named_who_cannot_be_known(tmp_path):
    """
    A port that nobody listens on, tables that are not there, and a listener of another user.
    """
    (tmp_path / "net").mkdir()
    unknown = holder_of(8787, proc=tmp_path)
    (tmp_path / "net" / "tcp").write_text(ROW.format(port=8787, state="0A", inode=77))
    (tmp_path / "1" / "fd").mkdir(parents=True)
    (tmp_path / "1" / "fd" / "0").symlink_to("socket:[76]")
    (tmp_path / "2").mkdir()
    other = holder_of(8787, proc=tmp_path)
    (tmp_path / "1" / "fd" / "1").symlink_to("socket:[77]")
    (tmp_path / "1" / "comm").write_text("nginx\n")

    assert (unknown, other) == ("", "")
    assert holder_of(8787, proc=tmp_path) == "nginx (1)"
    assert holder_of(8788, proc=tmp_path) == ""
