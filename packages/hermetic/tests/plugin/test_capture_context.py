"""
What a hang's report tells besides its waits: open resources with their lines, unanswered mock requests, last events.
"""

from __future__ import annotations

import re

import pytest

SUITE = """
import asyncio, sqlite3, socket
import pytest

@pytest.fixture(scope="module")
def database(tmp_path_factory):
    connection = sqlite3.connect(tmp_path_factory.mktemp("db") / "shop.db")
    yield connection
    connection.close()

def test_leaks():
    socket.socket()

@pytest.mark.deadline(1)
async def test_hangs(database, http_mock):
    http_mock.get("/slow").delay(1000)
    sending = socket.create_connection(("127.0.0.1", http_mock.server().port))
    sending.sendall(b"GET /slow HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    while not http_mock.server().in_flight:
        await asyncio.sleep(0.01)
    try:
        await asyncio.Event().wait()
    finally:
        sending.close()
"""


@pytest.fixture(scope="module")
def text(module_suite):
    module_suite.write("test_hang.py", SUITE)
    ran = module_suite.run(plugins=("asyncio",))
    report = ran.text[ran.text.index("test_hangs ___") :]
    assert "hang: call took longer than its 1 s" in report, ran.text
    return report


def test_open_resources_are_listed_with_line_and_owner(text):
    """
    Those of the test and those of broader fixtures, whoever holds them.
    """
    assert re.search(
        r"SQLite connection \S+shop.db  made at \S+test_hang.py:6 in database, of module fixture database", text
    )
    assert re.search(
        r"Socket .*127\.0\.0\.1.*  made at \S+test_hang.py:16 in test_hangs, of test \S+::test_hangs", text
    )


def test_mock_requests_in_flight_are_listed(text):
    """
    Which server, which request, how old.
    """
    assert re.search(r"mock requests in flight:\n +server: GET /slow on route .*: \d\.\d+ s old", text), text


def test_the_last_events_are_listed_with_what_they_were_about(text):
    """
    The finding of the test before is one.
    """
    assert re.search(
        r"last events:\n(?: +\d+\.\d+ s ago .*\n)* +\d+\.\d+ s ago  guard\.finding test_hang\.py::test_leaks error",
        text,
    ), text
