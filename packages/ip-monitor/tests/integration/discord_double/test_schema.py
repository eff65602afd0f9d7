"""
The compiled schemas judge as a general validator does, on valid bodies and on those that were spoilt in one place.
"""

from __future__ import annotations

import copy
import random

import jsonschema
import pytest
import referencing
from ip_monitor.testing.discord.openapi import document
from ip_monitor.testing.discord.schema import Schemas
from ip_monitor.testing.discord.validation import faults_in_answer, faults_in_component, faults_in_request
from referencing.jsonschema import DRAFT202012

BUTTON = {"type": 2, "style": 1, "label": "b", "custom_id": "b"}
SELECT = {"type": 3, "custom_id": "s", "options": [{"label": "l", "value": "v"}], "placeholder": "p"}
MESSAGE = {
    "content": "x",
    "nonce": "n",
    "embeds": [{"title": "t", "color": 5, "fields": [{"name": "n", "value": "v", "inline": True}]}],
    "components": [{"type": 1, "components": [BUTTON]}, {"type": 1, "components": [SELECT]}],
    "allowed_mentions": {"parse": ["users"], "users": ["1"]},
    "attachments": [{"id": 0, "filename": "f"}],
}
OPTION = {"type": 3, "name": "o", "description": "d", "choices": [{"name": "c", "value": "v"}]}
GROUP = {"type": 2, "name": "g", "description": "d", "options": [{"type": 1, "name": "s", "description": "d"}]}
MODAL_ROW = {"type": 1, "components": [{"type": 4, "custom_id": "t", "label": "l", "style": 1}]}
COMMANDS = [
    {"name": "ip", "description": "d", "type": 1, "options": [OPTION], "default_member_permissions": 8},
    {"name": "config", "description": "d", "options": [GROUP], "contexts": [0, 1]},
]
BODIES = {
    "POST /channels/{channel_id}/messages": [MESSAGE],
    "PUT /applications/{application_id}/commands": [COMMANDS],
    "POST /users/@me/channels": [{"recipient_id": 5}],
    "POST /interactions/{interaction_id}/{interaction_token}/callback": [
        {"type": 4, "data": {**MESSAGE, "flags": 64, "nonce": None} | {"nonce": "n"}},
        {"type": 5, "data": {"flags": 64}},
        {"type": 8, "data": {"choices": [{"name": "n", "value": "v"}]}},
        {"type": 9, "data": {"title": "t", "custom_id": "m", "components": [MODAL_ROW]}},
    ],
}


def judge_of(route):
    """
    The general validator for the body of a route.
    """
    resource = referencing.Resource.from_contents(document(), default_specification=DRAFT202012)
    registry = referencing.Registry().with_resource("urn:discord", resource)
    schema = relocated(document()["operations"][route]["request"])
    return jsonschema.Draft202012Validator(schema, registry=registry)


def relocated(schema):
    if isinstance(schema, dict):
        return {key: f"urn:discord{each}" if key == "$ref" else relocated(each) for key, each in schema.items()}
    return [relocated(each) for each in schema] if isinstance(schema, list) else schema


def places(value, path=()):
    """
    Every place in a value, the deepest last.
    """
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def spoilt(body, draw):
    """
    The same body with one place changed, removed or added to.
    """
    body = copy.deepcopy(body)
    path = draw.choice([path for path in places(body) if path])
    *way, last = path
    parent = body
    for step in way:
        parent = parent[step]
    kind = draw.choice(["remove", "replace", "add", "lengthen"])
    if kind == "remove":
        del parent[last]
    elif kind == "add" and isinstance(parent, dict):
        parent["surplus"] = 1
    elif kind == "lengthen" and isinstance(parent[last], str | list):
        parent[last] = parent[last] * 7000 if isinstance(parent[last], str) else parent[last] * 30
    else:
        parent[last] = draw.choice([None, True, -1, 7, 1 << 60, 1.5, 2.0, "", "x", "7", [], {}, [None], {"type": 2}])
    return body


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.prove("discord_schemas", sample=20, full=500)
def test_verdicts_are_those_of_a_general_validator(route, rounds):
    """
    Each body is judged alike by both, whatever was done to it.
    """
    draw, general = random.Random(route), judge_of(route)
    verdicts = set()
    for body in BODIES[route]:
        assert faults_in_request(route, body) == []
        for _ in range(rounds):
            tried = spoilt(body, draw)
            ours = not faults_in_request(route, tried)
            assert ours == general.is_valid(tried), tried
            verdicts.add(ours)
    assert False in verdicts


def test_fault_is_told_of_the_alternative_that_was_meant():
    """
    A button with a wrong colour is told as that, and not as no select, no text and no picture.
    """
    body = {"components": [{"type": 1, "components": [{**BUTTON, "style": 9}]}]}

    assert faults_in_request("POST /channels/{channel_id}/messages", body) == [
        ("components[0].components[0].style", "9 is not one of [1, 2, 3, 4, 5, 6]")
    ]


def test_answers_are_judged_by_their_status():
    """
    A status that an operation does not have, and a body where none belongs, are faults.
    """
    route = "PUT /channels/{channel_id}/messages/pins/{message_id}"

    assert faults_in_answer(route, 204, None) == []
    assert faults_in_answer(route, 204, {}) == [("", "there is a body where none belongs")]
    assert faults_in_answer(route, 200, {}) == [("", "status 200 is not one of 204")]
    assert faults_in_component("GatewayResponse", {}) == [("", "'url' is missing")]


def test_unknown_keyword_is_not_overlooked():
    """
    A renewed document that uses more of JSON Schema is refused until it is understood.
    """
    with pytest.raises(ValueError, match="'multipleOf' is not known"):
        Schemas({}).compile({"multipleOf": 2})
