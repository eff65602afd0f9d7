"""
The fixtures `mock_server` and `http_mock`, in runs of pytest of their own.
"""

from __future__ import annotations

SUITE = """
import urllib.error
import urllib.request
import pytest

def ask(url):
    with urllib.request.urlopen(url, timeout=5) as reply:
        return reply.status, reply.read()

def test_served(mock_server):
    mock_server.get("/ip").json({"ip": "203.0.113.7"})
    assert ask(mock_server.url_for("/ip")) == (200, b'{"ip":"203.0.113.7"}')

def test_several(http_mock):
    http_mock.get("/").text("default")
    other = http_mock.server("other", allow_unmatched=True)
    assert http_mock.server("other") is other
    assert ask(http_mock.url)[1] == b"default"
    with pytest.raises(urllib.error.HTTPError):
        ask(other.url)

def test_unmatched(mock_server):
    mock_server.get("/right").text("x")
    with pytest.raises(urllib.error.HTTPError):
        ask(mock_server.url_for("/wrong"))

def test_failing(mock_server):
    mock_server.get("/").text("x")
    ask(mock_server.url)
    assert False
"""


def test_fixtures_serve_and_judge(suite):
    """
    An unmatched request fails its test, not its teardown, with a comparison; a failure shows the seed and the calls.
    """
    suite.write("test_it.py", SUITE)
    run = suite.run("--hermetic-seed=42")

    assert run.outcomes == {"passed": 2, "failed": 2}, run.text
    assert "GET /right: path: wanted /right, got /wrong" in run.text
    assert run.text.count("the same draws come again with --hermetic-seed=42") == 2
    assert "<Call 1 GET / [replied, status 200]>" in run.text


def test_async_tests_use_the_same_fixture(suite):
    """
    The server has a loop of its own, so the fixture is plain and serves both kinds of tests.
    """
    suite.write(
        "test_it.py",
        "import asyncio\n"
        "async def test_it(mock_server):\n"
        "    mock_server.get('/').text('x')\n"
        "    reader, writer = await asyncio.open_connection('127.0.0.1', mock_server.port)\n"
        "    writer.write(b'GET / HTTP/1.0\\r\\n\\r\\n')\n"
        "    assert (await reader.read()).endswith(b'x')\n"
        "    writer.close()\n"
        "    await writer.wait_closed()\n",
    )
    run = suite.run(plugins=("asyncio",))

    assert run.outcomes == {"passed": 1}, run.text
