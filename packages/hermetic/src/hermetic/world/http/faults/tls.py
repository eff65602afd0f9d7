"""
Faults of the TLS handshake. They strike new connections of a server made with `tls=True`.
"""

from __future__ import annotations

from hermetic.world.http.faults.model import ENDS, End, Fault, choice


def expired_certificate() -> Fault:
    """
    Of the right authority for the right names, out of date since yesterday.
    """
    return Fault("expired_certificate", phase="tls", how="expired")


def wrong_host() -> Fault:
    """
    A certificate of the right authority for another host.
    """
    return Fault("wrong_host", phase="tls", how="wrong_host")


def untrusted_certificate() -> Fault:
    """
    The right names, from an authority that nobody trusts.
    """
    return Fault("untrusted_certificate", phase="tls", how="untrusted")


def cut_handshake(end: End = "fin") -> Fault:
    """
    The connection ends by FIN or RST after the client's hello, before the server's.
    """
    choice(end, ENDS, fault="cut_handshake", name="end")
    return Fault("cut_handshake", phase="tls", how=f"cut {end}", settings=(("end", end),))
