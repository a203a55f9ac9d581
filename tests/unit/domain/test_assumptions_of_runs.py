"""What a field report says of starts, announced runs and watermarks, on answers made by hand."""

from typing import Any

import pytest

from exporter.domain import assumptions
from exporter.domain.field_evidence import FieldAnswer
from tests.field_answers import clock, evidence, lines_of, listed, listing, page, sync, told, verdict_of, without

# Starts


SHOWN, HIDDEN = "age of the latest start seen: {}", "starts that a page did not show a minute later: {}"


@pytest.mark.parametrize(
    ("answers", "verdict", "line"),
    [
        ([page(sync(-1))], "confirmed", SHOWN.format("1m")),
        ([page(sync(-9), sync(-1))], "confirmed", SHOWN.format("1m")),
        ([page(sync(-61 / 60))], "not seen", SHOWN.format("1m")),
        ([page(sync(-9)), page(sync(-0.5), of="j"), page(sync(-3), of="k")], "confirmed", SHOWN.format("30s")),
        ([page(sync(-9)), page(sync(0), number=1)], "not seen", SHOWN.format("9m")),
        ([page(sync(-9)), page(sync(-1), sync(-9), at=20)], "not seen", SHOWN.format("9m")),  # within the minute
        ([page(sync(-9)), page(sync(1), sync(-9), at=20)], "not seen", SHOWN.format("9m")),
        ([page(sync(-9)), page(sync(-8), sync(-2), sync(-9), at=20)], "refuted", HIDDEN.format(2)),
        ([page(sync(-9)), page(sync(-9), sync(-10), at=20)], "not seen", SHOWN.format("9m")),  # an older one
        ([page(sync(-9), sync(-11)), page(sync(-10), at=20)], "not seen", SHOWN.format("9m")),
        ([page(), page(sync(-9), at=20)], "not seen", SHOWN.format("29m")),
        ([page(sync(-9)), page(sync(-8)), page(sync(-7)), page(sync(-7))], "refuted", HIDDEN.format(2)),
    ],
)
def test_a_start_is_visible_after_a_minute(answers: list[FieldAnswer], verdict: str, line: str) -> None:
    assert told(assumptions.start_visible(evidence(*answers))) == (verdict, [line], {})


def test_no_start_was_seen_where_there_is_none_on_a_first_page() -> None:
    assert told(assumptions.start_visible(evidence(page(), page(sync(0), number=1)))) == ("not seen", [], {})


# The next run in the list


@pytest.mark.parametrize("status", ["Paused", "inactive", "disabled", "Stopped", "ARCHIVED", "draft"])
@pytest.mark.parametrize(("next_run", "verdict"), [(None, "confirmed"), (clock(1), "refuted")])
def test_no_run_is_announced_where_nothing_runs(status: str, next_run: str | None, verdict: str) -> None:
    idle = listed(integration_status=status, next_scheduled_run=next_run)
    found = assumptions.next_run_null(evidence(listing(idle, listed("j"))))
    kind = "null" if next_run is None else "string"
    lines = [f"paused, disabled or draft: 1 {kind}", "all others: 1 string", "of these, type s3: none"]
    assert told(found) == (verdict, lines, {})


def test_integrations_are_counted_by_whether_they_run_and_read_files() -> None:
    records = [
        listed("a", integration_status="paused", next_scheduled_run=None, warehouse_type="s3"),
        without(listed("b", integration_status="paused"), ["next_scheduled_run"]),
        listed("c", integration_type="S3", next_scheduled_run=None),
        listed("d", warehouse_type="AWS S3"),
        without(listed("e"), ["integration_status"]),
    ]
    assert told(assumptions.next_run_null(evidence(listing(*records)))) == (
        "confirmed",
        [
            "paused, disabled or draft: 1 null, 1 missing",
            "all others: 2 string, 1 null",
            "of these, type s3: 1 null, 1 string",
        ],
        {},
    )
    assert verdict_of(assumptions.next_run_null(evidence(listing(listed())))) == "not seen"


