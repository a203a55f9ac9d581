"""Fuzz target: any body that answers 200, through JSON, decoding, the ledger, the judge and what is shown."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.braze.wire import Response, decipher_body
from exporter.domain.decode import MAX_ROWS, START_TOLERANCE, decode_job_sync_status, is_path_segment
from exporter.domain.errors import PayloadError
from exporter.domain.ledger import Page, Walk, absorb
from exporter.domain.listing import MAX_TEXT, decode_integrations
from exporter.domain.view import View
from tests.states import show

SEEDS = ("tests/fuzz/seeds/decoding",)
WORDS = (
    *("results", "job_status", "sync_start_time", "sync_finish_time", "last_timestamp_synced", "rows_synced"),
    *("rows_failed_with_errors", "integration_id", "integration_name", "last_job_start_time", "last_job_status"),
    *("next_scheduled_run", "running", "success", "partial", "config_error", "2026-03-01T10:00:00Z", "+14:00", "UTC"),
    *("null", "true", "NaN", "Infinity", "1e999", "\\ud800", "0001-01-01", "9999-12-31T23:59:59", '": "', "}, {"),
)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def check(data: bytes) -> None:
    try:
        body = decipher_body(Response(200, {}, data))
    except PayloadError:
        return
    _check_syncs(body)
    _check_list(body)


def _check_syncs(body: Any) -> None:
    decoded = decode_job_sync_status(body, NOW)
    assert decoded.problem is None or (decoded.problem.isprintable() and not decoded.syncs)
    for sync in decoded.syncs:
        assert sync.sync_start_time <= NOW + START_TOLERANCE
        for time in (sync.sync_start_time, sync.sync_finish_time, sync.last_timestamp_synced):
            assert time is None or time.utcoffset() == timedelta(0)
        for rows in (sync.rows_synced, sync.rows_failed_with_errors):
            assert rows is None or (type(rows) is int and 0 <= rows <= MAX_ROWS)
    first = absorb(None, Walk(), Page((), last=True), now=NOW, max_pages=1)
    step = absorb(first.ledger, Walk(), Page(decoded.syncs, last=True), now=NOW, max_pages=1)
    again = absorb(step.ledger, Walk(), Page(decoded.syncs, last=True), now=NOW, max_pages=1)
    assert not again.counted
    assert sum(again.ledger.totals.syncs) == len(step.counted)
    _check_view(show(again.ledger, judged_at=NOW))


def _check_list(body: Any) -> None:
    decoded = decode_integrations(body)
    assert decoded.problem is None or (decoded.problem.isprintable() and not decoded.integrations)
    for listed in decoded.integrations:
        assert is_path_segment(listed.integration_id)
        assert max(map(len, (listed.integration_name, listed.integration_status, listed.warehouse_type))) <= MAX_TEXT
        _check_view(show(None, listed, judged_at=NOW))


def _check_view(view: View) -> None:
    kinds = [problem.kind for problem in view.problems]
    assert len(set(kinds)) == len(kinds)
    for problem in view.problems:
        assert problem.text.isprintable()
        assert problem.value is None or math.isfinite(problem.value)
