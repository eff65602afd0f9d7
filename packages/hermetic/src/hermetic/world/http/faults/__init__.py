"""
Faults on real sockets.
"""

from hermetic.world.http.faults.connection import (
    black_hole,
    close,
    close_at_reuse,
    cut_on_accept,
    half_close,
    refuse,
    reset,
    stall,
)
from hermetic.world.http.faults.content import (
    byte_order_mark,
    empty,
    gzip_bomb,
    instead,
    redirect_loop,
    truncated_gzip,
    wrong_charset,
    wrong_content_type,
)
from hermetic.world.http.faults.framing import (
    bad_header_line,
    broken_chunking,
    content_length,
    extra_bytes,
    garbage,
    huge_headers,
    informational,
    wrong_status_line,
)
from hermetic.world.http.faults.model import Fault
from hermetic.world.http.faults.pace import bandwidth, slow_drip
from hermetic.world.http.faults.rules import FaultRule
from hermetic.world.http.faults.tls import cut_handshake, expired_certificate, untrusted_certificate, wrong_host

__all__ = [
    "Fault",
    "FaultRule",
    "bad_header_line",
    "bandwidth",
    "black_hole",
    "broken_chunking",
    "byte_order_mark",
    "close",
    "close_at_reuse",
    "content_length",
    "cut_handshake",
    "cut_on_accept",
    "empty",
    "expired_certificate",
    "extra_bytes",
    "garbage",
    "gzip_bomb",
    "half_close",
    "huge_headers",
    "informational",
    "instead",
    "redirect_loop",
    "refuse",
    "reset",
    "slow_drip",
    "stall",
    "truncated_gzip",
    "untrusted_certificate",
    "wrong_charset",
    "wrong_content_type",
    "wrong_host",
    "wrong_status_line",
]
