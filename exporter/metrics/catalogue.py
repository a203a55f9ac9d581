"""
The metrics about integrations and their syncs: one table, one entry a family, in the order of the page.

An entry says what a family is called, what kind it is, what it means, which one field of the Snapshot it reads, and how
that field becomes samples. It reads nothing else, so the page re-renders a family only when its field has changed. A
field that is None gives no sample: what is not known is absent. Adding a metric is one entry here, one line in
docs/metrics.md and the golden pages.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.domain.model import FINISHED_STATUSES, Integration, Sync, SyncStatus, Totals
from exporter.metrics.text import Kind

Pairs = tuple[tuple[str, str], ...]
Sample = tuple[Pairs, float]
"""The labels beyond those of the integration, and the value."""

INTEGRATION_LABELS = ("workspace", "integration_id", "integration_name")
"""The labels that every family of this table has."""

INFO_LABELS = ("integration_type", "warehouse_type", "app_group_id")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CACHED = " Cached: from the last successful poll, refreshed every poll interval."
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric of the catalogue."""

    name: str
    """The name of its samples, the same in both formats."""
    kind: Kind
    help: str
    """Plain ASCII without backslash, quote and newline: needs no escaping in either format."""
    reads: str
    """The one field of the Snapshot that the samples depend on."""
    samples: Callable[[Any], Iterable[Sample]]
    """Makes the samples from that field; never called with None."""
    labels: tuple[str, ...] = ()
    """The labels beyond INTEGRATION_LABELS."""
    expires: bool = True
    """Whether its samples disappear when the Snapshot is stale."""
    against_now: bool = False
    """Its one sample is a moment in whole microseconds since 1970; the page shows now minus it, in seconds."""


def integration_labels(integration: Integration) -> Pairs:
    """The labels of INTEGRATION_LABELS with their values."""
    return (
        ("workspace", integration.workspace),
        ("integration_id", integration.integration_id),
        ("integration_name", integration.integration_name),
    )


def _value(value: float) -> Iterator[Sample]:
    yield (), value


def _timestamp(at: datetime) -> Iterator[Sample]:
    yield (), (at - _EPOCH).total_seconds()


def _microseconds(at: datetime) -> Iterator[Sample]:
    yield (), (at - _EPOCH) // timedelta(microseconds=1)


def _info(integration: Integration) -> Iterator[Sample]:
    fixed = tuple((name, getattr(integration, name)) for name in INFO_LABELS)
    taken = {*INTEGRATION_LABELS, *INFO_LABELS}
    # A name twice, or one no parser takes, would cost the whole page: it must not get past this point.
    configured = {
        name: value for name, value in integration.labels if name not in taken and _LABEL_NAME.fullmatch(name)
    }
    yield (*fixed, *sorted(configured.items())), 1


def _integration_status(status: str) -> Iterator[Sample]:
    yield (("integration_status", status),), 1


def _sync_status(sync: Sync) -> Iterator[Sample]:
    for status in SyncStatus:
        yield (("status", status),), float(status is sync.job_status)


def _start(sync: Sync) -> Iterator[Sample]:
    return _timestamp(sync.sync_start_time)


def _of_sync(attribute: str, samples: Callable[[Any], Iterable[Sample]] = _value) -> Callable[[Sync], Iterable[Sample]]:
    """The samples of one attribute of a sync, none while it is unknown."""

    def of_sync(sync: Sync) -> Iterable[Sample]:
        value = getattr(sync, attribute)
        return () if value is None else samples(value)

    return of_sync


def _syncs_total(totals: Totals) -> Iterator[Sample]:
    for status, count in zip(FINISHED_STATUSES, totals.syncs, strict=True):
        yield (("status", status),), count


def _total(attribute: str) -> Callable[[Totals], Iterator[Sample]]:
    def total(totals: Totals) -> Iterator[Sample]:
        yield (), getattr(totals, attribute)

    return total


