"""What a field report says of the order of syncs and of their records, on answers made by hand."""

from datetime import timedelta
from typing import Any

import pytest

from exporter.domain import assumptions
from exporter.domain.field_evidence import FieldAnswer
from tests.field_answers import NOON, clock, evidence, lines_of, listed, listing, page, sync, told, verdict_of, without

NOT_SEEN: tuple[str, list[str], dict[str, Any]] = ("not seen", [], {})


# Order


def pages(*walk: list[float], of: str = "i") -> list[FieldAnswer]:
    """The pages of one walk, each with the starts of its syncs."""
    return [page(*map(sync, starts), of=of, number=number) for number, starts in enumerate(walk)]


@pytest.mark.parametrize(
    ("walk", "shares", "verdict", "style"),
    [
        ([[4, 3], [2, 1]], ("2 of 2", "0 of 2", "1 of 1"), "confirmed", {"order": "latest first"}),
        ([[4, 3], [3, 1]], ("2 of 2", "0 of 2", "1 of 1"), "confirmed", {"order": "latest first"}),
        ([[4, 4]], ("1 of 1", "1 of 1", "0 of 0"), "confirmed", {"order": "latest first"}),
        ([[1, 2], [3, 4]], ("0 of 2", "2 of 2", "0 of 1"), "refuted", {"order": "oldest first"}),
        ([[1, 2], [2, 4]], ("0 of 2", "2 of 2", "0 of 1"), "refuted", {"order": "oldest first"}),
        ([[1, 2]], ("0 of 1", "1 of 1", "0 of 0"), "refuted", {"order": "oldest first"}),
        ([[5, 6], [4, 3]], ("1 of 2", "1 of 2", "1 of 1"), "refuted", {"order": "jumbled"}),
        ([[5, 7, 6], [2, 4, 3]], ("0 of 2", "0 of 2", "1 of 1"), "refuted", {"order": "jumbled"}),
        ([[3, 4], [1, 2]], ("0 of 2", "2 of 2", "1 of 1"), "refuted", {"order": "jumbled"}),
        ([[2, 1], [4, 3]], ("2 of 2", "0 of 2", "0 of 1"), "refuted", {}),
        ([[5, 7, 6], [4, 6]], ("0 of 2", "1 of 2", "0 of 1"), "refuted", {}),
        ([[4, 3], [2]], ("1 of 1", "0 of 1", "1 of 1"), "confirmed", {"order": "latest first"}),
        ([[4], [3, 2]], ("1 of 1", "0 of 1", "1 of 1"), "confirmed", {"order": "latest first"}),
        ([[4, 3], []], ("1 of 1", "0 of 1", "0 of 0"), "confirmed", {"order": "latest first"}),
        ([[], [4, 3]], ("1 of 1", "0 of 1", "0 of 0"), "confirmed", {"order": "latest first"}),
    ],
)
def test_order_is_that_of_every_page_and_of_page_after_page(
    walk: list[list[float]], shares: tuple[str, str, str], verdict: str, style: dict[str, str]
) -> None:
    latest, oldest, older = shares
    assert told(assumptions.order(evidence(*pages(*walk)))) == (
        verdict,
        [
            f"pages with the latest sync first: {latest}",
            f"pages with the oldest sync first: {oldest}",
            f"further pages that are older as a whole: {older}",
        ],
        style,
    )


@pytest.mark.parametrize("walk", [[], [[]], [[4], [3]]])
def test_pages_of_one_sync_have_no_order(walk: list[list[float]]) -> None:
    assert told(assumptions.order(evidence(*pages(*walk)))) == NOT_SEEN


# The start in the list


LATEST = "last_job_start_time"


@pytest.mark.parametrize(
    ("shown", "starts", "counts", "verdict"),
    [
        (0, [0, -9], (1, 0, 0), "confirmed"),
        (0, [-9, 0], (1, 0, 0), "confirmed"),
        (0, [0.99 / 60], (1, 0, 0), "confirmed"),
        (0, [-0.99 / 60], (1, 0, 0), "confirmed"),
        (0, [-1 / 60], (0, 1, 0), "refuted"),
        (0, [1 / 60], (0, 0, 1), "refuted"),
        (0, [-9, -8], (0, 0, 0), "not seen"),  # not in order, so that the latest may be on another page
        (0, [10], (0, 0, 1), "refuted"),  # begun when the list was answered
        (0, [10.1], (0, 0, 0), "not seen"),  # begun between the two answers
        (None, [0], (0, 0, 0), "not seen"),
        (0, [], (0, 0, 0), "not seen"),
    ],
)
def test_the_start_in_the_list_is_that_of_the_latest_sync_on_the_page(
    shown: float | None, starts: list[float], counts: tuple[int, int, int], verdict: str
) -> None:
    start = None if shown is None else clock(shown)
    syncs = [sync(0, sync_start_time=(NOON + timedelta(minutes=each)).isoformat()) for each in starts]
    found = assumptions.list_start(evidence(listing(listed(**{LATEST: start}), at=10), page(*syncs, at=20)))
    assert told(found)[::2] == (verdict, {})
    assert lines_of(found)[0] == "equal: {}; list later: {}; job_sync_status later: {}".format(*counts)


def test_integrations_that_cannot_be_compared_leave_the_others_to_judge_by() -> None:
    syncs = {"a": [], "b": [sync(0)], "c": [sync(0)], "d": [sync(-9)], "e": [sync(9)]}
    answers = [listing(*(listed(each, **{LATEST: clock(0)}) for each in syncs), at=10)]
    found = assumptions.list_start(evidence(*answers, *(page(*records, of=each) for each, records in syncs.items())))
    assert (verdict_of(found), lines_of(found)[0]) == ("refuted", "equal: 2; list later: 1; job_sync_status later: 1")


