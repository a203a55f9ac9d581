"""
`/api/v1/status`: what the status page shows, for programs.

The fields are a promise, typed in `documents.py`. Times are RFC 3339 in UTC, spans are seconds, null means "not known".
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from exporter.domain.asked import Asked
from exporter.domain.dashboard import link_grafana, link_integration, row_errors_until
from exporter.domain.model import FINISHED_STATUSES, Failure, Sync, Totals
from exporter.domain.problem import Problem
from exporter.domain.view import View
from exporter.domain.wording import clip
from exporter.web.view import ExporterStatus, WorkspaceStatus, next_poll_at, without_broken
from exporter.web.words import word_rfc3339

if TYPE_CHECKING:
    from exporter.web.documents import (
        FailureDocument,
        IntegrationDocument,
        ProblemDocument,
        RequestDocument,
        SyncDocument,
        TotalsDocument,
    )

SCHEMA_VERSION = 1

_LONGEST_TEXT = 1000


def stream_status_json(status: ExporterStatus) -> Iterator[str]:
    """Yield the document, an integration at a time: as a whole it is 36 MB with 10,000 of them."""
    head = {
        "schema_version": SCHEMA_VERSION,
        "now": word_rfc3339(status.now),
        "version": status.version,
        "revision": status.revision or None,
        "started_at": word_rfc3339(status.started_at),
        "uptime_seconds": (status.now - status.started_at).total_seconds(),
    }
    yield f'{dump_json(head)[:-1]},"workspaces":['
    integrations = problems = 0
    for number, workspace in enumerate(status.workspaces):
        now = workspace.now or status.now
        yield f'{"," if number else ""}{dump_json(_workspace(workspace, now))[:-1]},"integrations":['
        broken: set[str] = set()
        comma = ""
        for view in workspace.views:
            try:
                one = document_integration(workspace, view, now)
                text = dump_json(one)
            except Exception:  # noqa: BLE001 - one odd integration must not cost the document of all
                broken.add(view.integration.integration_id)
                continue
            integrations += 1
            problems += one["severity"] in ("warning", "critical")
            yield comma + text
            comma = ","
        told = without_broken(workspace, lambda view: view.integration.integration_id not in broken)  # noqa: B023
        yield f'],"notes":{dump_json([document_text(note) for note in told.notes])}}}'
    yield f'],"integration_count":{integrations},"problem_count":{problems}}}\n'


def dump_json(value: Any) -> str:
    """In ASCII, without spaces."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _workspace(workspace: WorkspaceStatus, now: datetime) -> dict[str, object]:
    """Return what stands before the integrations."""
    return {
        "name": document_text(workspace.name),
        "rest_endpoint": document_text(workspace.rest_endpoint),
        "poll_interval_seconds": workspace.poll_interval_seconds,
        "now": word_rfc3339(now),
        "history_read_ratio": workspace.history_read_ratio,
        "requests": [document_request(asked) for asked in workspace.requests],
    }


def document_integration(workspace: WorkspaceStatus, view: View, now: datetime) -> "IntegrationDocument":
    """Return one integration as `/api/v1/status` shows it."""
    integration = view.integration
    problems = view.problems_at(now)
    watermark = view.last_timestamp_synced
    return {
        "id": document_text(integration.integration_id),
        "name": document_text(integration.integration_name),
        "labels": {name: document_text(value) for name, value in integration.labels},
        "integration_type": document_text(integration.integration_type) or None,
        "integration_status": document_text(view.integration_status or "") or None,
        "warehouse_type": document_text(integration.warehouse_type) or None,
        "app_group_id": document_text(integration.app_group_id) or None,
        "dashboard_url": link_integration(workspace.dashboard_url, integration.integration_id),
        "grafana_url": link_grafana(workspace.grafana_url, workspace.name, integration.integration_id),
        "severity": problems[0].severity.word if problems else "ok",
        "problems": [_problem(problem) for problem in problems],
        "limits": {
            name: {"value": limit.value, "source": limit.source.value, "learned_from_syncs": limit.syncs or None}
            for name, limit in view.limits or ()
        },
        "usual": {
            "learned_syncs": view.learned_syncs or 0,
            "sync_duration_seconds": view.usual_duration_seconds,
            "rows_synced": view.usual_rows,
            "changes": list(view.changes),
        },
        "poll": {
            "up": view.up,
            "stale": view.is_stale(now),
            "last_at": _time(view.last_poll_at),
            "last_success_at": _time(view.last_poll_success_at),
            "next_at": _time(next_poll_at(workspace, view)),
            "stale_at": _time(view.stale_at),
            "failing_since": _time(view.failing_since),
            "failure": _failure(view.failure),
        },
        "latest_sync": None if view.latest is None else document_sync(view.latest),
        "latest_finished_sync": None if view.latest_finished is None else document_sync(view.latest_finished),
        "last_success_at": _time(view.last_success_at),
        "last_timestamp_synced": _time(watermark),
        "last_timestamp_synced_lag_seconds": None if watermark is None else (now - watermark).total_seconds(),
        "consecutive_failed_syncs": view.consecutive_failed_syncs,
        "next_scheduled_run": _time(view.next_scheduled_run),
        "expected_run_at": _time(view.expected_run_at),
        "start_deadline_at": _time(view.start_deadline_at),
        "totals": _totals(view.totals),
        "history_gaps": view.history_gaps,
        "row_errors_until": _time(row_errors_until(view.rows_failed_at, now)),
        "history": [document_sync(sync) for sync in view.history],
    }


def document_request(asked: Asked) -> "RequestDocument":
    return {
        "at": word_rfc3339(asked.at),
        "endpoint": str(asked.endpoint),
        "page": asked.page,
        "outcome": asked.outcome,
        "seconds": asked.seconds,
        "rate_limit": asked.limit,
        "rate_limit_remaining": asked.remaining,
        "why": asked.why,
    }


def _problem(problem: Problem) -> "ProblemDocument":
    return {
        "kind": problem.kind,
        "severity": problem.severity.word,
        "since": _time(problem.since),
        "value": problem.value,
        "limit": problem.limit,
        "text": document_text(problem.text),
    }


def document_sync(sync: Sync) -> "SyncDocument":
    return {
        "job_status": sync.job_status.value,
        "sync_start_time": word_rfc3339(sync.sync_start_time),
        "sync_finish_time": _time(sync.sync_finish_time),
        "duration_seconds": sync.duration_seconds,
        "last_timestamp_synced": _time(sync.last_timestamp_synced),
        "rows_synced": sync.rows_synced,
        "rows_failed_with_errors": sync.rows_failed_with_errors,
    }


def _failure(failure: Failure | None) -> "FailureDocument | None":
    if failure is None:
        return None
    return {"reason": failure.reason, "message": document_text(failure.message), "at": word_rfc3339(failure.at)}


def _totals(totals: Totals | None) -> "TotalsDocument | None":
    if totals is None:
        return None
    return {
        "syncs": dict(zip((status.value for status in FINISHED_STATUSES), totals.syncs, strict=True)),
        "rows_synced": totals.rows_synced,
        "rows_failed_with_errors": totals.rows_failed_with_errors,
        "duration_seconds": totals.duration_seconds,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else word_rfc3339(at)


def document_text(text: str) -> str:
    """Return a text of somebody else, on one line and not too long."""
    return clip(text, _LONGEST_TEXT)