CATALOGUE = (
    Family(
        "braze_cdi_up",
        Kind.GAUGE,
        "Whether the latest poll of this integration succeeded (1) or not (0). Says nothing about its syncs."
        " Cached: refreshed every poll interval.",
        reads="up",
        samples=_value,
        expires=False,
    ),
    Family(
        "braze_cdi_integration_info",
        Kind.INFO,
        "Properties of the integration that seldom change, and the labels configured for it. An unknown one is empty."
        + _CACHED,
        reads="integration",
        samples=_info,
        labels=INFO_LABELS,
        expires=False,
    ),
    Family(
        "braze_cdi_integration_status",
        Kind.GAUGE,
        "Always 1; the label has the status of the integration as Braze words it." + _CACHED,
        reads="integration_status",
        samples=_integration_status,
        labels=("integration_status",),
    ),
    Family(
        "braze_cdi_last_sync_status",
        Kind.GAUGE,
        "Status of the latest sync, a running one included: 1 for the status it has, 0 for the others." + _CACHED,
        reads="newest",
        samples=_sync_status,
        labels=("status",),
    ),
    Family(
        "braze_cdi_last_sync_start_timestamp_seconds",
        Kind.GAUGE,
        "Start of the latest sync, a running one included, in seconds since 1970." + _CACHED,
        reads="newest",
        samples=_start,
    ),
    Family(
        "braze_cdi_last_sync_finish_timestamp_seconds",
        Kind.GAUGE,
        "Finish of the latest finished sync in seconds since 1970." + _CACHED,
        reads="newest_finished",
        samples=_of_sync("sync_finish_time", _timestamp),
    ),
    Family(
        "braze_cdi_last_sync_duration_seconds",
        Kind.GAUGE,
        "Seconds from start to finish of the latest finished sync; never negative." + _CACHED,
        reads="newest_finished",
        samples=_of_sync("duration_seconds"),
    ),
    Family(
        "braze_cdi_last_sync_rows_synced",
        Kind.GAUGE,
        "Rows that the latest finished sync synced to Braze." + _CACHED,
        reads="newest_finished",
        samples=_of_sync("rows_synced"),
    ),
    Family(
        "braze_cdi_last_sync_rows_failed_with_errors",
        Kind.GAUGE,
        "Rows that failed in the latest finished sync." + _CACHED,
        reads="newest_finished",
        samples=_of_sync("rows_failed_with_errors"),
    ),
    Family(
        "braze_cdi_last_success_timestamp_seconds",
        Kind.GAUGE,
        "Finish of the latest sync with status success, in seconds since 1970." + _CACHED,
        reads="last_success_at",
        samples=_timestamp,
    ),
    Family(
        "braze_cdi_last_timestamp_synced_seconds",
        Kind.GAUGE,
        "Watermark: last_timestamp_synced of the latest sync that has one, in seconds since 1970." + _CACHED,
        reads="last_timestamp_synced",
        samples=_timestamp,
    ),
    Family(
        "braze_cdi_last_timestamp_synced_lag_seconds",
        Kind.GAUGE,
        "Seconds by which the watermark last_timestamp_synced is behind the time of the scrape; negative when it lies"
        " in the future." + _CACHED,
        reads="last_timestamp_synced",
        samples=_microseconds,
        against_now=True,
    ),
    Family(
        "braze_cdi_next_scheduled_run_timestamp_seconds",
        Kind.GAUGE,
        "Next run as Braze announces it, in seconds since 1970." + _CACHED,
        reads="next_scheduled_run",
        samples=_timestamp,
    ),
    Family(
        "braze_cdi_expected_run_timestamp_seconds",
        Kind.GAUGE,
        "Oldest announced or expected run that no sync has met yet, else the next one, in seconds since 1970."
        + _CACHED,
        reads="expected_run_at",
        samples=_timestamp,
    ),
    Family(
        "braze_cdi_consecutive_failed_syncs",
        Kind.GAUGE,
        "How many of the latest finished syncs in a row have the status error or config_error." + _CACHED,
        reads="consecutive_failed_syncs",
        samples=_value,
    ),
    Family(
        "braze_cdi_syncs_total",
        Kind.COUNTER,
        "Finished syncs by status, each counted once, from 0 when the integration was first seen." + _CACHED,
        reads="totals",
        samples=_syncs_total,
        labels=("status",),
        expires=False,
    ),
    Family(
        "braze_cdi_rows_synced_total",
        Kind.COUNTER,
        "Rows that finished syncs have synced to Braze, each sync counted once." + _CACHED,
        reads="totals",
        samples=_total("rows_synced"),
        expires=False,
    ),
    Family(
        "braze_cdi_rows_failed_with_errors_total",
        Kind.COUNTER,
        "Rows that failed in finished syncs, each sync counted once." + _CACHED,
        reads="totals",
        samples=_total("rows_failed_with_errors"),
        expires=False,
    ),
    Family(
        "braze_cdi_sync_duration_seconds_total",
        Kind.COUNTER,
        "Seconds spent in finished syncs, each sync counted once." + _CACHED,
        reads="totals",
        samples=_total("duration_seconds"),
        expires=False,
    ),
    Family(
        "braze_cdi_last_poll_timestamp_seconds",
        Kind.GAUGE,
        "When this integration was last polled, successfully or not, in seconds since 1970.",
        reads="last_poll_at",
        samples=_timestamp,
        expires=False,
    ),
    Family(
        "braze_cdi_last_poll_success_timestamp_seconds",
        Kind.GAUGE,
        "When this integration was last polled with success, in seconds since 1970.",
        reads="last_poll_success_at",
        samples=_timestamp,
        expires=False,
    ),
    Family(
        "braze_cdi_exporter_history_gaps_total",
        Kind.COUNTER,
        "How often the last known sync was not found again within max_pages: the counters may then be short.",
        reads="history_gaps",
        samples=_value,
        expires=False,
    ),
)
