"""
Templates to HTML.
"""

from __future__ import annotations

import asyncio

from ip_monitor.adapters.web import rendering
from ip_monitor.adapters.web.rendering import Renderer


async def test_the_loop_runs_between_the_templates_that_are_compiled():
    """
    Compiling them all takes longer than anything else may hold the loop of a check.
    """
    rendering._environment.cache_clear()
    renderer = Renderer()
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        counting = group.create_task(count())
        await renderer.prepare()
        counting.cancel()

    compiled = renderer._environment.cache
    assert {"page.html", "sections/address.html", "change.html"} <= {name for _loader, name in compiled}
    assert turns >= len(compiled)


async def test_templates_are_compiled_once_in_a_process():
    """
    A second server has them at once.
    """
    first, second = Renderer(), Renderer()
    await first.prepare()

    template = second._environment.get_template("page.html")

    assert template is first._environment.get_template("page.html")
