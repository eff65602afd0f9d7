"""
Signing in, what may be done then, and what keeps others from doing it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
import stat

import pytest
import trustme
from ip_monitor.adapters.web.server import tls_context
from ip_monitor.bootstrap.web import CertificateRefusedError, _tls
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.audit import Actor
from ip_monitor.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def do(served, action, **arguments):
    async with served.post(f"/api/v1/actions/{action}", json=arguments, headers=served.bearer) as response:
        return response.status, await response.json()


async def test_signing_in_gives_a_cookie_that_no_script_and_no_other_site_can_use(served):
    """
    HttpOnly, SameSite=Strict, of this host alone; and nothing of the token in it.
    """
    async with served.post("/sign-in", data={"token": served.token}) as response:
        cookie = response.headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    assert served.token not in cookie


async def test_under_tls_the_cookie_is_for_tls_alone(serve):
    """
    A proxy's origin in the settings is enough to know.
    """
    served = await serve(web_origins=("https://ip.example.net",))
    headers = {"Host": "ip.example.net", "Origin": "https://ip.example.net"}
    async with served.post("/sign-in", data={"token": served.token}, headers=headers) as response:
        assert response.status == 303
        assert "Secure" in response.headers["Set-Cookie"]


@pytest.fixture
def certificate(tmp_path):
    """
    Files of a certificate for this machine, and a client's context that trusts it.
    """
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    trusts = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trusts)
    return tmp_path / "certificate.pem", tmp_path / "key.pem", trusts


async def test_the_page_speaks_tls_itself(serve, certificate):
    """
    Signing in, acting and looking live over TLS; the cookie is for TLS alone; a form of the same name without TLS comes from
    elsewhere.
    """
    path, key, trusts = certificate
    served = await serve(tls=tls_context(path, key), trusts=trusts)
    async with served.post("/sign-in", data={"token": served.token}) as response:
        cookie = response.headers["Set-Cookie"]
    csrf = await served.sign_in()
    form, plain = {"csrf": csrf, "do": "notify.unmute"}, {"Origin": f"http://127.0.0.1:{served.port}"}
    async with served.post("/act", data=form, headers=plain) as response:
        from_plain = response.status
    async with served.post("/act", data=form, headers={"Origin": f"https://127.0.0.1:{served.port}"}) as response:
        from_here = response.status
    async with served.get("/events") as stream:
        live = await stream.content.readline()

    assert served.server.url.startswith("https://127.0.0.1:")
    assert {"HttpOnly", "Secure", "SameSite=Strict"} <= {part.strip() for part in cookie.split(";")}
    assert (from_plain, from_here) == (403, 303)
    assert live == b"retry: 2000\n"


async def test_nothing_is_told_without_tls_where_there_is_tls(serve, certificate):
    """
    Neither to who speaks plain HTTP, nor in a version that is not safe any more.
    """
    path, key, trusts = certificate
    served = await serve(tls=tls_context(path, key), trusts=trusts)
    plain = await served.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert b"HTTP" not in plain
    assert tls_context(path, key).minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_a_certificate_that_cannot_be_used_is_named(certificate, tmp_path):
    """
    Before anything is served: a file that is missing, and a key of another certificate.
    """
    path, _, _ = certificate
    other = trustme.CA().issue_cert("127.0.0.1")
    other.private_key_pem.write_to_path(tmp_path / "other.pem")
    for key in (tmp_path / "missing.pem", tmp_path / "other.pem", path):
        settings = Settings(database=tmp_path / "ip.sqlite3", web_certificate=path, web_key=key)
        with pytest.raises(CertificateRefusedError, match="Give a PEM certificate chain and its unencrypted key"):
            await _tls(settings)


async def test_only_a_hash_of_the_token_is_kept(served):
    """
    In a file for its owner's eyes.
    """
    path = served.stage.token_file.path

    assert path.read_text().strip() == hashlib.sha256(served.token.encode()).hexdigest()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_wrong_tokens_are_refused_and_counted(served):
    """
    Ten a minute, then nobody gets in, by form or by header, not even with the right one; reading goes on.
    """
    statuses = []
    for _ in range(11):
        async with served.post("/sign-in", data={"token": "wrong"}) as response:
            statuses.append(response.status)
    async with served.get("/api/v1/settings", headers=served.bearer) as response:
        refused = response.status, response.headers["Retry-After"]

    assert statuses == [403] * 10 + [429]
    assert refused[0] == 429
    assert 1 <= int(refused[1]) <= 60
    async with served.get("/api/v1/status") as response:
        assert response.status == 200


async def test_a_new_token_signs_everybody_out(served):
    """
    At once: sessions and the old token alike.
    """
    await served.sign_in()
    async with served.get("/api/v1/audit") as response:
        assert response.status == 200
    await asyncio.to_thread(served.stage.token_file.renew)
    async with served.get("/api/v1/audit") as response:
        assert response.status == 401
    async with served.get("/api/v1/audit", headers=served.bearer) as response:
        assert response.status == 401


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({}, {}, 403),
        ({"csrf": "wrong"}, {}, 403),
        ({"csrf": True}, {"Origin": "http://evil.example"}, 403),
        ({"csrf": True}, {"Origin": "null"}, 403),
        ({"csrf": True}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({"csrf": True}, {"Sec-Fetch-Site": "same-site"}, 403),
        ({"csrf": True}, {}, 303),
        ({"csrf": True}, {"Sec-Fetch-Site": "same-origin"}, 303),
    ],
)
async def test_a_form_of_another_site_does_nothing(served, fields, headers, status):
    """
    It needs the session's own CSRF token, and to come from this page.
    """
    csrf = await served.sign_in()
    words = {"do": "notify.unmute", **fields}
    if fields.get("csrf") is True:
        words["csrf"] = csrf
    async with served.post("/act", data=words, headers=headers) as response:
        assert response.status == status
    async with served.post("/api/v1/actions/notify.unmute", json={}) as response:
        assert response.status == 403


async def test_what_is_done_is_done_and_in_the_audit(served):
    """
    By the token of a program: check now, mute, a provider off and on, the queue; each in the name of the page.
    """
    status, found = await do(served, "watch.check_now")
    assert (status, found["result"]["check"]["ballots"][0]["verdict"]["is_decisive"]) == (200, True)
    assert (await do(served, "notify.mute", for_s=3600))[0] == 200
    assert served.stage.application.quiet.status().remaining_s > 3000
    assert (await do(served, "notify.unmute"))[0] == 200
    assert (await do(served, "providers.disable", name="cedar IPv4"))[0] == 200
    assert len(served.stage.application.sources) == 2
    assert (await do(served, "providers.enable", name="cedar IPv4"))[0] == 200
    assert (await do(served, "queue.stop"))[0] == 200
    assert served.stage.application.delivery.is_stopped
    assert (await do(served, "queue.start"))[0] == 200
    entries = await served.stage.application.admin.audit.entries(limit=3)

    assert [(one.action, one.via) for one in entries] == [
        ("queue.start", "page"),
        ("queue.stop", "page"),
        ("providers.enable", "page"),
    ]


@pytest.mark.parametrize(
    ("action", "arguments", "status"),
    [
        ("watch.stop", {}, 422),
        ("providers.add", {"name": "x", "url": "https://ip.example.net"}, 422),
        ("config.save", {}, 422),
        ("nothing", {}, 422),
        ("notify.mute", {"for_s": "long"}, 422),
        ("notify.mute", {"for_s": 1e9}, 422),
        ("notify.mute", {}, 422),
        ("providers.disable", {"name": "nobody"}, 404),
        ("config.set", {"name": "command", "value": "/bin/sh"}, 422),
        ("config.set", {"name": "web_key", "value": "/etc/shadow"}, 422),
        ("config.set", {"name": "webhook_secret", "value": "0123456789abcdef"}, 422),
    ],
)
async def test_what_may_not_be_done_over_the_page_is_refused_with_its_reason(served, action, arguments, status):
    """
    Whatever reaches the machine itself, and whatever cannot be.
    """
    found = await do(served, action, **arguments)

    assert found[0] == status
    assert found[1]["error"]["text"]


@pytest.mark.parametrize("data", [b"{", b"[]", b"7", b"\xff", b"[" * 30_000])
async def test_a_body_that_is_no_object_is_refused(served, data):
    """
    Without a defect in the log.
    """
    headers = {**served.bearer, "Content-Type": "application/json"}
    async with served.post("/api/v1/actions/notify.unmute", data=data, headers=headers) as response:
        assert response.status == 400


async def statuses(response):
    """
    The data of each `status` event.
    """
    while line := await response.content.readline():
        if line.strip() == b"event: status":
            yield json.loads((await response.content.readline()).removeprefix(b"data: "))


async def test_a_change_is_told_live(served):
    """
    To programs as JSON, while they listen.
    """
    line = served.stage.services.line
    async with served.get("/events") as stream, asyncio.timeout(20):
        told = statuses(stream)
        assert (await anext(told))["families"][0]["address"] == str(line.address(Family.V4))
        line.change()
        await served.stage.application.check()
        while (await anext(told))["families"][0]["address"] != str(line.address(Family.V4)):
            pass


async def test_what_is_done_elsewhere_is_told_live(served):
    """
    As by a command: the page of everybody who looks shows it.
    """
    admin, by = served.stage.application.admin, Actor(name="alice", via="command line")
    async with served.get("/events?as=html") as stream, asyncio.timeout(20):
        assert await stream.content.readline()
        await admin.notify.mute(for_s=3600, by=by)
        while b"<strong>Muted</strong>" not in await stream.content.readline():
            pass
    await admin.notify.unmute(by=by)


async def test_signing_out_ends_the_streams_of_the_session(served):
    """
    Who may not look any more does not.
    """
    csrf = await served.sign_in()
    async with served.get("/events") as stream:
        assert await stream.content.readline()
        async with served.post("/sign-out", data={"csrf": csrf}) as response:
            assert response.status == 303
        async with asyncio.timeout(10):
            while await stream.content.readline():
                pass
    async with served.get("/settings") as response:
        assert response.status == 401
