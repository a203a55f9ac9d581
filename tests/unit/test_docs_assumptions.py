"""docs/testing.md has a row for each assumption; its anomalies and the tests here exist."""

import re
from pathlib import Path

import pytest

from exporter.domain.field_report import ASSUMPTIONS

ROOT = Path(__file__).resolve().parents[2]
SECTION = (ROOT / "docs" / "testing.md").read_text()
ROWS = [line.strip("|").split("|") for line in SECTION.splitlines() if line[:1] == "|" and line[:2] != "|-"][1:]
BESIDE_THE_REPORT = {"a cursor that Braze gives can be followed", "Date is Braze's time"}
"""Whether these hold no report can tell."""
TESTS = {
    "syncs come latest first, page after page": (
        "unit/poller/test_doubts.py::test_the_latest_sync_is_found_in_whatever_order",
        "unit/poller/test_doubts.py::test_where_the_latest_cannot_be_found_the_poll_says_so_and_shows_no_old_sync",
    ),
    "the list's latest start equals that of job_sync_status": (
        "unit/poller/test_doubts.py::test_a_page_older_than_the_list_is_an_anomaly_and_no_run_is_overdue",
    ),
    "a finished record never changes": (
        "unit/poller/test_doubts.py::test_a_finished_sync_that_changes_is_an_anomaly_and_counts_once",
    ),
    "a running record has no finish": (
        "unit/poller/test_other_forms.py::test_a_running_sync_that_shows_a_finish_runs_and_counts_once_it_has_ended",
    ),
    "after an error no rows are synced and the finish is given": (
        "unit/poller/test_other_forms.py::test_a_failed_sync_with_rows_and_without_a_finish_counts_with_its_rows",
    ),
    "a start becomes visible within a minute": (
        "unit/poller/test_other_forms.py::test_a_start_that_all_answers_hide_for_minutes_is_not_overdue_and_counts",
    ),
    "next_scheduled_run is null where nothing runs": (
        "unit/poller/test_other_forms.py::test_a_run_that_is_announced_where_nothing_runs_is_not_overdue",
    ),
    "next_scheduled_run is rolled forward when a run is missed": (
        "unit/poller/test_other_forms.py::test_a_missed_run_is_overdue_whether_its_announcement_moves_on_or_stays",
    ),
    "statuses and types are known words": (
        "unit/poller/test_doubts.py::test_a_status_nobody_documents_is_unknown_and_kept_as_braze_words_it",
    ),
    "records have the documented fields and no others": (
        "unit/poller/test_other_forms.py::test_fields_that_nobody_documents_cost_nothing_and_missing_ones_are_not_known",
    ),
    "ten records a page, and Link as documented": (
        "unit/braze/test_wire_links.py::test_every_well_formed_link_gives_its_cursor_and_never_its_address",
        "unit/braze/test_wire_links.py::test_a_next_page_that_cannot_be_followed_is_not_the_end",
        "unit/domain/test_decode_syncs.py::test_more_records_than_any_page_has_are_not_read",
    ),
    "times are ISO 8601 with an offset, all of one form": (
        "unit/domain/test_decode_syncs.py::test_a_time_without_an_offset_is_utc_and_any_iso_form_is_read",
        "unit/domain/test_decode_syncs.py::test_a_time_that_cannot_be_read_costs_its_field_and_a_start_its_record",
    ),
    "syncs of files in S3 have no watermark": (
        "unit/poller/test_other_forms.py::test_a_watermark_is_shown_where_there_is_one_whatever_the_warehouse",
    ),
    "each answer has rate-limit headers with the documented limit": (
        "property/test_polling_within_limits.py::test_no_minute_has_more_requests_than_the_share_of_the_limit",
        "unit/domain/test_rate_limit.py::test_a_lower_limit_is_believed_and_a_higher_one_is_not",
    ),
    "integration ids are UUIDs": (
        "unit/braze/test_wire_requests.py::test_an_id_of_one_path_segment_is_asked_for",
        "unit/domain/test_listing.py::test_a_record_whose_id_cannot_be_asked_for_is_left_out",
    ),
    "last_updated_at equals the watermark": (
        "unit/poller/test_doubts.py::test_a_watermark_that_differs_between_list_and_page_is_an_anomaly",
    ),
    "no cache stands in between": (
        "unit/poller/test_doubts.py::test_a_page_older_than_the_list_is_an_anomaly_and_no_run_is_overdue",
        "unit/poller/test_other_forms.py::test_a_start_that_all_answers_hide_for_minutes_is_not_overdue_and_counts",
    ),
    "drafts are in the list": (
        "unit/poller/test_other_forms.py::test_a_draft_that_the_list_hides_is_found_when_it_is_active",
    ),
    "a cursor that Braze gives can be followed": (
        "unit/poller/test_doubts.py::test_a_cursor_that_is_refused_makes_no_poll_fail_and_is_a_gap_in_the_end",
    ),
    "Date is Braze's time": (
        "unit/poller/test_clock_skew.py::test_headers_that_tell_no_time_leave_our_clock",
        "unit/poller/test_clock_skew.py::test_absurd_headers_now_and_then_do_no_harm",
    ),
}
"""What happens when an assumption does not hold is shown by these tests."""


def test_each_assumption_has_one_row_and_a_test() -> None:
    described = [row[0].replace("`", "") for row in ROWS]
    assert sorted(described) == sorted([*(name for name, _ in ASSUMPTIONS), *BESIDE_THE_REPORT]) == sorted(TESTS)
    assert all(consequence for _, consequence in ROWS)


@pytest.mark.parametrize("named", sorted({test for tests in TESTS.values() for test in tests}))
def test_the_tests_that_are_named_exist(named: str) -> None:
    file, test = named.split("::")
    assert re.search(rf"^(async )?def {test}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE)


def test_the_anomalies_that_are_named_exist() -> None:
    named = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"anomal(?:y|ies) ((?:`\w+`,? ?)+)", SECTION))))
    packages = [ROOT / "exporter" / name for name in ("braze", "domain", "poller")]
    source = "".join(path.read_text() for package in packages for path in package.glob("*.py"))
    assert len(named) >= 8
    assert {kind for kind in named if f'"{kind}"' not in source} == set()
