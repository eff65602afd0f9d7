"""
Telling asyncio's cancellation from other exceptions, in a run that may never have imported asyncio.
"""

from __future__ import annotations

import sys


def is_cancellation(error: BaseException | None) -> bool:
    """
    Whether it is asyncio's, which nobody need import to ask.
    """
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(error, asyncio.CancelledError)
