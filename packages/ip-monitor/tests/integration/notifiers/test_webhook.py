"""
The signed webhook and the command sink, against a real server and real programs.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ip_monitor.adapters.notifiers.command import CommandNotifier
from ip_monitor.adapters.notifiers.posting import WebhookRefusedError
from ip_monitor.adapters.notifiers.webhook import WebhookNotifier, sign
from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.domain.changes import Change
from ip_monitor.domain.notices import Notice
from ip_monitor.resilience.clock import SystemClock
from ip_monitor.testing import MockWebhookServer, WebhookFault

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHANGE = Change(key="abc", address=ipaddress.ip_address("93.184.216.35"), previous=None, at=AT, operators=("ipify",))
NOTICE = Notice(key="abc:hook", sink="hook", change=CHANGE, attempts=0, created_at=AT, due_at=AT)
SECRET = b"0123456789abcdef0123"


async def test_a_change_is_posted_signed_under_its_key():
    """
    A receiver that follows Standard Webhooks can verify it, and acts once although it is told twice.
    """
    secret = "whsec_" + base64.b64encode(SECRET).decode()
    async with MockWebhookServer(secret=secret) as receiver:
        notifier = WebhookNotifier(receiver.hook_url, secret=secret, clock=SystemClock(), allow_plain_http=True)
        try:
            await notifier.send(NOTICE)
            await notifier.send(NOTICE)
        finally:
            await notifier.aclose()

    (acted,) = receiver.acted
    assert (acted.key, acted.is_signed, receiver.repeats) == ("abc:hook", True, 1)
    assert (acted.payload["type"], acted.payload["data"]["address"]) == ("ip.first", "93.184.216.35")
    assert {call.request.header("Idempotency-Key") for call in receiver.calls} == {"abc:hook"}


@pytest.mark.parametrize("sent", [None, "0123456789abcdef0124"])
async def test_a_receiver_refuses_what_is_not_signed_with_its_secret(sent):
    """
    For good: the same again would be refused again.
    """
    async with MockWebhookServer(secret=SECRET.decode()) as receiver:
        notifier = WebhookNotifier(receiver.hook_url, secret=sent, clock=SystemClock(), allow_plain_http=True)
        try:
            with pytest.raises(DeliveryFailedError, match="401") as caught:
                await notifier.send(NOTICE)
        finally:
            await notifier.aclose()

    assert caught.value.is_permanent
    assert receiver.acted == []


@pytest.mark.parametrize(
    ("trouble", "acted"),
    [
        (503, 0),
        (WebhookFault.HANG, 0),
        (WebhookFault.RESET, 0),
        (WebhookFault.CLOSE, 0),
        (WebhookFault.ANSWER_LOST, 1),
        (WebhookFault.ANSWER_RESET, 1),
    ],
)
async def test_a_trouble_of_the_receiver_passes_and_it_acts_once(trouble, acted):
    """
    Whether it had acted or not: the second try carries the same key.
    """
    async with MockWebhookServer() as receiver:
        receiver.faults_to_come, receiver.retry_after_s = [trouble], 7
        notifier = WebhookNotifier(receiver.hook_url, clock=SystemClock(), allow_plain_http=True)
        try:
            if trouble is WebhookFault.HANG:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(notifier.send(NOTICE), 0.2)
            else:
                with pytest.raises(DeliveryFailedError) as caught:
                    await notifier.send(NOTICE)
                assert not caught.value.is_permanent
                assert caught.value.retry_after_s == (7 if trouble == 503 else None)
            assert len(receiver.acted) == acted
            await notifier.send(NOTICE)
        finally:
            await notifier.aclose()

    assert [one.key for one in receiver.acted] == ["abc:hook"]
    assert receiver.repeats == 1


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
