"""Answers for field reports, made by hand: one page of syncs or of the list, with what is odd about it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.domain.field_evidence import Evidence, FieldAnswer
from exporter.domain.finding import Finding

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RATE = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "9", "x-ratelimit-reset": "7"}


def clock(minutes: float) -> str:
    """A time so many minutes after noon, as Braze writes it."""
    return f"{NOON + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def sync(start: float | None = 0, status: Any = "success", **changes: Any) -> dict[str, Any]:
    """A record of a status page that starts so many minutes after noon."""
    times = {} if start is None else {"sync_start_time": clock(start), "sync_finish_time": clock(start + 1)}
    rows = {"last_timestamp_synced": clock(0), "rows_synced": 5, "rows_failed_with_errors": 0}
    return {"job_status": status, "sync_start_time": None, "sync_finish_time": None, **times, **rows, **changes}


def listed(integration_id: Any = "i", **changes: Any) -> dict[str, Any]:
    """A record of the list."""
    return {
        "integration_id": integration_id,
        "app_group_id": "0123456789",
        "integration_name": "users",
        "integration_type": "snowflake",
        "integration_status": "active",
        "contact_emails": ["x@y.z"],
        "last_updated_at": clock(0),
        "warehouse_type": "snowflake",
        "last_job_start_time": clock(0),
        "last_job_status": "success",
        "next_scheduled_run": clock(60),
        **changes,
    }


def page(
    *records: Any, of: str = "i", number: int = 0, at: float = 0, headers: Mapping[str, str] | None = None
) -> FieldAnswer:
    """A page of an integration's own endpoint that came so many minutes after noon; of the list with an empty id."""
    return FieldAnswer(("w", of), number, NOON + timedelta(minutes=at), 200, headers or {}, {"results": list(records)})


def listing(*records: Any, at: float = 0, headers: Mapping[str, str] | None = None) -> FieldAnswer:
    return page(*records, of="", at=at, headers=headers)


def evidence(*answers: FieldAnswer) -> Evidence:
    return Evidence(answers)


def told(finding: Finding) -> tuple[str, list[str], dict[str, Any]]:
    """Verdict, lines and style of a finding."""
    return finding.verdict.value, [str(line) for line in finding.lines], dict(finding.style)


def lines_of(finding: Finding) -> list[str]:
    return told(finding)[1]


def verdict_of(finding: Finding) -> str:
    return finding.verdict.value


def without(record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in set(names)}
