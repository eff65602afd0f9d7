"""
Announcing through the real Apprise, to a web server on loopback.
"""

from __future__ import annotations

import ipaddress
import json
import threading
from datetime import UTC, datetime

import pytest
from hermetic.world.http import MockServer
from ip_monitor.adapters.notifiers.apprise import AppriseNotifier, AppriseRefusedError
from ip_monitor.application.ports import DeliveryFailedError
from ip_monitor.domain.changes import Change
from ip_monitor.domain.notices import Notice

# Apprise's own pool and log handler belong to the process: it makes them once, and cannot do without them again.
pytestmark = pytest.mark.hermetic(
    "executor.* = off", "thread = off", "stain.logging = off", reason="they live as long as the process, by its design"
)
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def notice(number=1):
    change = Change(key=f"k{number}", address=ipaddress.ip_address(f"93.184.216.{number}"), previous=None, at=AT)
    return Notice(key=f"k{number}:apprise", sink="apprise", change=change, attempts=0, created_at=AT, due_at=AT)


@pytest.fixture
async def receiver():
    async with MockServer("receiver", seed=7) as server:
        yield server


async def test_a_change_and_what_waited_arrive(receiver):
    """
    As title and body.
    """
    hook = receiver.post("/hook").status(200)
    sink = AppriseNotifier([receiver.url_for("/hook").replace("http://", "json://")])
    await sink.send(notice())
    await sink.send_digest([notice(1), notice(2)])
    await sink.aclose()

    told = [json.loads(call.request.body) for call in hook.calls]
    assert told[0]["title"] == "IPv4 address is 93.184.216.1"
    assert told[1]["title"] == "2 changes; now IPv4 address is 93.184.216.2"
    assert len(told[1]["message"].splitlines()) == 2


async def test_a_service_that_refuses_is_tried_again_and_told_without_its_address(receiver):
    """
    Addresses hold secrets.
    """
    receiver.post("/secret-token").status(500)
    sink = AppriseNotifier([receiver.url_for("/secret-token").replace("http://", "json://")])
    with pytest.raises(DeliveryFailedError, match="did not take it") as failure:
        await sink.send(notice())

    assert not failure.value.is_permanent
    assert "secret" not in str(failure.value) + repr(sink)


async def test_a_library_that_hangs_has_one_thread_and_the_loop_goes_on():
    """
    The try ends at its timeout, the next is refused while the thread hangs, and a later one goes through.
    """
    sink = AppriseNotifier([], timeout_s=0.05)
    release = threading.Event()

    class Hanging:
        def notify(self, **_):
            release.wait(20)
            return True

    sink._apprise = Hanging()
    try:
        with pytest.raises(DeliveryFailedError, match=r"within 0.05 s"):
            await sink.send(notice())
        with pytest.raises(DeliveryFailedError, match="still hangs"):
            await sink.send(notice())
    finally:
        release.set()
        for thread in threading.enumerate():
            if thread.name == "ip-monitor-apprise":
                thread.join(20)
    sink._timeout_s = 20
    await sink.send(notice())


def test_an_address_that_apprise_does_not_know_is_refused_by_its_place():
    """
    Only the scheme is shown.
    """
    with pytest.raises(AppriseRefusedError, match=r"address 2 of the setting apprise, nosuch://…") as refused:
        AppriseNotifier(["json://127.0.0.1/", "nosuch://token@host"])

    assert "token" not in str(refused.value)
