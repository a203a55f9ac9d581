"""The status as JSON comes bit by bit, compressed where that is accepted."""

import gzip
import json

import pytest

from exporter.web import streaming
from tests.unit.web.applications import Sources, call
from tests.unit.web.samples import realistic_status, render_status_json


@pytest.mark.parametrize("bit_characters", [1, 1000, 1_000_000])
@pytest.mark.parametrize("accepted", ["identity", "gzip"])
def test_bits_make_up_the_document(monkeypatch: pytest.MonkeyPatch, bit_characters: int, accepted: str) -> None:
    monkeypatch.setattr(streaming, "_BIT_CHARACTERS", bit_characters)
    answer = call(Sources(), "GET", "/api/v1/status", **{"accept-encoding": accepted})
    assert answer.json() == json.loads(render_status_json(realistic_status()))
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers.get("content-encoding", "identity") == accepted


def test_what_is_compressed_is_one_valid_member() -> None:
    pieces = [f'"{number}",' * 1000 for number in range(500)]
    member = b"".join(streaming._compressed(streaming._bits(iter(pieces))))
    assert gzip.decompress(member).decode() == "".join(pieces)
