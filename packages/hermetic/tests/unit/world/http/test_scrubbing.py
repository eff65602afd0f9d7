"""
Secrets do not get into recordings.
"""

from __future__ import annotations

import json

import pytest
from hermetic.world.http.scrubbing import MARK, Scrubber

SECRET = "s3cr3t-value-42"


def scrubbing(**options):
    return Scrubber(**{name: frozenset(values) for name, values in options.items()}).begin()


@pytest.mark.parametrize(
    "header, cleaned",
    [
        (("Authorization", f"Bearer {SECRET}"), f"Bearer {MARK}"),
        (("Authorization", SECRET), MARK),
        (("Proxy-Authorization", "Basic dXNlcjpwYXNz"), f"Basic {MARK}"),
        (("Cookie", f"sid={SECRET}; theme=dark"), f"sid={MARK}; theme={MARK}"),
        (("Set-Cookie", f"sid={SECRET}; Path=/; HttpOnly"), f"sid={MARK}; Path=/; HttpOnly"),
        (("X-Api-Key", SECRET), MARK),
        (("X-Amz-Security-Token", SECRET), MARK),
        (("X-Hub-Signature", SECRET), MARK),
        (
            ("Location", f"https://user:{SECRET}@example.org/?access_token={SECRET}&page=2"),
            f"https://{MARK}@example.org/?access_token={MARK}&page=2",
        ),
        (("Accept", "text/html"), "text/html"),
        (("X-Author", "Jane"), "Jane"),
        (("X-Monkey", "banana"), "banana"),
    ],
)
def test_headers_that_carry_secrets_are_scrubbed_and_others_not(header, cleaned):
    """
    The scheme, the cookies' names and the attributes stay, for they are what a reader wants to see.
    """
    assert ((header[0], cleaned),) == scrubbing().headers((header,))


@pytest.mark.parametrize(
    "target, cleaned",
    [
        (f"/ip?api_key={SECRET}&format=json", f"/ip?api_key={MARK}&format=json"),
        (f"/ip?apiKey={SECRET}", f"/ip?apiKey={MARK}"),
        (f"/ip?client-secret={SECRET}", f"/ip?client-secret={MARK}"),
        (f"/ip?X-Amz-Signature={SECRET}", f"/ip?X-Amz-Signature={MARK}"),
        ("/ip?monkey=1&design=2&q=token", "/ip?monkey=1&design=2&q=token"),
        ("/token?x=1", "/token?x=1"),
    ],
)
def test_secret_query_fields_are_scrubbed(target, cleaned):
    """
    By the words of their names, in whatever spelling.
    """
    assert cleaned == scrubbing().target(target)


def test_json_is_scrubbed_at_any_depth():
    """
    The shape stays; texts, numbers and lists under a secret name go.
    """
    body = {"user": "jane", "auth": {"refreshToken": SECRET}, "list": [{"password": 123456}], "tokens": [SECRET]}
    cleaned = json.loads(scrubbing().body(json.dumps(body).encode(), content_type="application/json"))

    assert cleaned == {"user": "jane", "auth": MARK, "list": [{"password": MARK}], "tokens": MARK}


def test_json_without_secrets_stays_as_it_was_to_the_byte():
    """
    Spaces and order too.
    """
    body = b'{ "ip" : "203.0.113.7",\n "token": null }'

    assert body == scrubbing().body(body, content_type="application/json")


def test_forms_are_scrubbed():
    """
    As in a login.
    """
    cleaned = scrubbing().body(
        f"user=jane&password={SECRET}".encode(), content_type="application/x-www-form-urlencoded; charset=utf-8"
    )

    assert f"user=jane&password={MARK}".encode() == cleaned


def test_a_secret_caught_once_is_taken_out_everywhere_after():
    """
    Echoed in a reply, quoted in an address, escaped in JSON, inside binary data.
    """
    scrub = scrubbing()
    scrub.headers((("Authorization", 'Bearer pa"ss/word?'),))

    assert f"/echo/{MARK}" == scrub.target("/echo/pa%22ss%2Fword%3F")
    assert f'{{"you":"{MARK}"}}'.encode() == scrub.body(b'{"you":"pa\\"ss/word?"}', content_type="application/json")
    assert b"\xff\x00" + MARK.encode() == scrub.body(b'\xff\x00pa"ss/word?', content_type="image/png")


def test_short_values_are_scrubbed_where_named_but_not_everywhere():
    """
    A PIN of "1" must not eat every 1 in the recording.
    """
    scrub = scrubbing()

    assert f"/a?pin={MARK}" == scrub.target("/a?pin=1")
    assert scrub.target("/11") == "/11"


@pytest.mark.parametrize(
    "text",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_123",
        "ghp_" + "a1" * 18,
        "AKIA" + "ABCD1234" * 2,
        "xoxb-" + "1" * 12,
        "sk-" + "proj0" * 6,
        "M" + "T" * 25 + ".abcdef." + "x" * 30,
        "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_secret_is_scrubbed_whatever_its_name(text):
    """
    Tokens of well-known shapes in any text.
    """
    assert f"see {MARK}!".encode() == scrubbing().body(f"see {text}!".encode(), content_type="text/plain")


def test_names_can_be_added_and_kept():
    """
    What a service calls its secrets, and what only looks like one.
    """
    scrub = scrubbing(names=["x-customer"], keep=["x-session"], values=["hush-hush"])
    headers = (("X-Customer", "12345"), ("X-Session", "open"), ("X-Note", "hush-hush now"))

    assert (("X-Customer", MARK), ("X-Session", "open"), ("X-Note", f"{MARK} now")) == scrub.headers(headers)


def test_scrubbing_twice_changes_nothing_more():
    """
    A replay scrubs what comes in as the recording was scrubbed.
    """
    once = scrubbing().target(f"/ip?token={SECRET}&a=1")
    body = scrubbing().body(f'{{"token":"{SECRET}"}}'.encode(), content_type="application/json")

    assert once == scrubbing().target(once)
    assert body == scrubbing().body(body, content_type="application/json")


def test_broken_bodies_are_left_as_they_are():
    """
    What is no JSON, or too deep for it, is not ours to repair.
    """
    for body in (b'{"a":', b"[" * 100_000, b"\xff\xfe{", b""):
        assert body == scrubbing().body(body, content_type="application/json")
