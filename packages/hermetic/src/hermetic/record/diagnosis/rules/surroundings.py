"""
Rules about what is around a test: networks, ports, databases, mock servers.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from hermetic.foundation.remedy import Remedy
from hermetic.guard.reached import DatabaseOpened, OutsideReached
from hermetic.record.diagnosis.model import Diagnosis, Rule, at
from hermetic.world.http.decisions import ExchangeEnded

if TYPE_CHECKING:
    from hermetic.record.diagnosis.model import Evidence

_NETWORK: Final = ("OSError", "TimeoutError", "aiohttp.client_exceptions.ClientError", "httpx.TransportError")
# SQLite's primary result codes. Source: https://sqlite.org/rescode.html
_SQLITE_ERROR, _SQLITE_BUSY, _SQLITE_LOCKED = 1, 5, 6


def _outside(evidence: Evidence) -> Diagnosis | None:
    reached = evidence.events(OutsideReached)
    failure = evidence.failed(*_NETWORK)
    if not reached or failure is None:
        return None
    hosts = list(dict.fromkeys(f"{one.host}:{one.port}" if one.port else one.host for one in reached))
    return Diagnosis(
        rule="network.outside",
        cause=f"The test reached outside this machine: {', '.join(hosts[:3])}.",
        confidence="likely",
        evidence=(
            *(f"asked to {one.means} {one.host}" for one in reached[:3]),
            f"{failure.type} was raised {at(failure)}",
        ),
        remedy=Remedy(
            text="Give the code under test the address of a mock server; look for a client or settings object made at import that "
            "the test did not replace.",
            code='mock_server.get("/ip").text("203.0.113.7")\nclient = Client(base_url=mock_server.url)',
        ),
    )


def _port_taken(evidence: Evidence) -> Diagnosis | None:
    failure = evidence.with_fact("errno", errno.EADDRINUSE)
    if failure is None:
        return None
    return Diagnosis(
        rule="port.taken",
        cause="The port is taken: another test, worker or program listens there.",
        confidence="certain",
        evidence=(f"the system refused the address {at(failure)}",),
        remedy=Remedy(
            text="Listen on port 0, which takes a free one, and ask which it is; and close the server that the test before left.",
            code='server.bind(("127.0.0.1", 0))\nport = server.getsockname()[1]',
        ),
    )


def _database_locked(evidence: Evidence) -> Diagnosis | None:
    failure = evidence.with_fact("sqlite.code", _SQLITE_BUSY, _SQLITE_LOCKED)
    if failure is None:
        return None
    return Diagnosis(
        rule="sqlite.locked",
        cause="The SQLite database is locked: another connection holds a transaction open.",
        confidence="certain",
        evidence=(f"SQLite's result code was {failure.facts['sqlite.code']} {at(failure)}",),
        remedy=Remedy(
            text="Commit and close the other connection before; write through one connection, or wait longer for the lock.",
            code='connection = sqlite3.connect(path, timeout=10)\nconnection.execute("PRAGMA journal_mode = WAL")',
        ),
    )


def _memory_per_connection(evidence: Evidence) -> Diagnosis | None:
    failure = evidence.with_true("sqlite.is_empty_memory")
    opened = [one for one in evidence.events(DatabaseOpened) if one.database == ":memory:"]
    if failure is None or failure.facts["sqlite.code"] != _SQLITE_ERROR or len(opened) < 2:
        return None
    return Diagnosis(
        rule="sqlite.memory-per-connection",
        cause="Each connection to :memory: is a database of its own, and this one is empty.",
        confidence="likely",
        evidence=(
            f"{len(opened)} connections to :memory: were opened in this test",
            f"the one in use has no table {at(failure)}",
        ),
        remedy=Remedy(
            text="Use a file in tmp_path, or one connection for all.",
            code='connection = sqlite3.connect(tmp_path / "test.db")',
        ),
    )


def _fault_struck(evidence: Evidence) -> Diagnosis | None:
    struck = [one for one in evidence.events(ExchangeEnded) if one.fault]
    failure = evidence.failed(*_NETWORK, "json.decoder.JSONDecodeError", "http.client.HTTPException")
    if not struck or failure is None:
        return None
    last = struck[-1]
    return Diagnosis(
        rule="server.fault-struck",
        cause=f"The mock server's fault {last.fault!r} struck {last.method} {last.target}, and the code did not cope.",
        confidence="likely",
        evidence=(
            *(
                f"server {one.server!r}: {one.method} {one.target} got {one.fault!r}, left {one.close}"
                for one in struck[-3:]
            ),
            f"{failure.type} was raised {at(failure)}",
        ),
        remedy=Remedy(
            text="Handle this failure where the request is made (retry, or tell the caller), or take the fault out of the test."
        ),
    )


RULES: Final = (
    Rule(
        name="server.fault-struck",
        looks_for="a request that a mock server's fault struck, before an error of the network",
        judge=_fault_struck,
    ),
    Rule(
        name="network.outside",
        looks_for="an address outside this machine, before an error of the network",
        judge=_outside,
    ),
    Rule(name="port.taken", looks_for="an address that is in use", judge=_port_taken),
    Rule(name="sqlite.locked", looks_for="SQLite's result codes for busy and locked", judge=_database_locked),
    Rule(
        name="sqlite.memory-per-connection",
        looks_for="an empty database in memory beside another one",
        judge=_memory_per_connection,
    ),
)
