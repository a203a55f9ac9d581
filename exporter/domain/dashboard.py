"""
An integration's pages in Braze's dashboard and in Grafana, and until when Braze keeps the errors of rows. Pure.

Source: Braze's pages about Cloud Data Ingestion: the address of an integration's page, and what is kept for 30 days.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from exporter.domain.model import Sync, SyncStatus

ROW_ERRORS_KEPT = timedelta(days=30)

INTEGRATION_PATH = "/integrations/cloud_data_ingestion/"
"""Where an integration's page is in Braze's dashboard; its id follows."""

FLEET_UID, INTEGRATION_UID = "braze-cdi-fleet", "braze-cdi-integration"
"""What deploy/grafana calls its dashboards; their addresses depend on nothing else."""


def link_integration(dashboard_url: str, integration_id: str) -> str | None:
    """Return the address of an integration's page; None where that of the dashboard is not known."""
    if not dashboard_url:
        return None
    return f"{dashboard_url}{INTEGRATION_PATH}{quote(integration_id, safe='')}"


def link_grafana(grafana_url: str, workspace: str, integration_id: str) -> str | None:
    """Return the address of the dashboard of one integration; None where that of Grafana is not known."""
    if not grafana_url:
        return None
    chosen = {"var-workspace": workspace, "var-integration": integration_id}
    return f"{grafana_url}/d/{INTEGRATION_UID}?{urlencode(chosen, quote_via=quote, errors='replace')}"


def link_fleet(grafana_url: str) -> str | None:
    """Return the address of the dashboard of all integrations; None where that of Grafana is not known."""
    return f"{grafana_url}/d/{FLEET_UID}" if grafana_url else None


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
