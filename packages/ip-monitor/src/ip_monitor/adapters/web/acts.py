"""
What the page lets people do once they are signed in, and how it tells them what came of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ip_monitor.application.admin.dispatch import ACTIONS, UseCaseRefusedError, dispatch
from ip_monitor.domain.audit import Actor
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ip_monitor.application.admin import Admin

ALLOWED = (
    "watch.check_now",
    "notify.mute",
    "notify.unmute",
    "notify.test",
    "providers.enable",
    "providers.disable",
    "providers.test",
    "queue.start",
    "queue.stop",
    "queue.retry",
    "config.set",
    "config.unset",
    "config.reload",
)
"""
The use cases that can be had over HTTP. Adding providers and ending the monitor are left to who is on the machine.
"""
LOCAL_ONLY = frozenset({"command", "discord_token_file", "mqtt_ca", "web", "web_certificate", "web_key"})
"""
Settings that decide which programs run and which files are read: a stolen session must not reach that far.
"""


class NotOverThePageError(IPMonitorError, ValueError):
    """
    It can be done, and not from here.
    """


async def act(admin: Admin, name: str, arguments: Mapping[str, Any], *, peer: str) -> Any:
    """
    Do it, in the name of who is signed in; gives what the use case returns, as JSON can hold it.

    Raises:
        UseCaseRefusedError: there is no such action, or it takes other arguments.
        NotOverThePageError: a setting that is out of the page's reach.
        IPMonitorError: what the use case raises.
    """
    if name not in ALLOWED:
        raise UseCaseRefusedError(f"there is no action {name[:60]!r}. There are: {', '.join(ALLOWED)}.")
    if name.startswith("config.") and arguments.get("name") in LOCAL_ONLY:
        raise NotOverThePageError(f"{arguments['name']} can be set only on the machine: ip-monitor config set.")
    return await dispatch(admin, name, arguments, by=Actor(name=f"signed in from {peer}", via="page"))


def from_form(words: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """
    The action and its arguments in the fields of a form: `do`, which may be followed by the name of what it is done to,
    and the rest by their names. Numbers are read as such where the use case takes them.
    """
    name, _, subject = words.get("do", "").partition(" ")
    takes = ACTIONS.get(name, {})
    arguments: dict[str, Any] = {"name": subject} if subject else {}
    for key, value in words.items():
        if key in takes:
            arguments[key] = _number(value) if float in takes[key] else value
    return name, arguments


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def told(name: str, arguments: Mapping[str, Any], result: Any) -> str:
    """
    What came of it, in a sentence.
    """
    subject = arguments.get("name") or arguments.get("sink") or ""
    say = _SAY.get(name)
    return say(subject, result) if say else "Done."


def _checked(_subject: str, result: Any) -> str:
    verdicts = [ballot["verdict"] for ballot in result["check"]["ballots"]]
    said = "; ".join(str(one["address"] or one["reason"]) for one in verdicts)
    return f"{'Checked a moment ago' if result['is_remembered'] else 'Checked'}: {said}."


def _tested(_subject: str, result: Any) -> str:
    return "; ".join(f"{one['provider']}: {one['address'] or one['detail']}" for one in result) + "."


def _announced(_subject: str, result: Any) -> str:
    told = [f"{one['sink']}: {'delivered' if one['is_delivered'] else one['why']}" for one in result]
    return "; ".join(told) + "." if told else "There is no sink but the log."


def _set(_subject: str, result: Any) -> str:
    after = " Needs a restart." if result["needs_restart"] else ""
    return f"{result['name']} is {result['after'] or 'none'} now, was {result['before'] or 'none'}.{after}"


_SAY: Mapping[str, Callable[[str, Any], str]] = {
    "watch.check_now": _checked,
    "notify.mute": lambda _, result: f"Announcements to people wait until {result['muted_until'][:16]} UTC.",
    "notify.unmute": lambda _subject, _result: "Announcements are sent again.",
    "notify.test": _announced,
    "providers.enable": lambda subject, _: f"{subject} is asked from now on.",
    "providers.disable": lambda subject, _: f"{subject} is not asked any more.",
    "providers.test": _tested,
    "queue.start": lambda _subject, _result: "The queue sends again.",
    "queue.stop": lambda _subject, _result: "The queue is stopped; nothing is lost.",
    "queue.retry": lambda _, result: f"{result} announcements are due now.",
    "config.set": _set,
    "config.unset": _set,
    "config.reload": lambda _, result: f"Changed: {', '.join(result['changed']) or 'nothing'}.",
}
