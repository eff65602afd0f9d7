"""
The signed webhook and the command sink, against a real server and real programs.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from ip_monitor.adapters.notifiers.command import CommandNotifier
from ip_monitor.adapters.notifiers.posting import WebhookRefusedError
from ip_monitor.adapters.notifiers.webhook import WebhookNotifier, sign
from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.domain.changes import Change
from ip_monitor.domain.notices import Notice
from ip_monitor.resilience.clock import SystemClock

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHANGE = Change(key="abc", address=ipaddress.ip_address("93.184.216.35"), previous=None, at=AT, operators=("ipify",))
NOTICE = Notice(key="abc:hook", sink="hook", change=CHANGE, attempts=0, created_at=AT, due_at=AT)
SECRET = b"0123456789abcdef0123"


@pytest.fixture
async def receiver():
    got = []

    async def handle(request):
        got.append((request.headers.copy(), await request.read()))
        return web.Response(status=204)

    server = RawTestServer(handle)
    await server.start_server()
    server.got = got
    yield server
    await server.close()


async def test_a_change_is_posted_signed_under_its_key(receiver):
    """
    A receiver that follows Standard Webhooks can verify it, and repetitions carry the same id.
    """
    encoded = "whsec_" + base64.b64encode(SECRET).decode()
    notifier = WebhookNotifier(str(receiver.make_url("/x")), secret=encoded, clock=SystemClock(), allow_plain_http=True)
    try:
        await notifier.send(NOTICE)
        await notifier.send(NOTICE)
    finally:
        await notifier.aclose()

    headers, body = receiver.got[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == expected
    assert {"abc:hook"} == {h[name] for h, _ in receiver.got for name in ("webhook-id", "Idempotency-Key")}
    message = json.loads(body)
    assert (message["type"], message["data"]["address"]) == ("ip.first", "93.184.216.35")


def test_the_signature_matches_a_known_value():
    """
    A fixed example, computed by openssl, guards against a change of what is signed.
    """
    signature = sign(SECRET, message_id="msg_1", timestamp=1700000000, body=b'{"a":1}')

    assert signature == "v1,xm6GpxGXraZu0XHy2pk9qWR5Ffm0RVXTKoksUb91jPU="


@pytest.mark.parametrize("secret", ["", "short", "whsec_!!!", "whsec_QUJD"])
def test_a_weak_or_broken_secret_is_refused_without_quoting_it(secret):
    """
    The message says how to make one.
    """
    with pytest.raises(WebhookRefusedError) as caught:
        WebhookNotifier("https://hook.example/", secret=secret, clock=SystemClock())

    assert not secret or secret not in str(caught.value)


async def test_a_command_gets_the_change_in_its_environment(tmp_path):
    """
    Nothing passes through a shell.
    """
    out = tmp_path / "out"
    code = f"import os; open({str(out)!r}, 'w').write(os.environ['IP_MONITOR_ADDRESS'] + ' ' + os.environ['IP_MONITOR_KEY'])"

    await CommandNotifier([sys.executable, "-c", code]).send(NOTICE)

    assert out.read_text() == "93.184.216.35 abc:hook"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([sys.executable, "-c", "import sys; sys.exit('no\\nroom')"], "ended with 1: no room"),
        (["/does/not/exist"], "cannot be started"),
    ],
)
async def test_a_failing_command_is_tried_again(arguments, said):
    """
    With what it said as the reason.
    """
    with pytest.raises(DeliveryFailedError, match=said) as caught:
        await CommandNotifier(arguments).send(NOTICE)

    assert not caught.value.is_permanent


async def test_a_command_that_hangs_is_ended_with_everything_it_started(tmp_path):
    """
    Its children too: a whole process group ends.
    """
    pids = tmp_path / "pids"
    code = (
        "import subprocess, sys, os, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(pids)!r} + '.new', 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(pids)!r} + '.new', {str(pids)!r})\n"
        "time.sleep(600)\n"
    )

    with pytest.raises(DeliveryFailedError, match="did not end"):
        await CommandNotifier([sys.executable, "-c", code], timeout_s=1.0).send(NOTICE)

    if pids.exists():
        async with asyncio.timeout(10):
            for pid in map(int, pids.read_text().split()):
                while _is_running(pid):  # noqa: ASYNC110 - the end of somebody else's child raises no event
                    await asyncio.sleep(0.01)


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