def announced(run: float | None, start: float | None = 0, *, at: float = 0, of: str = "i") -> FieldAnswer:
    """The list announces a run, and shows a latest start."""
    times = {"next_scheduled_run": run, "last_job_start_time": start}
    record = listed(of, **{name: None if each is None else clock(each) for name, each in times.items()})
    return listing(record, at=at)


@pytest.mark.parametrize(
    ("answers", "rolled", "stays"),
    [
        ([announced(10, at=15), page()], 0, 0),
        ([announced(10, at=15.1), page()], 0, 1),
        ([announced(10, None, at=16), page()], 0, 1),
        ([announced(10, 10, at=16), page()], 0, 0),
        ([announced(10, 9, at=16), page()], 0, 1),
        ([announced(None, at=16), page()], 0, 0),
        ([announced(10, at=9), announced(20, at=11)], 1, 0),
        ([announced(10, None, at=9), announced(20, None, at=11)], 1, 0),
        ([announced(10, at=9), announced(10 + 1 / 60, at=11)], 0, 0),
        ([announced(10, at=9), announced(10 + 2 / 60, at=11)], 1, 0),
        ([announced(10, at=9), announced(20, at=10)], 0, 0),
        ([announced(10, at=9), announced(20, 10, at=11)], 0, 0),
        ([announced(10, at=9), announced(None, at=11), announced(20, at=12)], 0, 0),
        ([announced(10, at=9), announced(20, at=11), announced(30, at=21)], 2, 0),
        ([announced(10, at=9), announced(20, at=11), page(), announced(20, at=26, of="j"), page(of="j")], 1, 1),
    ],
)
def test_an_announcement_is_rolled_forward_or_stays_in_the_past(
    answers: list[FieldAnswer], rolled: int, stays: int
) -> None:
    verdict = "refuted" if stays else "confirmed" if rolled else "not seen"
    style = {} if verdict == "not seen" else {"announcement_rolls": not stays}
    line = f"moved on without a start: {rolled}; stayed in the past: {stays}"
    assert told(assumptions.next_run_rolls(evidence(*answers))) == (verdict, [line], style)


# The watermark in the list


@pytest.mark.parametrize(
    ("record", "syncs", "equal", "different"),
    [
        (listed(), [sync(0)], 1, 0),
        (listed(), [sync(0, last_timestamp_synced=clock(-1 / 60))], 0, 1),
        (listed(), [sync(0, last_timestamp_synced=clock(0).replace("Z", ".999Z"))], 1, 0),
        (listed(last_updated_at=None), [sync(0)], 0, 0),
        (listed(), [sync(0, last_timestamp_synced=None)], 0, 0),
        (listed(last_job_status="Running"), [sync(0)], 0, 0),
        (listed(), [sync(0, "running", last_timestamp_synced=clock(-1)), sync(0)], 1, 0),
        (listed(), [sync(5, last_timestamp_synced=clock(5)), sync(0)], 1, 0),
        (listed(), [sync(-9)], 0, 0),
        (listed(last_job_start_time=None), [sync(None)], 0, 0),
    ],
)
def test_the_watermark_in_the_list_is_that_of_the_very_sync(
    record: dict[str, Any], syncs: list[Any], equal: int, different: int
) -> None:
    verdict = "refuted" if different else "confirmed" if equal else "not seen"
    found = assumptions.list_watermark(evidence(listing(record), page(*syncs)))
    assert told(found) == (verdict, [f"equal: {equal}; different: {different}"], {})


def test_each_integration_has_a_watermark_to_compare() -> None:
    answers = [listing(*map(listed, "abc")), page(sync(0), of="a"), page(sync(0), of="b")]
    found = assumptions.list_watermark(evidence(*answers, page(sync(0, last_timestamp_synced=clock(1)), of="c")))
    assert lines_of(found) == ["equal: 2; different: 1"]
