"""
Ending tasks so that nothing of them is left when the next line runs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


async def cancel_and_wait(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """
    Cancel tasks and wait until they have ended; what they raise on the way is dropped. Done ones are left alone.
    """
    ending = [task for task in tasks if not task.done()]
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