def test_digits_of_a_start_are_compared_with_those_of_the_same_sync() -> None:
    fine = sync(0, sync_start_time=clock(0).replace("Z", ".000Z"))
    answers = [listing(*map(listed, "abcd")), page(sync(0), sync(-9), of="a"), page(fine, of="b")]
    found = assumptions.list_start(evidence(*answers, page(sync(0), of="c"), page(sync(-9), of="d")))
    assert lines_of(found)[1] == "digits after the second are the same: 2 of 3"


# Records


@pytest.mark.parametrize(
    ("before", "after", "same", "changed", "verdict"),
    [
        ([sync(0), sync(-9)], [sync(0), sync(-9)], 2, 0, "confirmed"),
        ([sync(0), sync(-9)], [sync(0, rows_synced=6), sync(-9)], 1, 1, "refuted"),
        ([sync(0)], [sync(0, more=1)], 0, 1, "refuted"),
        ([sync(0, "odd")], [sync(0)], 0, 1, "refuted"),
        ([sync(0, "running")], [sync(0)], 0, 0, "not seen"),
        ([sync(0)], [sync(9)], 0, 0, "not seen"),
    ],
)
def test_a_finished_record_that_was_read_twice_is_the_same(
    before: list[Any], after: list[Any], same: int, changed: int, verdict: str
) -> None:
    found = assumptions.finished_stays(evidence(page(*before), page(*after)))
    assert told(found) == (verdict, [f"read twice and equal: {same}; changed: {changed}"], {})


def test_records_are_compared_in_every_pair_of_pages() -> None:
    answers = [page(sync(0), sync(-9)), page(sync(0), sync(-9)), page(sync(0), sync(-9, "error"))]
    answers += [page(sync(0, "error"), of="j"), page(sync(0), of="j")]
    assert lines_of(assumptions.finished_stays(evidence(*answers))) == ["read twice and equal: 3; changed: 2"]


NO_ROWS: dict[str, Any] = {"rows_synced": None, "rows_failed_with_errors": None}
BEGUN: dict[str, Any] = {"status": "running", "sync_finish_time": None, "last_timestamp_synced": None, **NO_ROWS}


@pytest.mark.parametrize(
    ("running", "verdict", "finish", "rows", "tells"),
    [
        ([sync(0, **BEGUN)], "confirmed", "1 null", "1 null", False),
        ([sync(0, **BEGUN), sync(1, **{**BEGUN, "rows_synced": 0})], "confirmed", "2 null", "1 null, 1 integer", True),
        ([without(sync(0, **BEGUN), ["sync_finish_time"])], "confirmed", "1 missing", "1 null", False),
        (
            [sync(0, **BEGUN), sync(1, "running", **NO_ROWS)],
            "refuted",
            "1 null, 1 string",
            "2 null",
            False,
        ),
    ],
)
def test_a_running_record_has_no_finish(running: list[Any], verdict: str, finish: str, rows: str, tells: bool) -> None:
    watermark = f"{len(running)} null" if verdict == "confirmed" else "1 null, 1 string"
    found = assumptions.running_fields(evidence(page(*running, sync(-9))))
    lines = [f"sync_finish_time: {finish}", f"last_timestamp_synced: {watermark}", f"rows_synced: {rows}"]
    assert told(found)[::2] == (verdict, {"running_tells": tells})
    assert lines_of(found)[:3] == lines
    assert lines_of(found)[3:] == [f"rows_failed_with_errors: {len(running)} null"]


@pytest.mark.parametrize("status", ["error", "config_error", "limit_exceeded"])
@pytest.mark.parametrize(
    ("change", "verdict", "rows", "zero"),
    [
        ({"rows_synced": 0}, "confirmed", "1 integer", 1),
        ({"rows_synced": None}, "confirmed", "1 null", 0),
        ({"rows_synced": 1}, "refuted", "1 integer", 0),
        ({"rows_synced": 0, "sync_finish_time": None}, "refuted", "1 integer", 1),
        ({"rows_synced": 1, "sync_finish_time": None}, "refuted", "1 integer", 0),
    ],
)
def test_a_failed_record_has_a_finish_and_no_rows(
    status: str, change: dict[str, Any], verdict: str, rows: str, zero: int
) -> None:
    found = assumptions.failed_fields(evidence(page(sync(0, status, **change), sync(-9))))
    finish = "null" if "sync_finish_time" in change else "string"
    assert told(found) == (
        verdict,
        [
            f"sync_finish_time: 1 {finish}",
            "last_timestamp_synced: 1 string",
            f"rows_synced: {rows}",
            "rows_failed_with_errors: 1 integer",
            f"rows_synced is 0: {zero} of 1",
        ],
        {"failed_tells": rows != "1 null"},
    )


def test_one_failed_record_of_two_is_not_enough() -> None:
    found = assumptions.failed_fields(evidence(page(sync(0, "error"), sync(-9, "error", rows_synced=0))))
    assert (verdict_of(found), lines_of(found)[4]) == ("refuted", "rows_synced is 0: 1 of 2")


def test_records_that_are_neither_running_nor_failed_tell_of_neither() -> None:
    seen = evidence(page(sync(0), sync(-1, "partial"), sync(-2, "odd")))
    assert told(assumptions.running_fields(seen)) == told(assumptions.failed_fields(seen)) == NOT_SEEN
