"""
Announcing by email, to a real mail server on loopback with real TLS.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime

import pytest
import trustme
from ip_monitor.adapters.notifiers.email import EmailNotifier, EmailRefusedError, MailServer
from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.domain.changes import Change
from ip_monitor.domain.notices import Notice
from ip_monitor.testing import MockSMTPServer

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECRET = "p@ss:word"


def notice(number=1):
    change = Change(
        key=f"k{number}",
        address=ipaddress.ip_address(f"93.184.216.{number}"),
        previous=ipaddress.ip_address("93.184.216.200"),
        at=AT,
    )
    return Notice(key=f"k{number}:email", sink="email", change=change, attempts=0, created_at=AT, due_at=AT)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def contexts(authority):
    """
    The server's TLS context, and a client's that trusts it.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(client)
    return server, client


def notifier(server, *, scheme="smtp", login="", context=None, to=("bob@example.net", "eve@example.net")):
    url = f"{scheme}://{login}127.0.0.1:{server.port}"
    return EmailNotifier(url, sender="monitor@example.net", recipients=to, ssl_context=context)


async def test_a_change_arrives_as_mail_with_the_same_id_every_time():
    """
    So that a mail program that drops copies shows one.
    """
    async with MockSMTPServer() as server:
        sink = notifier(server)
        await sink.send(notice())
        await sink.send(notice())
        await sink.aclose()

    first, again = server.received
    assert first.recipients == ("bob@example.net", "eve@example.net")
    assert first.message["Subject"] == "IP Monitor: IPv4 address changed from 93.184.216.200 to 93.184.216.1"
    assert first.message["Message-ID"] == again.message["Message-ID"] == "<k1.email@ip-monitor.invalid>"
    assert "93.184.216.1" in first.message.get_content()
    assert first.message["Auto-Submitted"] == "auto-generated"


async def test_what_waited_is_one_mail():
    """
    Oldest first, the newest in the subject.
    """
    async with MockSMTPServer() as server:
        await notifier(server).send_digest([notice(1), notice(2), notice(3)])

    (mail,) = server.received
    assert mail.message["Subject"].startswith("IP Monitor: 3 changes; now IPv4 address changed")
    lines = mail.message.get_content().splitlines()
    assert [line.count(f"to 93.184.216.{n}") for n, line in enumerate(lines, 1)] == [1, 1, 1]


@pytest.mark.parametrize("implicit", [True, False])
async def test_credentials_go_over_tls_and_are_understood_with_their_punctuation(contexts, implicit):
    """
    From the first byte, or by STARTTLS.
    """
    server_context, client_context = contexts
    async with MockSMTPServer(
        ssl_context=server_context, is_implicit_tls=implicit, credentials=("bob", SECRET)
    ) as server:
        scheme = "smtps" if implicit else "smtp"
        await notifier(server, scheme=scheme, login="bob:p%40ss%3Aword@", context=client_context).send(notice())

    assert [(mail.is_encrypted, mail.user) for mail in server.received] == [(True, "bob")]


async def test_a_server_that_cannot_be_verified_gets_nothing(contexts):
    """
    Neither the notice nor the password.
    """
    async with MockSMTPServer(ssl_context=contexts[0], is_implicit_tls=True, credentials=("bob", SECRET)) as server:
        with pytest.raises(DeliveryFailedError, match="cannot be used") as failure:
            await notifier(server, scheme="smtps", login="bob:p%40ss%3Aword@").send(notice())

    assert server.received == []
    assert not failure.value.is_permanent
    assert SECRET not in str(failure.value)


@pytest.mark.parametrize(
    ("faults", "is_permanent", "said"),
    [
        ({"RCPT": ["550 5.1.1 no such user", "550 5.1.1 no such user"]}, True, "550 5.1.1 no such user"),
        ({"RCPT": ["451 try later", "451 try later"]}, False, "451 try later"),
        ({".": ["554 5.7.1 looks like spam"]}, True, "554"),
        ({".": ["452 4.3.1 disk full"]}, False, "452"),
        ({"connect": ["421 too busy"]}, False, "421"),
        ({"connect": ["drop"]}, False, "cannot be used"),
        ({"DATA": ["drop"]}, False, "cannot be used"),
        ({"EHLO": ["500 what", "500 what"], "HELO": ["500 what"]}, True, "500"),
    ],
)
async def test_a_refusal_tells_whether_trying_again_can_help(faults, is_permanent, said):
    """
    4yz may pass, 5yz does not, a cut line may pass.
    """
    async with MockSMTPServer() as server:
        server.faults.update(faults)
        with pytest.raises(DeliveryFailedError, match=said) as failure:
            await notifier(server).send(notice())

    assert failure.value.is_permanent is is_permanent
    assert server.received == []


async def test_a_wrong_password_keeps_the_notice(contexts):
    """
    The settings are to blame, and the notice goes out once they are mended.
    """
    async with MockSMTPServer(ssl_context=contexts[0], is_implicit_tls=True, credentials=("bob", SECRET)) as server:
        with pytest.raises(DeliveryFailedError, match="535") as failure:
            await notifier(server, scheme="smtps", login="bob:wrong@", context=contexts[1]).send(notice())

    assert not failure.value.is_permanent


async def test_one_refused_recipient_does_not_repeat_it_to_the_others():
    """
    What some took counts as delivered.
    """
    async with MockSMTPServer() as server:
        server.faults["RCPT"] = ["550 no such user"]
        await notifier(server).send(notice())

    assert [mail.recipients for mail in server.received] == [("eve@example.net",)]


async def test_nobody_there_is_told_without_the_password():
    """
    A port where nobody listens.
    """
    sink = EmailNotifier("smtp://bob:hunter2@127.0.0.1:1", sender="", recipients=["bob@example.net"])
    with pytest.raises(DeliveryFailedError, match="cannot be used") as failure:
        await sink.send(notice())

    assert "hunter2" not in str(failure.value)
    assert "hunter2" not in repr(sink)


async def test_a_cancelled_sending_leaves_nothing_open():
    """
    While the server says nothing.
    """
    async with MockSMTPServer() as server:
        server.faults["connect"] = ["hang"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await notifier(server).send(notice())


@pytest.mark.parametrize(
    "url", ["", "http://mail/", "smtp://", "smtps://host:99999", "smtps://host:0", "smtps://host/path", "smtps://[::1"]
)
def test_a_server_that_cannot_be_is_refused_without_its_url(url):
    """
    It may hold a password.
    """
    with pytest.raises(EmailRefusedError, match="mail server's URL") as refused:
        MailServer.parse(url)

    assert "host/" not in str(refused.value)
    assert "99999" not in str(refused.value)


@pytest.mark.parametrize("address", ["bob", "@host", "bob@", "bob@host, eve@host", "bob@host\nBcc: eve@host", "<b@h>"])
def test_an_address_that_cannot_be_is_refused(address):
    """
    Header injection among them.
    """
    with pytest.raises(EmailRefusedError, match="no mail address"):
        EmailNotifier("smtp://127.0.0.1", sender="", recipients=[address])
