"""
The gateway's transport compression: one stream for a whole connection, flushed after each message.

Source: Discord developer documentation, Events / Gateway / Transport Compression.
"""

from __future__ import annotations

import zlib
from importlib import import_module
from typing import Any, Protocol


class Stream(Protocol):
    def compress(self, text: str) -> str | bytes:
        """
        One message, ready for one frame: text frames stay text.
        """
        ...


class Plain:
    def compress(self, text: str) -> str:
        return text


class ZlibStream:
    """
    Each message ends with a sync flush, 00 00 FF FF, by which clients know its end.
    """

    def __init__(self) -> None:
        self._stream = zlib.compressobj()

    def compress(self, text: str) -> bytes:
        return self._stream.compress(text.encode()) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """
    Each message ends with a flushed block of one endless frame.
    """

    def __init__(self) -> None:
        self._stream, self._flush_block = _zstd_compressor()

    def compress(self, text: str) -> bytes:
        packed: bytes = self._stream.compress(text.encode()) + self._stream.flush(self._flush_block)
        return packed


def stream_for(name: str | None) -> Stream:
    """
    Raises:
        KeyError: Discord has no compression of this name.
        ImportError: zstd is asked for and neither Python 3.14 nor the zstandard package is there.
    """
    known: dict[str | None, type[Plain | ZlibStream | ZstdStream]] = {
        None: Plain,
        "zlib-stream": ZlibStream,
        "zstd-stream": ZstdStream,
    }
    return known[name]()


def _zstd_compressor() -> tuple[Any, Any]:
    try:
        zstandard = import_module("zstandard")
    except ImportError:
        zstd = import_module("compression.zstd")
        return zstd.ZstdCompressor(), zstd.ZstdCompressor.FLUSH_BLOCK
    return zstandard.ZstdCompressor().compressobj(), zstandard.COMPRESSOBJ_FLUSH_BLOCK
