"""
The files that the page brings along: read once, compressed once, and kept by browsers for as long as they like, because
their address changes with their content.
"""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
from dataclasses import dataclass
from importlib import resources

KINDS = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "uPlot.iife.min.js": "text/javascript; charset=utf-8",
    "uPlot.min.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""
Every file that is served, and its type. A name that is not here does not exist, whatever path it spells.
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """
    `packed` is the same by gzip; `tag` changes with the content.
    """

    kind: str
    plain: bytes
    packed: bytes
    tag: str


@functools.cache
def load(name: str) -> Asset:
    """
    Raises:
        KeyError: there is no such file.
    """
    kind = KINDS[name]
    plain = resources.files("ip_monitor.adapters.web").joinpath("assets", name).read_bytes()
    return Asset(kind, plain, gzip.compress(plain, mtime=0), hashlib.sha256(plain).hexdigest()[:16])


@functools.cache
def style() -> tuple[str, str]:
    """
    The page's own style sheet, which stands in each page so that nothing has to be fetched before it is drawn; and the
    source that a content security policy allows it by.

    Source: W3C, Content Security Policy Level 3, "hash-source".
    """
    text = load("page.css").plain
    return text.decode(), f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"


def versioned(name: str) -> str:
    """
    The address of a file, which changes with its content.
    """
    return f"/assets/{name}?v={load(name).tag}"
