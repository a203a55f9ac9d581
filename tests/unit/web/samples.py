"""A realistic set of snapshots: every behaviour an integration can have, and names that try to break the page."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zlib import crc32

from exporter.domain.model import Failure, Integration, Sync, SyncStatus, Totals
from exporter.domain.view import View
from exporter.web.view import ExporterStatus, WorkspaceStatus

NOW = datetime(2026, 3, 1, 14, 30, 0, tzinfo=UTC)
HOSTILE = "<script>alert('owned')</script>\u202e\ud800\n\"&{{ 7*7 }}"


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


_SIX_MINUTES_AGO = ago(minutes=6)


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


def snapshot(
    name: str,
    statuses: Sequence[str] = ("success",) * 20,
    *,
    workspace: str = "production",
    every: timedelta = timedelta(minutes=15),
    newest_at: datetime = _SIX_MINUTES_AGO,
    **changes: object,
) -> Snapshot:
    """An integration whose newest syncs had *statuses*, the newest first, polled well 20 s ago."""
    history = tuple(
        sync(
            newest_at - place * every,
            status,
            seconds=None if status == "running" else 95 + 7 * (place % 5),
            rows=None if status in {"running", "error", "config_error"} else 1200 + 37 * place,
            failed=17 if status == "partial" else None if status == "running" else 0,
        )
        for place, status in enumerate(statuses)
    )
    finished = [one for one in history if one.finished]
    streak = next((place for place, one in enumerate(finished) if not one.failed), len(finished))
    values: dict[str, object] = {
        "integration": Integration(workspace, _id(name), name, warehouse_type="snowflake"),
        "up": True,
        "last_poll_at": ago(seconds=20),
        "last_poll_success_at": ago(seconds=20),
        "next_poll_at": NOW + timedelta(seconds=40),
        "stale_at": NOW + timedelta(minutes=10),
        "newest": history[0] if history else None,
        "newest_finished": finished[0] if finished else None,
        "last_success_at": next((one.sync_finish_time for one in finished if one.job_status == "success"), None),
        "last_timestamp_synced": history[0].last_timestamp_synced if history else None,
        "consecutive_failed_syncs": streak if history else None,
        "totals": Totals((40, 1, 2, 0, 0), 48_000, 17, 3_800.0),
        "history": history,
    }
    return Snapshot(**{**values, **changes})  # type: ignore[arg-type]  # keywords by name, as dataclasses.replace takes


def _id(name: str) -> str:
    digits = f"{crc32(name.encode('utf-8', 'replace')):08x}"
    return f"{digits}-1234-4321-8765-0123{digits}"


def realistic_status() -> ExporterStatus:
    failure = Failure(
        "forbidden", "403 from Braze: the key lacks the permission cdi.integration_job_status", ago(seconds=20)
    )
    production = (
        snapshot("users", integration_status="active"),
        snapshot("orders_events", ("running", *("success",) * 19), newest_at=ago(minutes=2)),
        snapshot("catalog-items", ("partial", *("success",) * 12, "partial", "success")),
        snapshot("loyalty_points", ("error", "error", "error", *("success",) * 17)),
        snapshot("web_sessions", ("config_error",) * 6, last_success_at=None),
        snapshot("big_backfill", ("running", *("success",) * 9), newest_at=ago(hours=3)),
        snapshot("paused_campaign", newest_at=ago(days=12), every=timedelta(days=1), integration_status="paused"),
        snapshot("never_run", ()),
        snapshot("s3_drops", newest_at=ago(hours=31), last_timestamp_synced=None),
        snapshot("watermark_ahead", last_timestamp_synced=NOW + timedelta(days=2, hours=3)),
        snapshot(
            "falling_behind",
            last_timestamp_synced=ago(days=3, hours=5),
            expected_run_at=ago(hours=1, minutes=2),
            next_scheduled_run=NOW + timedelta(minutes=13),
        ),
    )
    staging = (
        snapshot(HOSTILE, ("unknown", "success"), workspace="staging"),
        snapshot("x" * 300, workspace="staging"),
        snapshot(
            "forbidden_fruit",
            workspace="staging",
            up=False,
            failure=failure,
            last_poll_success_at=ago(minutes=42),
            stale_at=ago(minutes=32),
        ),
        snapshot(
            "flaky_network",
            workspace="staging",
            up=False,
            failure=Failure("timeout", HOSTILE * 40, ago(seconds=20)),
            last_poll_success_at=ago(minutes=3),
        ),
        Snapshot(Integration("staging", "11111111-2222-3333-4444-555555555555", "just_added")),
    )
    return ExporterStatus(
        now=NOW,
        version="0.1.0",
        revision="",
        started_at=ago(days=3, hours=4, minutes=12),
        workspaces=(
            WorkspaceStatus("production", "https://rest.iad-03.braze.com", 60, production),
            WorkspaceStatus(
                "staging",
                "https://rest.fra-01.braze.eu",
                90,
                staging,
                ("The key may not list integrations: each is polled.",),
            ),
        ),
    )
