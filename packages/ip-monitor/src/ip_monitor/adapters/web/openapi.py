"""
The description of the interfaces, for tools that make clients, and for tests that hold every answer against it.

Source: OpenAPI Specification 3.1.0; JSON Schema 2020-12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ip_monitor._version import __version__
from ip_monitor.adapters.web.acts import ALLOWED
from ip_monitor.domain.answers import FailureKind, Transport
from ip_monitor.domain.verdicts import VerdictKind

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SECONDS: Schema = {"type": "number", "minimum": 0}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_ADDRESS: Schema = {"type": "string", "description": "An IP address; its first part only, where readers see it masked."}
_FAMILY: Schema = {"enum": ["IPv4", "IPv6"]}
_VERDICT: Schema = {"enum": [kind.value for kind in VerdictKind]}
_KEY: Schema = {"type": "string", "pattern": "^[0-9A-Za-z]{1,64}$"}


def document() -> Schema:
    """
    The whole, as JSON can hold it.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "IP Monitor",
            "version": __version__,
            "license": {"name": "MIT", "identifier": "MIT"},
            "description": "Times are RFC 3339 in UTC; keys that end in `_s` are seconds.",
        },
        "servers": [{"url": "/"}],
        "paths": _paths(),
        "components": {"schemas": _schemas(), "securitySchemes": _SECURITY},
    }


_SECURITY: Schema = {
    "token": {"type": "http", "scheme": "bearer", "description": "What `ip-monitor token` printed."},
}


def _paths() -> Schema:
    reading: dict[str, tuple[str, str, list[Schema]]] = {
        "/api/v1/status": ("The address of each family, the verdict, and when the next check is due.", "Status", []),
        "/api/v1/providers": ("Every provider with its last answer.", "Providers", []),
        "/api/v1/changes": (
            "Changes, newest first.",
            "Changes",
            [
                _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 20}),
                _parameter("before", _KEY),
                _parameter("family", {"enum": ["ipv4", "ipv6"]}),
            ],
        ),
        "/api/v1/changes/{key}": (
            "A change and the ballots that decided it; the beginning of its key is enough, and `last` is the newest.",
            "Explained",
            [{**_parameter("key", _KEY), "in": "path", "required": True}],
        ),
        "/api/v1/why": ("The last ballot of each family.", "Ballots", []),
        "/api/v1/timeline": ("The newest changes as columns, for a chart.", "Timeline", []),
        "/api/v1/queue": ("Announcements on their way.", "Queue", []),
        "/api/v1/health": ("What is wrong now.", "Health", []),
    }
    signed_in: dict[str, tuple[str, str, list[Schema]]] = {
        "/api/v1/settings": ("Every setting, and where it came from; secrets stay hidden.", "Settings", []),
        "/api/v1/audit": (
            "Who did what, newest first.",
            "Audit",
            [_parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 20})],
        ),
    }
    paths: Schema = {path: {"get": _question(path, *told)} for path, told in {**reading, **signed_in}.items()}
    for path in signed_in:
        paths[path]["get"]["security"] = [{"token": []}]
    paths["/api/v1/actions/{name}"] = {"post": _action()}
    paths["/healthz"] = {"get": _question("/healthz", "This process answers.", "State", [])}
    paths["/readyz"] = {"get": _question("/readyz", "The monitor does its work.", "State", [])}
    paths["/readyz"]["get"]["responses"]["503"] = _answer("It does not; the status says why.", "State")
    for path, kind, text in (
        ("/metrics", "text/plain", "Metrics for Prometheus."),
        ("/badge.svg", "image/svg+xml", "The state as a picture."),
    ):
        paths[path] = {"get": _question(path, text, "", [])}
        paths[path]["get"]["responses"]["200"] = {"description": text, "content": {kind: {"schema": _TEXT}}}
    return paths


