"""What is taken from Braze's list, and what a listing says about change."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exporter.domain.decode import MAX_RECORDS
from exporter.domain.listing import MAX_TEXT, ListedIntegration, decode_integrations
from exporter.domain.model import Sync, SyncStatus

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
RECORD = {
    "integration_id": "11111111-1111-1111-1111-111111111111",
    "app_group_id": "group",
    "integration_name": "users",
    "integration_type": "user_attributes",
    "integration_status": "active",
    "contact_emails": ["ada@example.com", "grace@example.com"],
    "last_updated_at": "2026-03-01T09:00:00Z",
    "warehouse_type": "snowflake",
    "last_job_start_time": "2026-03-01T10:00:00Z",
    "last_job_status": "success",
    "next_scheduled_run": "2026-03-01T11:00:00Z",
}


def decode_one(**changes: Any) -> ListedIntegration:
    decoded = decode_integrations({"results": [{**RECORD, **changes}]})
    assert decoded.problem is None
    return decoded.integrations[0]


def test_a_documented_record_is_read_whole() -> None:
    assert decode_one() == ListedIntegration(
        "11111111-1111-1111-1111-111111111111",
        "users",
        "user_attributes",
        "active",
        "snowflake",
        "group",
        datetime(2026, 3, 1, 9, tzinfo=UTC),
        START,
        SyncStatus.SUCCESS,
        datetime(2026, 3, 1, 11, tzinfo=UTC),
    )


@pytest.mark.parametrize("emails", [["ada@example.com"], "ada@example.com", {"ada@example.com": 1}, None, 7])
def test_contact_emails_are_not_kept(emails: Any) -> None:
    decoded = decode_integrations({"results": [{**RECORD, "contact_emails": emails}]})
    assert "example.com" not in repr(decoded)
    assert decoded.anomalies == {}


@pytest.mark.parametrize(
    "integration_id",
    ["", "..", ".", "a/b", "a?b", "a b", "a%2e", "a\nb", "ä", "-a", "x" * 129, None, 7, True, ["a"], {"a": 1}],
)
def test_a_record_whose_id_cannot_be_asked_for_is_left_out(integration_id: Any) -> None:
    decoded = decode_integrations({"results": [{**RECORD, "integration_id": integration_id}, RECORD]})
    assert [one.integration_id for one in decoded.integrations] == [RECORD["integration_id"]]
    assert decoded.anomalies == {"integration_id_invalid": 1}
    assert decoded.problem is None


TEXTS = ("integration_name", "integration_type", "warehouse_type", "app_group_id")


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_bounded(name: str) -> None:
    assert len(getattr(decode_one(**{name: "x" * 100_000}), name)) == MAX_TEXT


@pytest.mark.parametrize("odd", [7, True, ["users"], {"name": "users"}, 1.5])
@pytest.mark.parametrize("name", [*TEXTS, "integration_status"])
def test_a_text_that_is_none_is_empty_and_an_anomaly(name: str, odd: Any) -> None:
    decoded = decode_integrations({"results": [{**RECORD, name: odd}]})
    assert getattr(decoded.integrations[0], name) == ""
    assert decoded.anomalies == {f"{name}_invalid": 1}


def test_what_is_null_or_missing_is_unknown_and_no_anomaly() -> None:
    for record, told in (({"integration_id": "a"}, False), ({**dict.fromkeys(RECORD), "integration_id": "a"}, True)):
        decoded = decode_integrations({"results": [record]})
        assert decoded.integrations == (ListedIntegration("a", next_run_told=told),)
        assert decoded.anomalies == {}


@pytest.mark.parametrize("odd", ["", "soon", 12345, [], {}, False])
def test_an_unreadable_next_run_is_not_taken_for_none(odd: Any) -> None:
    assert not decode_one(next_scheduled_run=odd).next_run_told
    assert decode_one(next_scheduled_run=None).next_run_told
    assert decode_one().next_run_told


def test_an_unreadable_time_costs_that_time_only() -> None:
    decoded = decode_integrations({"results": [{**RECORD, "next_scheduled_run": "tomorrow", "last_updated_at": 17}]})
    assert decoded.integrations[0].last_job_start_time == START
    assert decoded.integrations[0].next_scheduled_run is None
    assert decoded.anomalies == {"next_scheduled_run_invalid": 1, "last_updated_at_invalid": 1}


@pytest.mark.parametrize("word", ["Limit Exceeded", "LIMIT_EXCEEDED", " limit exceeded "])
def test_statuses_are_known_in_any_capitals(word: str) -> None:
    assert decode_one(last_job_status=word).last_job_status is SyncStatus.LIMIT_EXCEEDED


def test_a_status_that_is_not_documented_is_unknown() -> None:
    decoded = decode_integrations({"results": [{**RECORD, "last_job_status": "Skipped"}]})
    assert decoded.integrations[0].last_job_status is SyncStatus.UNKNOWN
    assert decoded.anomalies == {"last_job_status_unknown": 1}


@pytest.mark.parametrize("body", [None, [], "x", 1, {}, {"results": None}, {"results": {}}])
def test_what_is_no_page_is_a_problem(body: Any) -> None:
    assert decode_integrations(body).problem is not None


def test_a_page_of_unreadable_records_is_no_empty_page() -> None:
    assert decode_integrations({"results": [None, {"integration_id": 5}]}).problem is not None
    assert decode_integrations({"results": []}).problem is None


def test_a_page_without_an_end_is_cut() -> None:
    decoded = decode_integrations({"results": [{"integration_id": f"i{n}"} for n in range(1500)]})
    assert len(decoded.integrations) == 1000
    assert decoded.anomalies == {"too_many_records": 1}


def test_a_listing_tells_the_latest_sync_that_is_known() -> None:
    listed = decode_one()
    assert listed.tells(Sync(START, SyncStatus.SUCCESS, START))
    assert not listed.tells(Sync(START, SyncStatus.RUNNING))
    assert not listed.tells(Sync(START.replace(hour=9), SyncStatus.SUCCESS, START))
    assert not listed.tells(None)


def test_a_listing_without_a_sync_tells_that_there_is_none() -> None:
    assert ListedIntegration("a").tells(None)
    assert not ListedIntegration("a").tells(Sync(START, SyncStatus.SUCCESS, START))


def test_only_a_newer_running_sync_is_newly_running() -> None:
    running = decode_one(last_job_status="running")
    assert running.newly_running(None) == Sync(START, SyncStatus.RUNNING)
    assert running.newly_running(Sync(START.replace(hour=9), SyncStatus.SUCCESS, START)) is not None
    assert running.newly_running(Sync(START, SyncStatus.RUNNING)) is None
    assert running.newly_running(Sync(START.replace(hour=11), SyncStatus.SUCCESS)) is None
    assert decode_one().newly_running(None) is None
    assert decode_one(last_job_status="running", last_job_start_time=None).newly_running(None) is None


def test_a_listing_is_ahead_when_it_shows_a_newer_sync_by_more_than_rounding() -> None:
    assert decode_one().is_ahead_of(None)
    assert decode_one().is_ahead_of(Sync(START.replace(hour=9), SyncStatus.SUCCESS))
    assert not decode_one().is_ahead_of(Sync(START, SyncStatus.ERROR))
    assert not decode_one(last_job_start_time="2026-03-01T10:00:00.9Z").is_ahead_of(Sync(START, SyncStatus.SUCCESS))
    assert not decode_one().is_ahead_of(Sync(START.replace(hour=11), SyncStatus.SUCCESS))
    assert not decode_one(last_job_start_time=None).is_ahead_of(None)


def test_each_occurrence_of_an_anomaly_in_the_list_is_counted() -> None:
    odd = ["no object", {**RECORD, "integration_id": "a/b"}, {**RECORD, "integration_name": 7}]
    anomalies = decode_integrations({"results": odd * 3}).anomalies
    assert anomalies == {"record_not_an_object": 3, "integration_id_invalid": 3, "integration_name_invalid": 3}


def test_a_list_of_just_as_many_records_as_are_read_is_no_anomaly() -> None:
    assert decode_integrations({"results": [RECORD] * MAX_RECORDS}).anomalies == {}


def test_an_empty_text_in_place_of_the_last_status_is_unknown_and_no_anomaly() -> None:
    decoded = decode_integrations({"results": [{**RECORD, "last_job_status": ""}]})
    assert (decoded.integrations[0].last_job_status, decoded.anomalies) == (None, {})


def test_a_list_that_shows_half_of_a_sync_does_not_tell_that_there_is_none() -> None:
    assert not ListedIntegration("i", last_job_status=SyncStatus.SUCCESS).tells(None)
    assert not ListedIntegration("i", last_job_start_time=START).tells(None)


def test_a_list_that_shows_a_start_a_second_later_is_ahead() -> None:
    known = Sync(START - timedelta(seconds=1), SyncStatus.SUCCESS)
    assert ListedIntegration("i", last_job_start_time=START).is_ahead_of(known)


def known(status: SyncStatus, **later: int) -> Sync:
    """The latest sync that its own endpoint has told."""
    finished = None if status is SyncStatus.RUNNING else START + timedelta(hours=2)
    return Sync(START + timedelta(**later), status, finished)


@pytest.mark.parametrize(
    ("latest", "listed", "ahead"),
    [
        (known(SyncStatus.RUNNING), {}, True),
        (known(SyncStatus.RUNNING), {"last_job_status": None}, True),
        (known(SyncStatus.RUNNING), {"last_job_status": "running"}, False),
        (known(SyncStatus.SUCCESS), {"last_job_status": "running"}, False),
        (known(SyncStatus.ERROR), {}, False),
        (known(SyncStatus.RUNNING, milliseconds=999), {}, True),
        (known(SyncStatus.RUNNING, seconds=1), {}, False),
    ],
)
def test_a_list_that_says_how_a_running_sync_ended_is_ahead(latest: Sync, listed: dict[str, Any], ahead: bool) -> None:
    assert decode_one(**listed).is_ahead_of(latest) is ahead


@pytest.mark.parametrize(
    ("latest", "listed", "is_open"),
    [
        (None, {"last_job_start_time": None, "last_job_status": None}, False),
        (None, {"last_job_start_time": None}, True),
        (None, {}, False),
        (known(SyncStatus.SUCCESS), {}, False),
        (known(SyncStatus.SUCCESS), {"last_job_start_time": None, "last_job_status": None}, True),
        (known(SyncStatus.SUCCESS), {"last_job_start_time": "soon"}, True),
        (known(SyncStatus.SUCCESS, milliseconds=999), {}, False),
        (known(SyncStatus.SUCCESS, seconds=1), {}, True),
        (known(SyncStatus.SUCCESS, hours=-1), {}, False),
    ],
)
def test_a_list_leaves_open_what_it_does_not_tell_or_has_not_heard_of(
    latest: Sync | None, listed: dict[str, Any], is_open: bool
) -> None:
    assert decode_one(**listed).leaves_open(latest) is is_open


def test_an_odd_app_group_is_an_anomaly() -> None:
    decoded = decode_integrations({"results": [{**RECORD, "app_group_id": 7}]})
    assert decoded.anomalies == {"app_group_id_invalid": 1}


@pytest.mark.parametrize(
    ("listed", "latest", "watermark", "expected"),
    [
        # The list shows a newer sync, or that the latest has ended.
        ({}, None, None, {"older_than_list": 1}),
        ({}, Sync(START - timedelta(seconds=1), SyncStatus.SUCCESS), START, {"older_than_list": 1}),
        ({}, Sync(START, SyncStatus.RUNNING), None, {"older_than_list": 1}),
        ({"last_job_start_time": None}, None, START, {}),
        # The same sync: the watermarks are compared, to the second.
        ({}, Sync(START, SyncStatus.SUCCESS), START - timedelta(hours=1), {}),
        ({}, Sync(START, SyncStatus.SUCCESS), START - timedelta(minutes=59), {"watermark_differs_from_list": 1}),
        ({}, Sync(START, SyncStatus.SUCCESS), START - timedelta(minutes=61), {"watermark_differs_from_list": 1}),
        (
            {},
            Sync(START, SyncStatus.SUCCESS),
            START - timedelta(hours=1, seconds=1),
            {"watermark_differs_from_list": 1},
        ),
        ({}, Sync(START, SyncStatus.SUCCESS), START - timedelta(hours=1, milliseconds=999), {}),
        ({}, Sync(START, SyncStatus.SUCCESS), None, {}),
        ({"last_updated_at": None}, Sync(START, SyncStatus.SUCCESS), START, {}),
        # Not the same one, or one that still runs: nothing to compare.
        ({}, Sync(START + timedelta(hours=1), SyncStatus.SUCCESS), START, {}),
        ({"last_job_status": "running"}, Sync(START, SyncStatus.RUNNING), START, {}),
    ],
)
def test_what_the_list_and_the_endpoint_tell_otherwise_is_an_anomaly(
    listed: dict[str, Any], latest: Sync | None, watermark: datetime | None, expected: dict[str, int]
) -> None:
    assert decode_one(**listed).contradictions(latest, watermark) == expected
