"""
The page of a real monitor, on loopback: its database, its settings and the services that it asks are real parts too.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import aiohttp
import pytest_asyncio
from ip_monitor.adapters.web.board import Board
from ip_monitor.adapters.web.server import WebServer
from ip_monitor.adapters.web.tokens import TokenFile
from ip_monitor.bootstrap import assemble
from ip_monitor.settings import Request, Settings
from ip_monitor.settings.place import Place
from ip_monitor.testing import PLAY_RANGES, MockAPICluster

if TYPE_CHECKING:
    from ip_monitor.bootstrap import Application

OPERATORS = {"alder": "ipify", "birch": "ipify", "cedar": "aws"}


@dataclass
class Stage:
    """
    A monitor that has announced its first address.
    """

    application: Application
    services: MockAPICluster
    board: Board
    token_file: TokenFile


@dataclass
class Served:
    """
    The page of the stage; `ask` is a browser's session, `form` what a signed-in one sends along.
    """

    stage: Stage
    server: WebServer
    token: str
    session: aiohttp.ClientSession

    @property
    def port(self):
        return self.server.place.port

    def get(self, path, **options):
        return self.session.get(path, **options)

    def post(self, path, **options):
        return self.session.post(path, **{"allow_redirects": False, **options})

    @property
    def bearer(self):
        return {"Authorization": f"Bearer {self.token}"}

    async def sign_in(self):
        """
        Sign in as a browser does; gives the CSRF token of the forms.
        """
        async with self.post("/sign-in", data={"token": self.token}) as response:
            assert response.status == 303
        async with self.get("/") as response:
            return (await response.text()).split('name="csrf" value="')[1].split('"')[0]

    async def raw(self, data):
        """
        What comes back for these bytes until the server closes.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory):
    """
    One monitor for all tests of a module; it checks when it is asked to.
    """
    home = tmp_path_factory.mktemp("page")
    async with MockAPICluster(OPERATORS, seed=7) as services:
        lines = [
            "default_providers = false",
            'families = "ipv4"',
            "confirm_pause_s = 0",
            "interval_s = 3600",
            f"public_ranges = {[str(network) for network in PLAY_RANGES]}",
            f"database = '{home / 'ip.sqlite3'}'",
        ]
        for server in services:
            lines += ["[[providers]]", f"name = '{server.name}'", f"url = '{server.spec().url}'"]
            lines += ["plain_http = true", "private_address = true"]
        path = home / "settings.toml"
        path.write_text("\n".join(lines))
        request = Request(environ={}, config_file=path, env_file=None, secret_directories=())
        # What reading the file would give, without the process that reads it.
        settings = Settings(
            database=home / "ip.sqlite3", families="ipv4", confirm_pause_s=0, interval_s=3600, public_ranges=PLAY_RANGES
        )
        board = Board()
        async with assemble(settings, observers=[board], request=request, specs=services.specs()) as application:
            running = asyncio.create_task(application.run())
            await application.check()
            yield Stage(application, services, board, TokenFile(settings.database))
            running.cancel()
            await asyncio.wait([running])


@pytest_asyncio.fixture(loop_scope="module")
async def serve(stage):
    """
    Serve the stage's page: with some settings changed, and other bounds.
    """
    async with contextlib.AsyncExitStack() as stack:

        async def start(*, patience_s=15.0, tls=None, trusts=True, **settings):
            server = WebServer(
                stage.application.admin,
                board=stage.board,
                settings=lambda: replace(stage.application.settings, **settings),
                token=stage.token_file,
                place=Place("127.0.0.1", 0),
                clock=stage.application.clock,
                patience_s=patience_s,
                tls=tls,
            )
            running = asyncio.create_task(server.run())

            async def stop():
                running.cancel()
                await asyncio.wait([running])

            stack.push_async_callback(stop)
            session = aiohttp.ClientSession(
                server.url,
                cookie_jar=aiohttp.CookieJar(unsafe=True),
                connector=aiohttp.TCPConnector(ssl=trusts),
            )
            await stack.enter_async_context(session)
            return Served(stage, server, await asyncio.to_thread(stage.token_file.renew), session)

        yield start


@pytest_asyncio.fixture(loop_scope="module")
async def served(serve):
    """
    The page as it is by default.
    """
    return await serve()
