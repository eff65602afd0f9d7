"""
The examples in the documents run as they stand.
"""

from __future__ import annotations

import re
from pathlib import Path

import ip_monitor.testing.discord
import pytest

GUIDE = Path(__file__).resolve().parents[5] / "docs" / "how-to" / "test-a-discord-bot.md"


def functions(text: str) -> dict:
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict = {"__name__": "example"}
    exec(compile(code, "<example>", "exec"), names)
    return {name: value for name, value in names.items() if name.startswith("test_")}


EXAMPLES = {
    **functions(GUIDE.read_text("utf-8")),
    **functions(ip_monitor.testing.discord.__doc__ or ""),
}


@pytest.mark.parametrize("name", EXAMPLES)
async def test_example_runs(name):
    """
    Each is a whole test of its own.
    """
    await EXAMPLES[name]()
