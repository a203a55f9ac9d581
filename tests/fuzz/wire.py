"""Fuzz target: any status, `Link`, rate headers and error body; the input is status, five header lines and a body."""

import contextlib
import math

from exporter.braze.endpoints import Endpoint
from exporter.braze.link import MAX_CURSOR, BadLink
from exporter.braze.wire import (
    Response,
    build_request,
    decipher_body,
    decipher_error,
    decipher_next_cursor,
    decipher_rate_headers,
)
from exporter.domain.errors import REASONS, PayloadError

SEEDS = ("tests/fuzz/seeds/wire",)
WORDS = (
    *('rel="next"', "rel=next", 'rel="prev next"', "cursor=", "?cursor=a%3D%3D", "</cdi/integrations?cursor=b>", "; "),
    *("%ff", "&cursor=", "//[", "https://[::1", '{"message": "', "\\u2028", "1772323200", "-1", "1e3", "\xb2", "\r"),
)
NAMES = ("link", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after")


def check(data: bytes) -> None:
    status, *lines = data.split(b"\n", 1 + len(NAMES))
    body = lines.pop() if len(lines) > len(NAMES) else b""
    # As the client reads them.
    headers = {name: line.decode("latin-1") for name, line in zip(NAMES, lines, strict=False)}
    response = Response(100 + sum(status) % 500, headers, body)
    cursor = decipher_next_cursor(response)
    if isinstance(cursor, BadLink):
        assert cursor.problem.isprintable()
        assert len(cursor.problem) < 100
    elif cursor is not None:
        assert 0 < len(cursor) <= MAX_CURSOR
        query = build_request(Endpoint.JOB_SYNC_STATUS, "an-id", cursor).query
        assert query.isascii()
        assert query.count("&") == 0
    said = decipher_rate_headers(response)
    for value in (said.limit, said.remaining, said.reset_at_seconds, said.retry_after_seconds):
        assert value is None or (math.isfinite(value) and value >= 0)
    with contextlib.suppress(PayloadError):
        decipher_body(Response(200, headers, body))
    error = decipher_error(response)
    assert error.reason in REASONS
    assert str(error).isprintable()
    assert len(str(error)) < 500
