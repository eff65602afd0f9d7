"""
How long is too long.
"""

from __future__ import annotations

from typing import Final

# Where asyncio itself, in debug mode, calls a callback slow: `loop.slow_callback_duration`.
LIMIT_S: Final = 0.1
