"""
The whole product against its surroundings: services on one simulated line, and a program that is told every change.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hermetic import wait_until
from hermetic.world.http import MockServer
from ip_monitor.bootstrap import assemble
from ip_monitor.settings import Secret

if TYPE_CHECKING:
    from ip_monitor.bootstrap import Application
    from ip_monitor.testing import MockAPICluster

HOOK = "/told"


@dataclass
class Product:
    """
    Attributes:
        application: running, with the first address known and told.
        cluster: whom it asks.
        receiver: whom it tells; `hook` says how that answers.
    """

    application: Application
    cluster: MockAPICluster
    receiver: MockServer
    hook: object

    async def change(self) -> str:
        """
        Another address, seen by a check and written down; its key.
        """
        self.cluster.line.change()
        check = await self.application.check()
        (change,) = check.changes
        return change.key

    @property
    def told(self) -> list[str]:
        """
        The changes that the receiver took, in order.
        """
        return [call.request.json()["data"]["change"] for call in self.receiver.calls if call.status == 204]

    async def has_told(self, *keys: str) -> None:
        await wait_until(lambda: set(keys) <= set(self.told), deadline=10)


@pytest.fixture
async def receiver():
    async with MockServer("receiver", seed=1) as server:
        yield server


@pytest.fixture
def product(mock_api_cluster, receiver, isolated_test_config):
    """
    `async with product(**settings)`: the product on the test's own database, which the next one goes on with.
    """
    hook = receiver.post(HOOK).status(204)

    @contextlib.asynccontextmanager
    async def run(*, clock=None, start_anew=False, families=(), **settings):
        chosen = replace(isolated_test_config, webhook=Secret(receiver.url_for(HOOK)), **settings)
        specs = [replace(spec, name=spec.operator) for spec in mock_api_cluster.specs(*families)]
        async with assemble(chosen, specs=specs, clock=clock, start_anew=start_anew) as application:
            running = asyncio.create_task(application.run())
            try:
                await wait_until(lambda: application.checks.get("last", namespace="checks") is not None, deadline=10)
                await application.delivery.drain()
                yield Product(application, mock_api_cluster, receiver, hook)
            finally:
                application.request_stop()
                await asyncio.wait_for(running, 10)

    return run
