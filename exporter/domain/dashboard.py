"""
An integration's page in Braze's dashboard, and until when the errors of single rows can be read there. Pure.

Source: Braze's pages about Cloud Data Ingestion: the address of an integration's page, and what is kept for 30 days.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import quote

from exporter.domain.model import Sync, SyncStatus

ROW_ERRORS_KEPT = timedelta(days=30)


def link_integration(dashboard_url: str, integration_id: str) -> str | None:
    """Return the address of an integration's page; None where that of the dashboard is not known."""
    if not dashboard_url:
        return None
    return f"{dashboard_url}/integrations/cloud_data_ingestion/{quote(integration_id, safe='')}"


def row_errors_until(syncs: Iterable[Sync], now: datetime) -> datetime | None:
    """
    Return until when Braze keeps errors of rows of *syncs*, latest first; None where there are none any more.

    A partial sync without row counts has had rows that failed.
    """
    for sync in syncs:
        if sync.finished and (sync.rows_failed_with_errors or sync.job_status is SyncStatus.PARTIAL):
            until = sync.finished_at + ROW_ERRORS_KEPT
            return until if until > now else None
    return None
