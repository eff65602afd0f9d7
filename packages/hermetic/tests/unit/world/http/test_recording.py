"""
A recording survives its file, and a broken file is told where it is broken.
"""

from __future__ import annotations

import json

import pytest
from hermetic.world.http.errors import RecordingError
from hermetic.world.http.recording import Piece, RecordedExchange, RecordedReply, RecordedRequest, Recording

EXCHANGE = RecordedExchange(
    RecordedRequest("POST", "/ip?x=1", (("Accept", "*/*"),), b'{"a":1}'),
    RecordedReply(
        200, "OK", (("Content-Type", "x/y"),), 0.012, (Piece(0.0, b"\xc3\xa9t\xc3\xa9"), Piece(0.5, b"\xff\x00"))
    ),
)
REFUSED = RecordedExchange(RecordedRequest("GET", "/"), RecordedReply(0, end="refused"))


def test_a_recording_survives_its_file_and_can_be_read_by_people(tmp_path):
    """
    Text is text, bytes that are none are base64, and everything comes back as it was.
    """
    path = tmp_path / "r.jsonl"
    recording = Recording("http://127.0.0.1:8000", (EXCHANGE, REFUSED))
    recording.save(path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]

    assert (recording.upstream, recording.exchanges) == (Recording.load(path).upstream, Recording.load(path).exchanges)
    assert rows[1]["request"]["text"] == '{"a":1}'
    assert rows[1]["reply"]["pieces"] == [{"after_s": 0.0, "text": "été"}, {"after_s": 0.5, "base64": "/wA="}]
    assert EXCHANGE.reply.duration_s == 0.512
    assert recording.first_bytes() == [0.012]


HEAD = '{"hermetic": "recording", "version": 1, "upstream": "http://x"}'


def broken(part: str, **changes) -> str:
    row = {
        "request": {"method": "GET", "target": "/", "headers": [], "text": ""},
        "reply": {"status": 200, "reason": "", "headers": [], "first_byte_s": 0, "pieces": [], "end": "complete"},
    }
    row[part] = {**row[part], **changes}
    return json.dumps(row)


@pytest.mark.parametrize(
    "lines, text",
    [
        ([], r"not a recording of version 1 \(.*r\.jsonl:1\)"),
        (['{"hermetic": "recording", "version": 9}'], "not a recording of version 1"),
        ([HEAD, "{"], r"not JSON: .*r\.jsonl:2"),
        ([HEAD, "", "[1]"], r"not an object: '\[1\]' \(.*r\.jsonl:3"),
        ([HEAD, "{}"], "request is None"),
        ([HEAD, broken("request", method=1)], "method is 1"),
        ([HEAD, broken("request", headers=[["a"]])], r"header \['a'\]"),
        ([HEAD, broken("reply", status=True)], "status is True"),
        ([HEAD, broken("reply", status=99)], "status is 99 and end is 'complete'"),
        ([HEAD, broken("reply", status=0)], "status is 0 and end is 'complete'"),
        ([HEAD, broken("reply", end="later")], "end is 'later'"),
        ([HEAD, broken("reply", first_byte_s=-1)], "first_byte_s is -1.*Give finite seconds"),
        ([HEAD, broken("reply", pieces=[3])], "piece 3"),
        ([HEAD, broken("reply", pieces=[{"after_s": 0, "base64": "%%"}])], "base64 cannot be read"),
        ([HEAD, broken("reply", pieces=[{"after_s": 0}])], "base64 is None"),
    ],
)
def test_a_broken_recording_is_refused_with_its_line(tmp_path, lines, text):
    """
    Which line, what is wrong with it, and what would be right.
    """
    path = tmp_path / "r.jsonl"
    path.write_text("\n".join(lines))

    with pytest.raises(RecordingError, match=text):
        Recording.load(path)
