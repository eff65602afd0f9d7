"""
What is cut out of Discord's document: the routes asked for, and schemas that refuse what they do not name.
"""

from __future__ import annotations

import jsonschema
import pytest
from ip_monitor.testing.discord.openapi.__main__ import main
from ip_monitor.testing.discord.openapi.subset import subset


def answer(schema):
    return {"description": "an answer", "content": {"application/json": {"schema": schema}}}


DOCUMENT = {
    "info": {"title": "A chat", "version": "10", "license": {"name": "MIT"}},
    "paths": {
        "/rooms/{room}/notes": {
            "post": {
                "parameters": [
                    {"name": "room", "in": "path", "schema": {"type": "string"}},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "description": "at most"}},
                ],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RichEmbed"}}}
                },
                "responses": {
                    "200": answer({"$ref": "#/components/schemas/Note"}),
                    "204": {"description": "nothing"},
                    "4XX": answer({"$ref": "#/components/schemas/Wrong"}),
                },
            }
        },
        "/rooms": {"get": {"responses": {"200": answer({"type": "array", "items": {"type": "string"}})}}},
    },
    "components": {
        "schemas": {
            "RichEmbed": {
                "type": "object",
                "title": "An embed",
                "properties": {
                    "title": {"type": "string", "description": "its title"},
                    "author": {"$ref": "#/components/schemas/SnowflakeType"},
                    "colour": {
                        "type": "integer",
                        "oneOf": [{"title": "red", "const": 1}, {"title": "blue", "const": 2}],
                    },
                    "size": {"anyOf": [{"type": "integer"}, {"const": "any"}]},
                },
                "required": ["title"],
            },
            "Note": {
                "type": "object",
                "properties": {"id": {"$ref": "#/components/schemas/SnowflakeType"}},
                "additionalProperties": {"type": "string"},
            },
            "SnowflakeType": {"type": "string", "pattern": "^[0-9]+$"},
            "Wrong": {"type": "object"},
            "Unreached": {"type": "object"},
        }
    },
}


@pytest.fixture
def cut():
    return subset(DOCUMENT, ["POST /rooms/{room}/notes"])


def takes(cut, body):
    """
    Whether a request's body is valid by the subset.
    """
    schema = {**cut["operations"]["POST /rooms/{room}/notes"]["request"], "components": cut["components"]}
    return jsonschema.Draft202012Validator(schema).is_valid(body)


def test_only_what_the_routes_reach_is_in_it(cut):
    """
    With where it came from. Of answers, those of success.
    """
    assert (cut["source"], cut["license"]) == ("A chat, version 10", "MIT")
    assert set(cut["operations"]) == {"POST /rooms/{room}/notes"}
    assert set(cut["components"]["schemas"]) == {"Note", "RichEmbed", "SnowflakeInput", "SnowflakeType"}
    operation = cut["operations"]["POST /rooms/{room}/notes"]
    assert operation["query"] == {"limit": {"type": "integer"}}
    assert operation["answers"] == {"200": {"$ref": "#/components/schemas/Note"}, "204": None}


def test_a_misspelled_key_is_refused(cut):
    """
    Unless the document itself says what other keys are.
    """
    assert takes(cut, {"title": "t"})
    assert not takes(cut, {"title": "t", "athor": "1"})
    assert cut["components"]["schemas"]["Note"]["additionalProperties"] == {"type": "string"}


def test_what_clients_send_without_its_being_documented_is_taken(cut):
    """
    discord.py sends `flags` in embeds.
    """
    assert takes(cut, {"title": "t", "flags": 4})


def test_identifiers_may_be_numbers_in_requests_only(cut):
    """
    Discord takes them so, and never sends them so.
    """
    assert takes(cut, {"title": "t", "author": 5})
    assert takes(cut, {"title": "t", "author": "5"})
    assert not takes(cut, {"title": "t", "author": -5})
    assert cut["components"]["schemas"]["SnowflakeType"] == {"type": "string", "pattern": "^[0-9]+$"}


def test_alternatives_that_are_all_constants_become_one_enumeration(cut):
    """
    Others stay alternatives.
    """
    properties = cut["components"]["schemas"]["RichEmbed"]["properties"]

    assert properties["colour"] == {"type": "integer", "enum": [1, 2]}
    assert properties["size"] == {"anyOf": [{"type": "integer"}, {"const": "any"}]}
    assert properties["title"] == {"type": "string"}


def test_an_operation_without_a_body_has_none():
    """
    Nor parameters.
    """
    assert subset(DOCUMENT, ["GET /rooms"])["operations"] == {
        "GET /rooms": {
            "request": None,
            "query": {},
            "answers": {"200": {"type": "array", "items": {"type": "string"}}},
        }
    }


def test_a_route_that_the_document_does_not_have_is_an_error():
    """
    The double would answer what Discord never does.
    """
    with pytest.raises(KeyError, match="/doors"):
        subset(DOCUMENT, ["GET /doors"])


def test_the_program_asks_for_its_document(capsys):
    """
    One, and nothing is written without.
    """
    assert main([]) == 2
    assert "usage: python -m ip_monitor.testing.discord.openapi DOCUMENT" in capsys.readouterr().err
