"""
Odd records, by the fault's name: what comes in place of a good record, on either page.

A field that the page does not have is not invented.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

Record = dict[str, Any]

_STARTS = ("sync_start_time", "last_job_start_time")
_TIMES = (*_STARTS, "sync_finish_time", "last_timestamp_synced", "last_updated_at", "next_scheduled_run")
_STATUSES = ("job_status", "last_job_status")
_ROWS = ("rows_synced", "rows_failed_with_errors")


def _put(names: tuple[str, ...], value: object) -> Callable[[Record], list[Any]]:
    """Return a change that puts *value* into those of the fields that the record has."""
    return lambda record: [{name: value if name in names else old for name, old in record.items()}]


def _change(names: tuple[str, ...], change: Callable[[str], str]) -> Callable[[Record], list[Any]]:
    """Return a change of those of the fields that are texts."""
    return lambda record: [
        {name: change(old) if name in names and isinstance(old, str) else old for name, old in record.items()}
    ]


def _without_offset(text: str) -> str:
    """Cut everything after the seconds."""
    return text.removesuffix("Z")[: len("2026-01-01T00:00:00.000000")].split("+")[0]


def _an_hour_before(text: str) -> str:
    return (datetime.fromisoformat(text) - timedelta(hours=1)).isoformat()


def _same_start(record: Record) -> list[Any]:
    """Two records that share their start and nothing else."""
    return [record, {**record, **{name: (record.get(name) or 0) + 1 for name in _ROWS if name in record}}]


def _finish_before_start(record: Record) -> list[Any]:
    return [{**record, "sync_finish_time": "2001-01-01T00:00:00Z"}]


def _still_running(record: Record) -> list[Any]:
    """A record that one page calls running while the other shows its end."""
    return [{**record, "job_status": "running", "sync_finish_time": None} if "job_status" in record else record]


def _announced(record: Record) -> list[Any]:
    """A run is announced an hour after the latest start, whether anything may run or not."""
    start = record.get("last_job_start_time")
    if start is None:
        return [record]
    return [{**record, "next_scheduled_run": (datetime.fromisoformat(start) + timedelta(hours=1)).isoformat()}]


ODD_RECORDS: dict[str, Callable[[Record], list[Any]]] = {
    "malformed_start": _put(_STARTS, "yesterday, about noon"),
    "malformed_times": _put(_TIMES, "2026-13-45T99:00:00Z"),
    "numeric_times": _put(_TIMES, 1767225600),
    "far_future_times": _put(_TIMES, "9999-12-31T23:59:59Z"),
    "times_without_offset": _change(_TIMES, _without_offset),
    "null_start": _put(_STARTS, None),
    "missing_fields": lambda record: [{name: record[name] for name in _STARTS if name in record}],
    "null_everything": lambda record: [dict.fromkeys(record)],
    "unknown_status": _put(_STATUSES, "Skipped"),
    "novel_status": _put(_STATUSES, "hibernating"),
    "odd_status_type": _put(_STATUSES, ["success"]),
    "capitalised_status": _change(_STATUSES, str.capitalize),
    "negative_rows": _put(_ROWS, -5),
    "huge_rows": _put(_ROWS, 10**30),
    "fractional_rows": _put(_ROWS, 12.5),
    "text_rows": _put(_ROWS, "1000"),
    "nan_rows": _put(_ROWS, float("nan")),
    "watermark_behind": _change(("last_timestamp_synced", "last_updated_at"), _an_hour_before),
    "finish_before_start": _finish_before_start,
    "duplicate_record": lambda record: [record, record],
    "same_start": _same_start,
    "still_running": _still_running,
    "null_latest": _put(("last_job_start_time", "last_job_status"), None),
    "date_without_time": _change(("last_job_start_time",), lambda text: text[:10]),
    "announced": _announced,
    "surprise_field": lambda record: [{**record, "surprise": {"nested": [1, None]}}],
    "no_object": lambda _record: ["surprise"],
    "odd_id": _put(("integration_id",), "../../cdi/integrations"),
}
"""The replacement of a good record, by the fault's name."""

ONLY_LISTED = frozenset({"announced", "odd_id", "null_latest", "date_without_time"})
"""Those that change nothing but records of the list."""
