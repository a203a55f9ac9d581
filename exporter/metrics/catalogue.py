"""
The metrics about integrations and their syncs: one table, one entry a family, in the order of the page.

CONTRIBUTING.md says what belongs to a new entry. Help texts are plain ASCII without backslash, quote and newline. What
polls bring says in its help that it is cached.
"""

from collections.abc import Callable, Iterable
from typing import Any

from exporter.metrics.family import (
    INFO_LABELS,
    Family,
    Sample,
    info,
    integration_status,
    limit,
    microseconds,
    of_sync,
    problem_limits,
    problem_values,
    problems,
    start,
    sync_status,
    syncs_total,
    timestamp,
    total,
    value,
)
from exporter.metrics.text import Kind

Samples = Callable[[Any], Iterable[Sample]]

_NOT_CACHED = {
    "last_poll_at",
    "last_poll_success_at",
    "history_gaps",
    "limits",
    "usual_rows",
    "usual_duration_seconds",
    "learned_syncs",
}
"""Fields that hold at the moment of the scrape, whenever the latest successful poll was."""


def _gauge(
    name: str, help_text: str, reads: str, samples: Samples = value, *labels: str, when_stale: str | None = None
) -> Family:
    return Family(f"braze_cdi_{name}", Kind.GAUGE, _help(help_text, reads), reads, samples, labels, when_stale)


def _counter(name: str, help_text: str, reads: str, samples: Samples, *labels: str) -> Family:
    return Family(f"braze_cdi_{name}", Kind.COUNTER, _help(help_text, reads), reads, samples, labels, when_stale=reads)


def _help(text: str, reads: str) -> str:
    return text if reads in _NOT_CACHED else f"{text} Cached."


def _limit(name: str, help_text: str, key: str) -> Family:
    return _gauge(name, f"{help_text} Absent without a limit.", "limits", limit(key), when_stale="limits")


def _of_problem(name: str, what: str, samples: Samples) -> Family:
    help_text = f"{what}, in the unit of its kind: seconds, a share from 0 to 1, or a count. Absent where it has none."
    return _gauge(name, help_text, "problems", samples, "problem", when_stale="stale_problems")


