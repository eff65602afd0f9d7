"""
What the page and its interfaces tell, and whom.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from ip_monitor.adapters.web.openapi import document
from prometheus_client.parser import text_string_to_metric_families

pytestmark = pytest.mark.asyncio(loop_scope="module")
READING = (
    "/api/v1/status",
    "/api/v1/providers",
    "/api/v1/changes",
    "/api/v1/changes/last",
    "/api/v1/why",
    "/api/v1/timeline",
    "/api/v1/queue",
    "/api/v1/health",
)
TOLD = (*READING, "/", "/metrics", "/badge.svg", "/changes/last")
SIGNED_IN = ("/api/v1/settings", "/api/v1/audit")
AN_ADDRESS = re.compile(rb"203\.0\.113\.\d+")


def schema_of(path):
    """
    What the document promises of a path's answer.
    """
    found = document()
    known = path.replace("/changes/last", "/changes/{key}")
    schema = found["paths"][known]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return {**schema, "components": found["components"]}


async def body(served, path, **options):
    async with served.get(path, **options) as response:
        return response.status, await response.read()


async def address(served):
    return (await (await served.get("/api/v1/status")).json())["families"][0]["address"].encode()


async def test_the_first_screen_tells_everything_without_a_script(served):
    """
    Address, since when, verdict, next check, providers, changes with their ballots, queue, health and log; and nothing in
    it that the content security policy forbids, or that comes from elsewhere.
    """
    known = await address(served)
    async with served.get("/") as response:
        html, policy = await response.text(), response.headers["Content-Security-Policy"]

    for part in (known.decode(), "since <time", "Next check <time", "alder IPv4", "agrees", "First ballot", "log</th>"):
        assert part in html
    assert "Database, checks and delivery work." in html
    assert not re.search(r"<script(?![^>]*src=\"/assets/)|style=|onclick=|https?://", html)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_the_whole_page_weighs_little(served):
    """
    At most 120 KiB compressed, with all that it brings along; and what did not change is not sent again.
    """
    html = (await body(served, "/"))[1]
    total = len(gzip.compress(html))
    for path in re.findall(r'(?:src|href|data-looks)="(/assets/[^"]+)"', html.decode()):
        async with served.get(path, headers={"Accept-Encoding": "gzip"}) as response:
            assert (response.status, "immutable" in response.headers["Cache-Control"]) == (200, True)
            total += int(response.headers["Content-Length"])
            again = {"If-None-Match": response.headers["ETag"]}
        assert (await body(served, path, headers=again)) == (304, b"")

    assert total <= 120 * 1024, total


@pytest.mark.parametrize("path", [*READING, *SIGNED_IN])
async def test_every_answer_is_as_the_document_says(served, path):
    """
    The OpenAPI document is no wish.
    """
    status, found = await body(served, path, headers=served.bearer)
    jsonschema.Draft202012Validator(
        schema_of(path), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(json.loads(found))

    assert status == 200


async def test_who_may_not_see_addresses_sees_none_anywhere(serve):
    """
    In no answer, page, picture, metric or event; who signed in sees them.
    """
    served = await serve(web_reading="masked")
    for path in TOLD:
        status, found = await body(served, path)
        assert (path, status, AN_ADDRESS.findall(found)) == (path, 200, [])
    assert b"203.0.x.x" in (await body(served, "/"))[1]
    async with served.get("/events?as=html") as stream:
        first = await asyncio.wait_for(stream.content.readuntil(b"health-head"), 10)
    assert b"203.0.x.x" in first
    assert not AN_ADDRESS.search(first)

    assert AN_ADDRESS.search((await body(served, "/api/v1/status", headers=served.bearer))[1])


@pytest.mark.parametrize(
    ("reading", "headers", "status"),
    [
        ("local", {}, 200),
        ("local", {"X-Forwarded-For": "192.0.2.7"}, 401),
        ("local", {"Forwarded": "for=192.0.2.7"}, 401),
        ("local", {"Host": "192.0.2.7"}, 401),
        ("signed_in", {}, 401),
        ("masked", {"X-Forwarded-For": "192.0.2.7"}, 200),
        ("public", {"X-Forwarded-For": "192.0.2.7"}, 200),
    ],
)
async def test_who_may_read_is_a_setting(serve, reading, headers, status):
    """
    By default this machine alone, and not what a proxy on it passes on.
    """
    served = await serve(web_reading=reading)

    assert (await body(served, "/api/v1/status", headers=headers))[0] == status
    assert (await body(served, "/healthz", headers=headers))[0] == 200
    assert (await body(served, "/api/v1/settings", headers=headers))[0] == 401


async def test_a_page_that_needs_signing_in_leads_there(serve):
    """
    A browser is sent to the form; a program is told what to send.
    """
    served = await serve(web_reading="signed_in")
    async with served.get("/", headers={"Accept": "text/html"}, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/sign-in")
    async with served.get("/") as response:
        assert (response.status, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="ip-monitor"')


async def test_metrics_name_no_address_and_can_be_read(served):
    """
    Prometheus' own parser takes them; no label holds what changes with the line.
    """
    found = (await body(served, "/metrics"))[1]
    families = {one.name: one for one in text_string_to_metric_families(found.decode())}

    assert {"ip_monitor_checks", "ip_monitor_verdict", "ip_monitor_provider_agrees", "ip_monitor_notices"} <= set(
        families
    )
    assert families["ip_monitor_provider_agrees"].samples[0].value == 1
    assert not AN_ADDRESS.search(found)


async def test_the_badge_is_a_picture(served):
    """
    Well-formed, and it says what is known.
    """
    known = await address(served)
    found = (await body(served, "/badge.svg"))[1]

    assert ET.fromstring(found).tag == "{http://www.w3.org/2000/svg}svg"
    assert known in found


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/changes?limit=0", 422),
        ("/api/v1/changes?limit=1001", 422),
        ("/api/v1/changes?limit=x", 422),
        ("/api/v1/changes?family=ipv5", 422),
        ("/api/v1/changes?before=%27%20OR%201", 422),
        ("/api/v1/changes/0000000000", 422),
        ("/changes/%3Cscript%3E", 422),
        ("/api/v1/nothing", 404),
        ("/assets/none.js", 404),
    ],
)
async def test_a_question_that_cannot_be_answered_says_why(served, path, status):
    """
    As JSON with a kind and a text, never a traceback.
    """
    async with served.get(path) as response:
        found = await response.json()

    assert response.status == status
    assert found["error"]["text"]


async def test_a_status_that_did_not_change_is_not_sent_again(served):
    """
    By its tag; and it changes with the next check.
    """
    async with served.get("/api/v1/status") as response:
        tag = {"If-None-Match": response.headers["ETag"]}
    assert (await body(served, "/api/v1/status", headers=tag))[0] == 304
    await served.stage.application.check()

    assert (await body(served, "/api/v1/status", headers=tag))[0] == 200


async def test_readiness_needs_checks_that_end(served, monkeypatch):
    """
    A monitor of which no check has ended for the time of three is not ready, which is what systemd is told too; a new check
    makes it so.
    """
    pulse = served.stage.application.pulse
    assert await body(served, "/readyz") == (200, b'{"status":"ok"}')
    monkeypatch.setattr(pulse, "_checked_s", pulse._checked_s - pulse.patience_s)
    status, told = await body(served, "/readyz")
    assert pulse.is_stuck
    await served.stage.application.check()

    assert (status, b"no check has ended for 108" in told) == (503, True)
    assert (pulse.is_stuck, (await body(served, "/readyz"))[0]) == (False, 200)
