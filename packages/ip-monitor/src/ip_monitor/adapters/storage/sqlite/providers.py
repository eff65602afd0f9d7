"""
Managed providers as rows. A specification is JSON; it is checked again when it is read, because a database can be edited.
"""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

from ip_monitor.adapters.storage.sqlite.schema import version_of
from ip_monitor.application.providers import ManagedProvider
from ip_monitor.domain.addresses import Family
from ip_monitor.domain.providers import ProviderSpec, ReplyFormat

if TYPE_CHECKING:
    import sqlite3

# A database that is only read may not be migrated yet.
_SINCE_VERSION = 2
_PLAIN = ("name", "url", "operator", "json_path", "weight", "timeout_s", "allow_plain_http", "allow_private_address")


def load(db: sqlite3.Connection) -> list[ManagedProvider]:
    """
    Raises:
        SourceRefusedError: a row that says what a specification may not say.
    """
    if version_of(db) < _SINCE_VERSION:
        return []
    rows = db.execute("SELECT spec, is_enabled, priority, is_custom FROM providers ORDER BY name")
    return [
        ManagedProvider(
            spec=_spec_of(json.loads(row["spec"])),
            is_enabled=bool(row["is_enabled"]),
            priority=row["priority"],
            is_custom=bool(row["is_custom"]),
        )
        for row in rows
    ]


def save(db: sqlite3.Connection, provider: ManagedProvider) -> None:
    db.execute(
        "INSERT INTO providers (name, is_enabled, priority, is_custom, spec) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO UPDATE SET is_enabled = excluded.is_enabled, priority = excluded.priority,"
        " is_custom = excluded.is_custom, spec = excluded.spec",
        (
            provider.spec.name,
            int(provider.is_enabled),
            provider.priority,
            int(provider.is_custom),
            json.dumps(_spec_json(provider.spec)),
        ),
    )


def delete(db: sqlite3.Connection, name: str) -> None:
    db.execute("DELETE FROM providers WHERE name = ?", (name,))


def _spec_json(spec: ProviderSpec) -> dict[str, object]:
    return {
        **{field: getattr(spec, field) for field in _PLAIN},
        "family": spec.family.value,
        "format": spec.format.value,
        "require_fields": spec.require_fields,
        "forbid_fields": spec.forbid_fields,
        "refused_ranges": [str(network) for network in spec.refused_ranges],
    }


def _spec_of(entry: dict[str, Any]) -> ProviderSpec:
    return ProviderSpec(
        **{field: entry[field] for field in _PLAIN},
        family=Family(entry["family"]),
        format=ReplyFormat(entry["format"]),
        require_fields=tuple((key, value) for key, value in entry["require_fields"]),
        forbid_fields=tuple((key, value) for key, value in entry["forbid_fields"]),
        refused_ranges=tuple(ipaddress.ip_network(text) for text in entry["refused_ranges"]),
    )
