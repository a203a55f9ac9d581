"""Whatever arrives, decoding ends in values and anomalies, and what comes of it is fit for the ledger and the page."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.braze.link import MAX_CURSOR
from exporter.braze.wire import Response, decipher_body, decipher_next_cursor, decipher_rate_headers
from exporter.domain.decode import MAX_ROWS, START_TOLERANCE, decode_job_sync_status
from exporter.domain.errors import PollError
from exporter.domain.ledger import Page, Walk, absorb
from exporter.domain.model import SyncStatus
from exporter.metrics import page
from exporter.metrics.self_metrics import SelfMetrics
from tests.json_values import ANY_JSON, PAGES
from tests.states import show

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KINDS = {
    *("too_many_records", "record_not_an_object", "sync_start_time_missing", "sync_start_time_in_future"),
    "not_latest_first",
    *("sync_finish_time_before_start", "sync_finish_time_in_future", "job_status_unknown"),
    *(f"{name}_invalid" for name in ("sync_start_time", "sync_finish_time", "last_timestamp_synced")),
    *("rows_synced_invalid", "rows_failed_with_errors_invalid"),
}


@given(PAGES)
@example({"results": [{"sync_start_time": "2000-01-01T00:00:00Z"}, {"sync_start_time": "2026-03-01"}]})
@settings(max_examples=300)
def test_decoding_any_json_ends_in_sound_values_and_known_anomalies(body: Any) -> None:
    decoded = decode_job_sync_status(body, NOW)
    assert decoded.anomalies.keys() <= KINDS
    for sync in decoded.syncs:
        assert isinstance(sync.job_status, SyncStatus)
        assert sync.sync_start_time <= NOW + START_TOLERANCE
        for time in (sync.sync_start_time, sync.sync_finish_time, sync.last_timestamp_synced):
            assert time is None or time.utcoffset() == timedelta(0)
        for rows in (sync.rows_synced, sync.rows_failed_with_errors):
            assert rows is None or (type(rows) is int and 0 <= rows <= MAX_ROWS)
        assert sync.duration_seconds is None or sync.duration_seconds >= 0


@given(st.lists(PAGES, max_size=3))
@settings(max_examples=100)
def test_the_ledger_and_the_page_take_whatever_was_decoded(bodies: list[Any]) -> None:
    ledger = None
    shown = page.Page(SelfMetrics())
    for body in bodies:
        decoded = decode_job_sync_status(body, NOW)
        ledger = absorb(ledger, Walk(), Page(decoded.syncs, last=True), now=NOW, max_pages=1).ledger
        shown.publish(show(ledger, judged_at=NOW))
    text = b"".join(shown.render(NOW, openmetrics=True).chunks).decode()
    values = [float(line.rpartition(" ")[2]) for line in text.splitlines() if not line.startswith("#")]
    assert all(map(math.isfinite, values))


@given(st.binary(max_size=200) | PAGES.map(lambda body: json.dumps(body).encode()), st.integers(200, 599))
def test_any_answer_is_json_or_an_error_of_ours_with_a_short_clean_text(body: bytes, status: int) -> None:
    said = ""
    try:
        decipher_body(Response(status, {"content-type": "x" * 500}, body))
    except PollError as error:
        said = str(error)
    assert len(said) < 500
    assert said.isprintable()


@given(
    st.one_of(
        st.text(max_size=300),
        st.lists(
            st.sampled_from(["<", ">", ";", ",", 'rel="next"', "rel=next", "?cursor=", "&", "=", "%", "/a", " ", "//["])
        ).map("".join),
    )
)
def test_any_link_gives_a_bounded_cursor_or_none_or_says_that_it_is_bad(link: str) -> None:
    cursor = decipher_next_cursor(Response(200, {"link": link}, b""))
    if isinstance(cursor, str):
        assert 0 < len(cursor) <= MAX_CURSOR
    elif cursor is not None:
        assert "next" in link.lower()
        assert len(cursor.problem) < 100


@given(st.dictionaries(st.sampled_from(["limit", "remaining", "reset", "retry-after"]), st.text(max_size=30)))
def test_any_rate_header_gives_a_finite_number_of_seconds_or_none(headers: dict[str, str]) -> None:
    said = decipher_rate_headers(Response(200, {f"x-ratelimit-{name}": text for name, text in headers.items()}, b""))
    for value in (said.limit, said.remaining, said.reset_at_seconds, said.retry_after_seconds):
        assert value is None or (0 <= value < 1e15)


@given(ANY_JSON)
def test_one_odd_record_costs_that_record_and_nothing_else(odd: Any) -> None:
    good = {"job_status": "success", "sync_start_time": "2026-03-01T10:00:00Z", "rows_synced": 3}
    decoded = decode_job_sync_status({"results": [odd, good, odd]}, NOW)
    assert [sync.rows_synced for sync in decoded.syncs if sync.sync_start_time.hour == 10] == [3]
