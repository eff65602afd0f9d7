"""
What Home Assistant is told once, so that the entities appear by themselves, and what it is told again and again.

    <prefix>/<component>/<id>/<entity>/config   one for each entity, retained
    ip-monitor/<id>/state                       everything as one object of JSON, retained
    ip-monitor/<id>/availability                `online` or `offline`, retained; also the last will
    ip-monitor/<id>/check                       anything sent here checks now

Source: Home Assistant, "MQTT", sections discovery, sensor, binary sensor and button.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ip_monitor._version import __version__
from ip_monitor.adapters.mqtt.packets import Message
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.verdicts import VerdictKind
from ip_monitor.domain.wording import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from ip_monitor.application.admin import FamilyStatus, Status

ONLINE, OFFLINE = b"online", b"offline"
NOT_CHECKED = "unknown"
# Long enough to tell what is wrong, and below what Home Assistant takes as an attribute without complaint.
_LONGEST_TROUBLE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Entities:
    """
    The topics and descriptions of one monitor.

    Attributes:
        identity: tells this monitor from others at the same broker; stays the same over restarts.
        prefix: where Home Assistant looks for descriptions.
        families: those that are watched; the entities of the other one are taken away.
    """

    identity: str
    prefix: str
    families: frozenset[Family]

    @property
    def state_topic(self) -> str:
        return f"ip-monitor/{self.identity}/state"

    @property
    def availability_topic(self) -> str:
        return f"ip-monitor/{self.identity}/availability"

    @property
    def command_topic(self) -> str:
        return f"ip-monitor/{self.identity}/check"

    def available(self, *, is_here: bool) -> Message:
        return Message(topic=self.availability_topic, payload=ONLINE if is_here else OFFLINE, is_retained=True)

    def described(self) -> Iterator[Message]:
        """
        The descriptions, each to be retained; an empty one takes an entity away that is not watched.
        """
        yield self._config("sensor", "verdict", self._verdict())
        yield self._config("sensor", "checked_at", self._time("Last check", "checked_at", is_diagnostic=True))
        yield self._config("binary_sensor", "trouble", self._trouble())
        yield self._config("button", "check", self._button())
        for family in Family:
            label, key = family.label, family.label.lower()
            is_watched = family in self.families
            address = self._sensor(f"{label} address", f"{key}.address", icon="mdi:ip-network")
            since = self._time(f"{label} since", f"{key}.since")
            yield self._config("sensor", key, address if is_watched else None)
            yield self._config("sensor", f"{key}_since", since if is_watched else None)

    def state(
        self, known: Status, *, checked_at: datetime | None, next_at: datetime | None, troubles: Sequence[str]
    ) -> Message:
        """
        What is known now. What is not known is null, which Home Assistant shows as unknown.
        """
        found = {one.family: one for one in known.families}
        state = {
            "verdict": NOT_CHECKED if known.kind is None else known.kind.value,
            "checked_at": _stamp(checked_at),
            "next_check_at": _stamp(next_at),
            "trouble": "ON" if troubles else "OFF",
            "troubles": [text[:_LONGEST_TROUBLE] for text in troubles],
            **{family.label.lower(): _family(found.get(family)) for family in Family if family in self.families},
        }
        return Message(topic=self.state_topic, payload=_json(state), is_retained=True)

    def _config(self, component: str, entity: str, description: Mapping[str, Any] | None) -> Message:
        topic = f"{self.prefix}/{component}/{self.identity}/{entity}/config"
        if description is None:
            return Message(topic=topic, payload=b"", is_retained=True)
        common = {
            "unique_id": f"{self.identity}_{entity}",
            "availability_topic": self.availability_topic,
            "device": {
                "identifiers": [self.identity],
                "name": f"IP Monitor {self.identity}",
                "manufacturer": "IP Monitor",
                "model": "Public address",
                "sw_version": __version__,
            },
            "origin": {"name": "ip-monitor", "sw_version": __version__},
        }
        return Message(topic=topic, payload=_json({**description, **common}), is_retained=True)

    def _sensor(self, name: str, path: str, **more: Any) -> dict[str, Any]:
        return {
            "name": name,
            "state_topic": self.state_topic,
            "value_template": f"{{{{ value_json.{path} }}}}",
            **more,
        }

    def _time(self, name: str, path: str, *, is_diagnostic: bool = False) -> dict[str, Any]:
        more = {"entity_category": "diagnostic"} if is_diagnostic else {}
        return self._sensor(name, path, device_class="timestamp", **more)

    def _verdict(self) -> dict[str, Any]:
        kinds = [*(kind.value for kind in VerdictKind), NOT_CHECKED]
        return self._sensor("Verdict", "verdict", device_class="enum", options=kinds, icon="mdi:vote")

    def _trouble(self) -> dict[str, Any]:
        return self._sensor(
            "Trouble",
            "trouble",
            device_class="problem",
            entity_category="diagnostic",
            json_attributes_topic=self.state_topic,
            json_attributes_template="{{ {'troubles': value_json.troubles} | tojson }}",
        )

    def _button(self) -> dict[str, Any]:
        return {"name": "Check now", "command_topic": self.command_topic, "icon": "mdi:refresh"}


def _family(one: FamilyStatus | None) -> dict[str, Any]:
    current = None if one is None else one.current
    verdict = None if one is None or one.ballot is None else one.ballot.verdict
    return {
        "address": None if current is None else str(current.address),
        "since": None if current is None else stamp(current.since),
        "verdict": NOT_CHECKED if verdict is None else verdict.kind.value,
        "reason": None if verdict is None else verdict.reason,
    }


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
