"""
aiohttp's sessions, connectors and runners.
"""

import aiohttp
import pytest
from aiohttp import web

kept = []


async def hello(request):
    return web.Response(text="hello")


def application():
    app = web.Application()
    app.router.add_get("/", hello)
    return app


@pytest.fixture
async def url():
    runner = web.AppRunner(application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield site.name.replace(":0", f":{runner.addresses[0][1]}")
    await runner.cleanup()


@pytest.mark.finds("aiohttp.session")
async def test_defect_session_never_used():
    kept.append(aiohttp.ClientSession())  # here


@pytest.mark.finds("aiohttp.session")
async def test_defect_session_with_connections(url):
    session = aiohttp.ClientSession()  # here
    kept.append(session)
    async with session.get(url) as response:
        assert await response.text() == "hello"


async def test_clean_session(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert await response.text() == "hello"


@pytest.mark.finds("aiohttp.connector")
async def test_defect_connector_never_closed():
    kept.append(aiohttp.TCPConnector())  # here


async def test_clean_connector():
    await aiohttp.TCPConnector().close()


@pytest.mark.finds("aiohttp.runner")
async def test_defect_runner_never_cleaned_up():
    runner = web.AppRunner(application())  # here
    kept.append(runner)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()


async def test_clean_runner():
    runner = web.AppRunner(application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await runner.cleanup()
