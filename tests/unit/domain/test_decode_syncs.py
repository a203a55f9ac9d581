"""Decoding a page of syncs: what is documented, what is expected to be odd, and what each oddity costs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exporter.domain.decode import MAX_RECORDS, MAX_ROWS, decode_job_sync_status
from exporter.domain.model import Sync, SyncStatus

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DOCUMENTED: dict[str, Any] = {
    "job_status": "success",
    "sync_start_time": "2026-01-01T00:00:00Z",
    "sync_finish_time": "2026-01-01T00:05:00Z",
    "last_timestamp_synced": "2025-12-31T23:59:59Z",
    "rows_synced": 1000,
    "rows_failed_with_errors": 0,
}
START = datetime(2026, 1, 1, tzinfo=UTC)


def decode(**changes: Any) -> tuple[Sync, dict[str, int]]:
    """Decode the documented record with some fields changed; it must still be one sync."""
    decoded = decode_job_sync_status({"results": [{**DOCUMENTED, **changes}], "message": "success"}, NOW)
    assert decoded.problem is None
    [sync] = decoded.syncs
    return sync, dict(decoded.anomalies)


def test_the_documented_record_is_decoded_without_an_anomaly() -> None:
    expected = Sync(
        START,
        SyncStatus.SUCCESS,
        datetime(2026, 1, 1, 0, 5, tzinfo=UTC),
        datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC),
        1000,
        0,
    )
    assert decode() == (expected, {})


@pytest.mark.parametrize("field", [name for name in DOCUMENTED if name != "sync_start_time"])
def test_a_field_that_is_null_is_unknown_and_no_anomaly(field: str) -> None:
    sync, anomalies = decode(**{field: None})
    if field == "job_status":
        assert (sync.job_status, anomalies) == (SyncStatus.UNKNOWN, {"job_status_unknown": 1})
    else:
        assert (getattr(sync, field), anomalies) == (None, {})


def test_a_record_with_a_start_and_nothing_else_is_an_unfinished_sync() -> None:
    decoded = decode_job_sync_status({"results": [{"sync_start_time": "2026-01-01T00:00:00Z"}]}, NOW)
    [sync] = decoded.syncs
    assert not sync.finished


@pytest.mark.parametrize(
    ("text", "status"),
    [
        *((status.value, status) for status in SyncStatus if status is not SyncStatus.UNKNOWN),
        *((status.value.capitalize(), status) for status in SyncStatus if status is not SyncStatus.UNKNOWN),
        ("CONFIG ERROR", SyncStatus.CONFIG_ERROR),
        ("Config-Error", SyncStatus.CONFIG_ERROR),
        ("Limit Exceeded", SyncStatus.LIMIT_EXCEEDED),
        ("LIMIT  EXCEEDED", SyncStatus.LIMIT_EXCEEDED),
        ("limit-exceeded", SyncStatus.LIMIT_EXCEEDED),
        ("LimitExceeded", SyncStatus.LIMIT_EXCEEDED),
        ("Partial Success", SyncStatus.PARTIAL),
        ("partial_success", SyncStatus.PARTIAL),
        ("PARTIAL SUCCESS", SyncStatus.PARTIAL),
        (" success ", SyncStatus.SUCCESS),
        ("success" + " " * 57, SyncStatus.SUCCESS),
    ],
)
def test_older_spellings_are_the_documented_statuses(text: str, status: SyncStatus) -> None:
    sync, anomalies = decode(job_status=text)
    assert (sync.job_status, anomalies) == (status, {})


@pytest.mark.parametrize(
    "value", ["Skipped", "", "success" * 50, "success" + " " * 58, 1, True, ["success"], {"a": 1}, None]
)
def test_any_other_status_is_unknown_and_an_anomaly(value: Any) -> None:
    sync, anomalies = decode(job_status=value)
    assert (sync.job_status, anomalies) == (SyncStatus.UNKNOWN, {"job_status_unknown": 1})
    assert sync.unknown_word == (value[:40] if isinstance(value, str) else "")


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-01T00:00:00", START),
        ("2026-01-01T00:00:00+00:00", START),
        ("2026-01-01T05:30:00+05:30", START),
        ("2025-12-31T16:00:00-0800", START),
        ("2026-01-01 00:00:00 UTC", START),
        ("2026-01-01T00:00:00UTC", START),
        ("2026-01-01 00:00:00 utc", START),
        (" 2026-01-01T00:00:00Z ", START),
        ("2026-01-01T00:00:00Z" + " " * 44, START),
        ("2026-01-01", START),
        ("20260101T000000Z", START),
        ("2026-01-01T00:00:00.5Z", START + timedelta(milliseconds=500)),
        ("2026-01-01T00:00:00.123456789Z", START + timedelta(microseconds=123456)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_utc_and_any_iso_form_is_read(text: str, time: datetime) -> None:
    sync, anomalies = decode(sync_start_time=text)
    assert (sync.sync_start_time, anomalies.get("sync_start_time_invalid")) == (time, None)


@pytest.mark.parametrize(
    "value",
    [
        *("yesterday", "2026-13-45T99:00:00Z", "1767225600", "9" * 100, "2026-01-01T00:00:00Z" + " " * 45),
        *("0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
        *(1767225600, True, ["2026-01-01T00:00:00Z"], {}),
    ],
)
@pytest.mark.parametrize("field", ["sync_start_time", "sync_finish_time", "last_timestamp_synced"])
def test_a_time_that_cannot_be_read_costs_its_field_and_a_start_its_record(field: str, value: Any) -> None:
    good = {**DOCUMENTED, "sync_start_time": "2025-12-31T23:00:00Z", "sync_finish_time": None}
    decoded = decode_job_sync_status({"results": [{**DOCUMENTED, field: value}, good]}, NOW)
    assert decoded.anomalies == {f"{field}_invalid": 1}
    assert len(decoded.syncs) == (1 if field == "sync_start_time" else 2)
    if field != "sync_start_time":
        assert getattr(decoded.syncs[0], field) is None


def test_a_start_that_is_missing_costs_its_record() -> None:
    decoded = decode_job_sync_status({"results": [{"job_status": "success"}, DOCUMENTED]}, NOW)
    assert (len(decoded.syncs), decoded.anomalies) == (1, {"sync_start_time_missing": 1})
    assert decode_job_sync_status({"results": [{**DOCUMENTED, "sync_start_time": ""}]}, NOW).anomalies == {
        "sync_start_time_missing": 1
    }


def test_a_start_more_than_a_day_ahead_costs_its_record_and_a_lesser_one_does_not() -> None:
    near, _ = decode(sync_start_time="2026-01-02T12:00:00Z", sync_finish_time=None)
    assert near.sync_start_time == NOW + timedelta(days=1)
    far = {**DOCUMENTED, "sync_start_time": "2026-01-02T12:00:01Z"}
    decoded = decode_job_sync_status({"results": [far, DOCUMENTED]}, NOW)
    assert (len(decoded.syncs), decoded.anomalies) == (1, {"sync_start_time_in_future": 1})


def test_a_finish_more_than_a_day_ahead_is_not_believed() -> None:
    sync, anomalies = decode(sync_finish_time="9999-12-31T23:59:59Z")
    assert (sync.sync_finish_time, sync.duration_seconds) == (None, None)
    assert anomalies == {"sync_finish_time_in_future": 1}


def test_a_finish_before_the_start_gives_no_duration() -> None:
    sync, anomalies = decode(sync_finish_time="2001-01-01T00:00:00Z")
    assert sync.finished
    assert sync.duration_seconds is None
    assert anomalies == {"sync_finish_time_before_start": 1}


def test_a_watermark_in_the_future_is_believed_because_it_is_what_operators_must_see() -> None:
    sync, anomalies = decode(last_timestamp_synced="2099-01-01T00:00:00Z")
    assert sync.last_timestamp_synced == datetime(2099, 1, 1, tzinfo=UTC)
    assert anomalies == {}


@pytest.mark.parametrize(("value", "rows"), [(0, 0), (3.0, 3), (MAX_ROWS, MAX_ROWS), (-0.0, 0)])
def test_a_whole_number_of_rows_is_read(value: Any, rows: int) -> None:
    sync, anomalies = decode(rows_synced=value, rows_failed_with_errors=value)
    assert (sync.rows_synced, sync.rows_failed_with_errors, anomalies) == (rows, rows, {})
    assert type(sync.rows_synced) is int


@pytest.mark.parametrize(
    "value", [-1, 12.5, "1000", True, False, MAX_ROWS + 1, 10**30, float("nan"), float("inf"), [1], {}]
)
@pytest.mark.parametrize("field", ["rows_synced", "rows_failed_with_errors"])
def test_any_other_number_of_rows_costs_its_field(field: str, value: Any) -> None:
    sync, anomalies = decode(**{field: value})
    assert (getattr(sync, field), anomalies) == (None, {f"{field}_invalid": 1})


@pytest.mark.parametrize("record", ["surprise", None, 7, [], True])
def test_a_record_that_is_no_object_costs_itself(record: Any) -> None:
    decoded = decode_job_sync_status({"results": [record, DOCUMENTED, record]}, NOW)
    assert (len(decoded.syncs), decoded.anomalies) == (1, {"record_not_an_object": 2})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ([], "a JSON list"),
        ("text", "a JSON str"),
        (None, "a JSON NoneType"),
        ({"message": "success"}, "no field `results`"),
        ({"results": None}, "no list `results`"),
        ({"results": {"0": DOCUMENTED}}, "no list `results`"),
        ({"results": ["a", "b"]}, "none of the 2 records"),
    ],
)
def test_an_answer_that_is_no_page_is_a_problem(body: Any, problem: str) -> None:
    decoded = decode_job_sync_status(body, NOW)
    assert decoded.problem is not None
    assert problem in decoded.problem
    assert decoded.syncs == ()


def test_an_empty_page_is_no_problem() -> None:
    decoded = decode_job_sync_status({"results": []}, NOW)
    assert (decoded.syncs, decoded.anomalies, decoded.problem) == ((), {}, None)


def test_more_records_than_any_page_has_are_not_read() -> None:
    decoded = decode_job_sync_status({"results": [DOCUMENTED] * (MAX_RECORDS + 5)}, NOW)
    assert (len(decoded.syncs), decoded.anomalies) == (MAX_RECORDS, {"too_many_records": 1})


def test_records_stay_in_the_order_of_braze() -> None:
    starts = ["2026-01-01T03:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"]
    decoded = decode_job_sync_status({"results": [{**DOCUMENTED, "sync_start_time": each} for each in starts]}, NOW)
    assert [sync.sync_start_time.hour for sync in decoded.syncs] == [3, 1, 2]


def test_a_page_that_others_follow_has_ten_records_readable_or_not() -> None:
    for records, full in ((9, False), (10, True), (11, True)):
        assert decode_job_sync_status({"results": [DOCUMENTED] * (records - 1) + [7]}, NOW).full is full


@pytest.mark.parametrize(("hours", "anomalies"), [((3, 2, 2, 1), {}), ((1, 3, 2, 4), {"not_latest_first": 1})])
def test_a_page_that_does_not_have_the_latest_first_is_one_anomaly(
    hours: tuple[int, ...], anomalies: dict[str, int]
) -> None:
    records = [{**DOCUMENTED, "sync_start_time": f"2025-12-31T0{hour}:00:00Z"} for hour in hours]
    assert decode_job_sync_status({"results": records}, NOW).anomalies == anomalies


def test_each_occurrence_of_an_anomaly_is_counted() -> None:
    odd: list[Any] = [
        "no object",
        {**DOCUMENTED, "sync_start_time": None},
        {**DOCUMENTED, "sync_start_time": "2027-01-01T00:00:00Z"},
        {**DOCUMENTED, "sync_finish_time": "2027-01-01T00:00:00Z"},
        {**DOCUMENTED, "sync_finish_time": "2001-01-01T00:00:00Z"},
        {**DOCUMENTED, "job_status": "odd", "last_timestamp_synced": "odd", "rows_synced": "odd"},
    ]
    anomalies = decode_job_sync_status({"results": odd * 3}, NOW).anomalies
    assert len(anomalies) == 8
    assert set(anomalies.values()) == {3}


def test_a_page_of_just_as_many_records_as_are_read_is_no_anomaly() -> None:
    assert decode_job_sync_status({"results": [DOCUMENTED] * MAX_RECORDS}, NOW).anomalies == {}


def test_a_finish_is_believed_from_the_start_on_up_to_a_day_ahead() -> None:
    sync, anomalies = decode(sync_finish_time=DOCUMENTED["sync_start_time"])
    assert (sync.duration_seconds, anomalies) == (0, {})
    sync, anomalies = decode(sync_finish_time="2026-01-02T12:00:00Z")
    assert (sync.sync_finish_time, anomalies) == (NOW + timedelta(days=1), {})


def test_an_empty_text_in_place_of_a_time_is_unknown_and_no_anomaly() -> None:
    sync, anomalies = decode(sync_finish_time="")
    assert (sync.sync_finish_time, anomalies) == (None, {})


def test_a_time_with_an_offset_is_given_in_utc_wherever_the_exporter_runs() -> None:
    sync, _ = decode(sync_start_time="2026-01-01T05:30:00+05:30")
    assert sync.sync_start_time.tzinfo is UTC


def test_why_an_answer_is_no_page_is_said_in_one_sentence() -> None:
    assert decode_job_sync_status({}, NOW).problem == "the answer has no field `results`"
    assert decode_job_sync_status({"results": 1}, NOW).problem == "the answer has no list `results`"
