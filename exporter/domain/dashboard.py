"""
An integration's page in Braze's dashboard, and until when the errors of single rows can be read there. Pure.

Source: Braze's pages about Cloud Data Ingestion: the address of an integration's page, and what is kept for 30 days.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import quote

from exporter.domain.model import Sync, SyncStatus

ROW_ERRORS_KEPT = timedelta(days=30)

INTEGRATION_PATH = "/integrations/cloud_data_ingestion/"
"""Where an integration's page is in Braze's dashboard; its id follows."""


def link_integration(dashboard_url: str, integration_id: str) -> str | None:
    """Return the address of an integration's page; None where that of the dashboard is not known."""
    if not dashboard_url:
        return None
    return f"{dashboard_url}{INTEGRATION_PATH}{quote(integration_id, safe='')}"


def rows_failed_at(syncs: Iterable[Sync]) -> datetime | None:
    """
    Return when the latest of *syncs*, latest first, of which rows failed has finished; None where there is none.

    A partial sync without row counts has had rows that failed.
    """
    failed = (
        sync.finished_at
        for sync in syncs
        if sync.finished and (sync.rows_failed_with_errors or sync.job_status is SyncStatus.PARTIAL)
    )
    return next(failed, None)


def row_errors_until(failed_at: datetime | None, now: datetime) -> datetime | None:
    """Return until when Braze keeps the errors of rows of a sync; None where it has none any more."""
    until = None if failed_at is None else failed_at + ROW_ERRORS_KEPT
    return until if until is not None and until > now else None