def _parameter(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _answer(text: str, schema: str) -> Schema:
    return {"description": text, "content": {"application/json": {"schema": _ref(schema)}}}


def _question(path: str, text: str, schema: str, parameters: list[Schema]) -> Schema:
    name = (
        path.removeprefix("/api/v1/").strip("/").replace("/", "_").replace("{", "").replace("}", "").replace(".", "_")
    )
    return {
        "operationId": f"read_{name}",
        "summary": text,
        "parameters": parameters,
        "responses": {
            "200": _answer(text, schema or "State"),
            "304": {"description": "As it was, by If-None-Match."},
            "401": _answer("Sign in first.", "Error"),
            "421": _answer("The Host header names another host.", "Error"),
            **({"422": _answer("A parameter that cannot be used.", "Error")} if parameters else {}),
            "429": _answer("Too many wrong tokens.", "Error"),
            "503": _answer("The database cannot be read.", "Error"),
        },
    }


def _action() -> Schema:
    refusals = {
        "400": "The body cannot be read.",
        "401": "Sign in first.",
        "403": "A session without its CSRF token, or another site's page.",
        "404": "What it names is not there.",
        "409": "It cannot be done here and now.",
        "413": "The body is too large.",
        "421": "The Host header names another host.",
        "422": "There is no such action, or it takes other arguments.",
        "429": "Too often.",
        "503": "The database cannot be used.",
    }
    return {
        "operationId": "act",
        "summary": "Do something; what it takes is what the use case of that name takes.",
        "security": [{"token": []}],
        "parameters": [{"name": "name", "in": "path", "required": True, "schema": {"enum": list(ALLOWED)}}],
        "requestBody": {
            "required": False,
            "content": {"application/json": {"schema": {"type": "object", "additionalProperties": True}}},
        },
        "responses": {
            "200": _answer("Done.", "Done"),
            **{status: _answer(text, "Error") for status, text in refusals.items()},
        },
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _schemas() -> Mapping[str, Schema]:
    return {
        "State": _object(status=_TEXT),
        "Error": _object(error=_object(kind=_TEXT, text=_TEXT)),
        "Done": _object(result={}),
        **_watching(),
        **_deciding(),
        **_telling(),
    }


def _watching() -> Mapping[str, Schema]:
    return {
        "Family": _object(
            family=_FAMILY,
            address=_maybe(_ADDRESS),
            since=_maybe(_MOMENT),
            seen_at=_maybe(_MOMENT),
            verdict=_maybe(_VERDICT),
            reason=_maybe(_TEXT),
            is_decisive=_maybe(_FLAG),
            operators=_list(_TEXT),
            checked_at=_maybe(_MOMENT),
        ),
        "Status": _object(
            version=_TEXT,
            verdict=_maybe(_VERDICT),
            is_checking=_FLAG,
            is_confirming=_FLAG,
            checked_at=_maybe(_MOMENT),
            next_check_at=_maybe(_MOMENT),
            families=_list(_ref("Family")),
        ),
        "Provider": _object(
            name=_TEXT,
            operator=_TEXT,
            family=_FAMILY,
            transport={"enum": [transport.value for transport in Transport]},
            is_enabled=_FLAG,
            answered_at=_maybe(_MOMENT),
            latency_s=_maybe(_SECONDS),
            address=_maybe(_ADDRESS),
            failure=_maybe({"enum": [kind.value for kind in FailureKind]}),
            detail=_maybe(_TEXT),
            agrees=_maybe(_FLAG),
            score=_maybe({"type": "number", "minimum": 0, "maximum": 100}),
        ),
        "Providers": _object(providers=_list(_ref("Provider"))),
    }


def _deciding() -> Mapping[str, Schema]:
    return {
        "Change": _object(
            key=_KEY,
            at=_MOMENT,
            family=_FAMILY,
            address=_ADDRESS,
            previous=_maybe(_ADDRESS),
            previous_lasted_s=_maybe(_SECONDS),
            operators=_list(_TEXT),
            pool=_list(_ADDRESS),
        ),
        "Changes": _object(changes=_list(_ref("Change")), before=_maybe(_KEY)),
        "Answer": _object(
            source=_TEXT,
            operator=_TEXT,
            transport=_TEXT,
            latency_s=_SECONDS,
            address=_maybe(_ADDRESS),
            failure=_maybe(_TEXT),
            detail=_maybe(_TEXT),
        ),
        "Ballot": _object(
            family=_FAMILY,
            at=_MOMENT,
            verdict=_VERDICT,
            address=_maybe(_ADDRESS),
            addresses=_list(_ADDRESS),
            previous=_maybe(_ADDRESS),
            reason=_TEXT,
            is_decisive=_FLAG,
            operators=_list(_TEXT),
            weight={"type": "number"},
            weight_of_all={"type": "number"},
            answers=_list(_ref("Answer")),
        ),
        "Ballots": _object(ballots=_list(_ref("Ballot"))),
        "Explained": _object(change=_maybe(_ref("Change")), ballots=_list(_ref("Ballot"))),
        "Columns": _object(at_s=_list({"type": "number"}), index=_list(_COUNT)),
        "Timeline": _object(
            addresses=_list(_ADDRESS),
            families={"type": "object", "additionalProperties": _ref("Columns")},
            now_s={"type": "number"},
        ),
    }


def _telling() -> Mapping[str, Schema]:
    return {
        "Queue": _object(
            is_stopped=_FLAG,
            quiet=_object(muted_until=_maybe(_MOMENT), hours=_TEXT, remaining_s=_SECONDS),
            sinks=_list(
                _object(
                    sink=_TEXT,
                    pending=_COUNT,
                    delivered=_COUNT,
                    failed=_COUNT,
                    expired=_COUNT,
                    is_quiet=_FLAG,
                    is_set=_FLAG,
                )
            ),
        ),
        "Health": _object(
            is_well=_FLAG,
            troubles=_list(_object(at=_MOMENT, topic=_TEXT, what=_TEXT, remedy=_TEXT, count=_COUNT)),
        ),
        "Settings": _object(
            settings=_list(
                _object(name=_TEXT, value=_TEXT, origin=_TEXT, takes=_TEXT, description=_TEXT, applies_live=_FLAG)
            )
        ),
        "Audit": _object(
            entries=_list(
                _object(
                    at=_MOMENT,
                    who=_TEXT,
                    via=_TEXT,
                    action=_TEXT,
                    subject=_TEXT,
                    before=_TEXT,
                    after=_TEXT,
                    refused=_TEXT,
                )
            )
        ),
    }
