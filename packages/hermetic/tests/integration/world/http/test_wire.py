"""
Every fault on the wire: as intended to a raw socket, and as the committed table says to three clients.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from hermetic.world.http import Authority


def _load():
    # The suite imports its files by path, so a module beside this one has no importable name.
    spec = importlib.util.spec_from_file_location("hermetic_wire_cases", Path(__file__).parent / "wire_cases.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


wire = _load()
TABLE = json.loads(wire.TABLE.read_text())
# An RST may overtake what was sent before it, and may reach a client while it connects, sends or reads; which of its
# errors for a broken connection it then raises is decided by timing.
BROKEN = {
    "aiohttp": {
        "ClientConnectionResetError",
        "ClientConnectorError",
        "ClientOSError",
        "ClientPayloadError",
        "ConnectionResetError",
        "ServerDisconnectedError",
    },
    "httpx": {"ConnectError", "ReadError", "RemoteProtocolError", "WriteError"},
    "requests": {"ChunkedEncodingError", "ConnectionError", "SSLError"},
}
CASES = {case.name: case for case in wire.cases()}


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def context(authority):
    return authority.client_context()


MARKS = {
    "gzip_bomb(10 MiB)": [
        pytest.mark.hermetic(blocking=60, reason="what the bomb does to aiohttp: it inflates all of it in the loop")
    ],
    # CPython's ssl.SSLSocket._create looks whether it is connected before the block that closes it upon an error: a reset
    # that arrives before the handshake leaves it open (Lib/ssl.py of 3.11 and 3.12), whichever blocking client made it.
    "cut_on_accept('rst')": [
        pytest.mark.hermetic(
            "socket = off",
            "resource.dropped = off",
            reason="ssl.SSLSocket._create leaves it when the connection is reset",
        ),
        pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
    ],
}


@pytest.fixture(scope="module")
def bundle(authority, tmp_path_factory):
    return authority.write_pem(tmp_path_factory.mktemp("ca") / "ca.pem")


@pytest.mark.parametrize("scheme", ["plain", "tls"])
@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, ())) for name in CASES])
async def test_fault_is_seen_as_intended_by_a_raw_socket_and_three_clients(name, scheme, authority, context, bundle):
    """
    The socket sees exactly the fault's bytes and end; the clients do what the table says.
    """
    case = CASES[name]
    if case.only not in {"", scheme}:
        return
    async with wire.serve(tls=authority if scheme == "tls" else None) as server:
        seen, made = await wire.play(server, case, context, bundle)

    assert case.sees(seen), seen
    for client, outcome in made.items():
        also = BROKEN[client] if "rst" in name or name.startswith("reset") else set()
        assert outcome in {*TABLE[name][f"{scheme} {client}"], *also}, client


def test_table_and_documentation_are_of_these_cases():
    """
    The page in the documentation is the table, and the table has a row for each case.
    """
    assert set(TABLE) == set(CASES)
    assert wire.DOCS.read_text() == wire.render(TABLE)


def test_every_fault_function_is_played():
    """
    No fault is without a case, nor any of the services' replies.
    """
    from hermetic.world.http import faults, services

    names = {name for name in faults.__all__ if name[0].islower()} - {"instead"}
    names |= {"captive_portal", "cloudflare", "cloudflare_blocked", "cloudflare_rate_limited", "heroku"}
    names |= {"javascript_challenge", "nginx", "too_many_requests"}
    assert services.__name__ == "hermetic.world.http.services"

    assert {name.partition("(")[0] for name in CASES} == names