CATALOGUE = (
    _gauge(
        "up",
        "Whether the latest poll of this integration succeeded (1) or not (0). Says nothing about its syncs.",
        "up",
        when_stale="up",
    ),
    _gauge(
        "integration_info",
        "Static properties of the integration, and the labels configured for it. An unknown one is empty.",
        "integration",
        info,
        *INFO_LABELS,
        when_stale="integration",
    ),
    _gauge(
        "integration_status",
        "Always 1; the label has the status of the integration as Braze words it.",
        "integration_status",
        integration_status,
        "integration_status",
    ),
    _gauge(
        "problem",
        "Always 1, while the integration has this problem; docs/runbook.md explains each.",
        "problems",
        problems,
        "problem",
        "severity",
        when_stale="stale_problems",
    ),
    _of_problem("problem_value", "What was measured of the problem", problem_values),
    _of_problem("problem_limit", "What would still be fine", problem_limits),
    _gauge(
        "last_sync_status",
        "Status of the latest sync, running or not: 1 for the status it has, 0 for the others.",
        "latest",
        sync_status,
        "status",
    ),
    _gauge(
        "last_sync_start_timestamp_seconds",
        "Start of the latest sync, running or not, in seconds since 1970.",
        "latest",
        start,
    ),
    _gauge(
        "last_sync_finish_timestamp_seconds",
        "Finish of the latest finished sync in seconds since 1970.",
        "latest_finished",
        of_sync("sync_finish_time", timestamp),
    ),
    _gauge(
        "last_sync_duration_seconds",
        "Seconds from start to finish of the latest finished sync; never negative.",
        "latest_finished",
        of_sync("duration_seconds"),
    ),
    _limit("sync_duration_limit_seconds", "How long a sync may run, in seconds.", "sync_duration"),
    _gauge(
        "usual_sync_duration_seconds",
        "How long a sync usually takes, in seconds: the learned median.",
        "usual_duration_seconds",
        when_stale="usual_duration_seconds",
    ),
    _gauge(
        "last_sync_rows_synced",
        "Rows synced by the latest finished sync.",
        "latest_finished",
        of_sync("rows_synced"),
    ),
    _limit(
        "rows_synced_lower_limit",
        "Fewest rows that are fine, as configured or as learned for the latest finished sync's time of the week.",
        "rows_synced",
    ),
    _limit(
        "rows_synced_upper_limit",
        "Most rows that are usual at the latest finished sync's time of the week.",
        "rows_synced_upper",
    ),
    _gauge(
        "usual_rows_synced",
        "Rows, synced and failed, that are usual at the latest finished sync's time of the week: the learned median.",
        "usual_rows",
        when_stale="usual_rows",
    ),
    _gauge(
        "last_sync_rows_failed_with_errors",
        "Rows that failed in the latest finished sync.",
        "latest_finished",
        of_sync("rows_failed_with_errors"),
    ),
    _gauge(
        "last_sync_failed_rows_ratio",
        "Share of the latest finished sync's rows that failed, 0 to 1.",
        "failed_rows_ratio",
    ),
    _limit("failed_rows_ratio_limit", "Share of a sync's rows that may fail, 0 to 1.", "failed_rows"),
    _gauge(
        "last_success_timestamp_seconds",
        "Finish of the latest sync with status success, in seconds since 1970.",
        "last_success_at",
        timestamp,
    ),
    _limit("success_age_limit_seconds", "How old the last success may be, in seconds.", "success_age"),
    _gauge(
        "last_timestamp_synced_seconds",
        "Watermark: last_timestamp_synced of the latest sync that has one, in seconds since 1970.",
        "last_timestamp_synced",
        timestamp,
    ),
    Family(
        "braze_cdi_last_timestamp_synced_lag_seconds",
        Kind.GAUGE,
        _help(
            "Seconds by which the watermark last_timestamp_synced is behind the time of the scrape; negative when it"
            " lies in the future. Grows between syncs.",
            "last_timestamp_synced",
        ),
        "last_timestamp_synced",
        microseconds,
        against_now=True,
    ),
    _gauge(
        "last_sync_lag_seconds",
        "Seconds by which the watermark of the latest finished sync was behind its finish.",
        "last_sync_lag_seconds",
    ),
    _limit(
        "last_timestamp_synced_lag_limit_seconds",
        "How far the watermark may be behind when a sync finishes, in seconds.",
        "lag",
    ),
    _gauge(
        "next_scheduled_run_timestamp_seconds",
        "Next run as Braze announces it, in seconds since 1970.",
        "next_scheduled_run",
        timestamp,
    ),
    _gauge(
        "expected_run_timestamp_seconds",
        "Oldest announced or expected run that no sync has met yet, else the next one, in seconds since 1970.",
        "expected_run_at",
        timestamp,
    ),
    _gauge(
        "start_deadline_timestamp_seconds",
        "Until when the expected sync must have started, in seconds since 1970.",
        "start_deadline_at",
        timestamp,
    ),
    _gauge(
        "consecutive_failed_syncs",
        "How many of the latest finished syncs in a row are error, config_error or limit_exceeded.",
        "consecutive_failed_syncs",
    ),
    _limit("consecutive_failed_syncs_limit", "More failed syncs in a row than this are critical.", "failed_syncs"),
    _gauge(
        "learned_syncs",
        "How many past syncs the learned limits are based on.",
        "learned_syncs",
        when_stale="learned_syncs",
    ),
    _counter(
        "syncs_total",
        "Finished syncs by status, each counted once, from 0 when the integration was first seen.",
        "totals",
        syncs_total,
        "status",
    ),
    _counter(
        "rows_synced_total",
        "Rows synced by finished syncs, each sync counted once.",
        "totals",
        total("rows_synced"),
    ),
    _counter(
        "rows_failed_with_errors_total",
        "Rows that failed in finished syncs, each sync counted once.",
        "totals",
        total("rows_failed_with_errors"),
    ),
    _counter(
        "sync_duration_seconds_total",
        "Seconds spent in finished syncs, each sync counted once.",
        "totals",
        total("duration_seconds"),
    ),
    _gauge(
        "last_poll_timestamp_seconds",
        "When this integration was last polled, with or without success, in seconds since 1970.",
        "last_poll_at",
        timestamp,
        when_stale="last_poll_at",
    ),
    _gauge(
        "last_poll_success_timestamp_seconds",
        "When this integration was last polled successfully, in seconds since 1970.",
        "last_poll_success_at",
        timestamp,
        when_stale="last_poll_success_at",
    ),
    _counter(
        "exporter_history_gaps_total",
        "How often the last known sync was not found again within max_pages: the counters may then be short.",
        "history_gaps",
        value,
    ),
)
