"""An integration's page in Braze's dashboard, and how long row errors can be read there."""

from datetime import UTC, datetime, timedelta

import pytest

from exporter.domain.dashboard import link_fleet, link_grafana, link_integration, row_errors_until, rows_failed_at
from exporter.domain.model import Sync, SyncStatus

NOW = datetime(2026, 3, 1, tzinfo=UTC)
MONTH = timedelta(days=30)


def sync(days_ago: float, status: SyncStatus = SyncStatus.SUCCESS, failed: int | None = 0) -> Sync:
    start = NOW - timedelta(days=days_ago)
    finish = None if status is SyncStatus.RUNNING else start + timedelta(minutes=5)
    return Sync(start, status, finish, None, 10, failed)


def test_the_page_has_the_documented_address() -> None:
    assert link_integration("https://dashboard-03.braze.com", "abc-1") == (
        "https://dashboard-03.braze.com/integrations/cloud_data_ingestion/abc-1"
    )


def test_an_id_stays_in_its_path_segment() -> None:
    assert link_integration("https://d", "../x?y#z\" '<") == (
        "https://d/integrations/cloud_data_ingestion/..%2Fx%3Fy%23z%22%20%27%3C"
    )


def test_without_a_dashboard_there_is_no_page() -> None:
    assert link_integration("", "abc") is None


@pytest.mark.parametrize(
    ("syncs", "until"),
    [
        ((), None),
        ((sync(1), sync(2, failed=None)), None),
        ((sync(1), sync(2, failed=3), sync(3, failed=3)), sync(2).finished_at + MONTH),
        ((sync(1, SyncStatus.PARTIAL, None),), sync(1).finished_at + MONTH),
        ((sync(1, SyncStatus.ERROR, 3),), sync(1).finished_at + MONTH),
        ((sync(0, SyncStatus.RUNNING, 5), sync(1)), None),
        ((sync(30, failed=1),), sync(30).finished_at + MONTH),
        ((sync(31, failed=1),), None),
    ],
)
def test_row_errors_are_kept_for_thirty_days_after_the_latest_sync_that_had_some(
    syncs: tuple[Sync, ...], until: datetime | None
) -> None:
    assert row_errors_until(rows_failed_at(syncs), NOW) == until


def test_grafana_has_a_dashboard_of_all_and_one_with_the_integration_chosen() -> None:
    assert link_fleet("https://g/grafana") == "https://g/grafana/d/braze-cdi-fleet"
    assert link_grafana("https://g", "crm & web", "../x\ud800") == (
        "https://g/d/braze-cdi-integration?var-workspace=crm%20%26%20web&var-integration=..%2Fx%3F"
    )
    assert link_fleet("") is None
    assert link_grafana("", "crm", "x") is None


def test_row_errors_are_kept_until_the_very_moment() -> None:
    assert row_errors_until(NOW - MONTH, NOW) is None
    assert row_errors_until(NOW - MONTH + timedelta(seconds=1), NOW) == NOW + timedelta(seconds=1)
    assert row_errors_until(None, NOW) is None
