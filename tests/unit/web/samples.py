"""A realistic set of views: every behaviour an integration can have, and names that try to break the page."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zlib import crc32

from exporter.domain.expected_run import ExpectedRun
from exporter.domain.integration_state import IntegrationState, Session, Since, Watch
from exporter.domain.ledger import Ledger
from exporter.domain.listing import ListedIntegration, is_paused_status
from exporter.domain.model import Failure, Integration, Polls, Sync, SyncStatus, Totals
from exporter.domain.settings import PollSettings
from exporter.domain.summary import summarize
from exporter.domain.view import View, build_view
from exporter.web.status_json import stream_status_json
from exporter.web.view import ExporterStatus, WorkspaceStatus

NOW = datetime(2026, 3, 1, 14, 30, 0, tzinfo=UTC)
HOSTILE = "<script>alert('owned')</script>\u202e\ud800\n\"&{{ 7*7 }}"


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


_SIX_MINUTES_AGO = ago(minutes=6)
_LAST_POLL = ago(seconds=20)


def sync(
    start: datetime, status: str, seconds: float | None = 95, rows: int | None = 1200, failed: int | None = 0
) -> Sync:
    return Sync(
        sync_start_time=start,
        job_status=SyncStatus(status),
        sync_finish_time=None if seconds is None else start + timedelta(seconds=seconds),
        last_timestamp_synced=start - timedelta(minutes=4),
        rows_synced=rows,
        rows_failed_with_errors=failed,
    )


def view(
    name: str,
    statuses: Sequence[str] = ("success",) * 20,
    *,
    workspace: str = "production",
    every: timedelta = timedelta(minutes=15),
    latest_at: datetime = _SIX_MINUTES_AGO,
    judged_at: datetime = _LAST_POLL,
    failure: Failure | None = None,
    integration_status: str = "",
    next_scheduled_run: datetime | None = None,
    expected_run_at: datetime | None = None,
    watermark: datetime | None = None,
    gaps: int = 0,
    gone: Since | None = None,
    **changes: object,
) -> View:
    """An integration whose latest syncs had *statuses*, latest first, polled 20 s ago, as the judge finds it."""
    history = tuple(
        sync(
            latest_at - place * every,
            status,
            seconds=None if status == "running" else 95 + 7 * (place % 5),
            rows=None if status in {"running", "error", "config_error"} else 1200 + 37 * place,
            failed=17 if status == "partial" else None if status == "running" else 0,
        )
        for place, status in enumerate(statuses)
    )
    totals = Totals((40, 1, 2, 0, 0, 0), 48_000, 17, 3_800.0)
    ledger = Ledger(latest_at - timedelta(days=30), latest_at, history, totals=totals, gaps=gaps)
    listed = ListedIntegration(
        _id(name),
        name,
        integration_status=integration_status,
        warehouse_type="snowflake",
        next_scheduled_run=next_scheduled_run,
    )
    summary = summarize(ledger, listed)
    state = IntegrationState(
        ago(days=3),
        ledger,
        listed,
        None if expected_run_at is None else ExpectedRun(expected_run_at, announced=True),
        paused=Since(ago(days=3), at_first_sight=True) if is_paused_status(integration_status) else None,
        gone=gone,
        judged_at=judged_at,
        polls=Polls(_LAST_POLL, judged_at, failure, None if failure is None else judged_at + timedelta(minutes=1))
        if gone is None
        else Polls(),
        summary=summary if watermark is None else replace(summary, last_timestamp_synced=watermark),
        session=Session(listed_at=0.0),
    )
    watch = Watch(Integration(workspace, _id(name), name), PollSettings())
    return replace(build_view(state, watch), **changes)  # type: ignore[arg-type]  # keywords by name


def workspace(
    name: str, views: Sequence[View], *, endpoint: str = "https://rest", interval: float = 60, note: str = ""
) -> WorkspaceStatus:
    """A workspace that asks about each of its integrations in 40 s."""
    next_polls_at = {one.integration.integration_id: NOW + timedelta(seconds=40) for one in views if one.last_poll_at}
    return WorkspaceStatus(name, endpoint, interval, tuple(views), next_polls_at.get, (note,) if note else ())


def _id(name: str) -> str:
    digits = f"{crc32(name.encode('utf-8', 'replace')):08x}"
    return f"{digits}-1234-4321-8765-0123{digits}"


def realistic_status() -> ExporterStatus:
    """Eleven of seventeen need attention; of one more there is something to know."""
    failure = Failure(
        "forbidden", "403 from Braze: the key lacks the permission cdi.integration_job_status", ago(seconds=20)
    )
    production = (
        view("users", integration_status="active"),
        view("orders_events", ("running", *("success",) * 19), latest_at=ago(minutes=2)),
        view("catalog-items", ("partial", *("success",) * 12, "partial", "success")),
        view("loyalty_points", ("error", "error", "limit_exceeded", *("success",) * 17)),
        view("web_sessions", ("config_error",) * 6),
        view("big_backfill", ("running", *("success",) * 9), latest_at=ago(hours=7)),
        view("paused_campaign", latest_at=ago(days=12), every=timedelta(days=1), integration_status="paused"),
        view("never_run", ()),
        view("s3_drops", latest_at=ago(hours=31), last_timestamp_synced=None),
        view("watermark_ahead", watermark=NOW + timedelta(days=2, hours=3)),
        view(
            "falling_behind",
            watermark=ago(days=3, hours=5),
            expected_run_at=ago(hours=1, minutes=2),
            next_scheduled_run=NOW + timedelta(minutes=13),
        ),
        view("deleted_last_week", gone=Since(ago(days=2))),
    )
    staging = (
        view(HOSTILE, ("unknown", "success"), workspace="staging"),
        view("x" * 300, workspace="staging"),
        view("forbidden_fruit", workspace="staging", failure=failure, judged_at=ago(minutes=42)),
        view(
            "flaky_network",
            workspace="staging",
            failure=Failure("timeout", HOSTILE * 40, ago(seconds=20)),
            judged_at=ago(minutes=3),
        ),
        bare("just_added", workspace="staging"),
    )
    return ExporterStatus(
        now=NOW,
        version="0.1.0",
        revision="",
        started_at=ago(days=3, hours=4, minutes=12),
        workspaces=(
            workspace("production", production, endpoint="https://rest.iad-03.braze.com"),
            workspace(
                "staging",
                staging,
                endpoint="https://rest.fra-01.braze.eu",
                interval=90,
                note="The key may not list integrations: each is polled.",
            ),
        ),
    )


def bare(name: str, integration_id: str = "11111111-2222-3333-4444-555555555555", *, workspace: str = "w") -> View:
    """An integration of which nothing is known yet."""
    watch = Watch(Integration(workspace, integration_id, name), PollSettings())
    return build_view(IntegrationState(NOW), watch)


def render_status_json(status: ExporterStatus) -> str:
    return "".join(stream_status_json(status))
