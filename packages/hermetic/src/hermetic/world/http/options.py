"""
What a server may be made with, checked where it enters, so that a start can fail only for what the machine says.
"""

from __future__ import annotations

from typing import Any

from hermetic.world.http import bounds
from hermetic.world.http.errors import BoundsError


def check_options(*, name: Any, host: Any, port: Any, tls: Any, seed: Any, keep_alive_s: Any) -> None:
    """
    Whether a port is free, and an address this machine's, is found out when the server starts.

    Raises:
        BoundsError: an option is of another kind than it must be, or a time is negative.
    """
    hosts = bounds.several(host)
    rows: tuple[tuple[str, Any, bool, str], ...] = (
        ("name", name, isinstance(name, str) and bool(name), "a text that is not empty"),
        ("host", host, bool(hosts) and all(isinstance(one, str) and one for one in hosts), "an address, or several"),
        ("port", port, _is_whole(port), "a whole number; 0 takes a free port"),
        ("tls", tls, isinstance(tls, bool) or callable(getattr(tls, "context", None)), "True, False or an Authority"),
        ("seed", seed, seed is None or _is_whole(seed), "a whole number, or None for a random one"),
    )
    for option, value, is_good, allowed in rows:
        if not is_good:
            raise BoundsError(where=f"MockServer({option})", value=value, allowed=allowed)
    if keep_alive_s is not None:
        bounds.duration(keep_alive_s, where="MockServer(keep_alive_s)")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
