"""Views for the tests of the metrics page: a few that together show every sample, and readers of a page."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.domain.limits import LimitSettings, limits_in_effect
from exporter.domain.model import Failure, Integration, Sync, SyncStatus, Totals
from exporter.domain.problem import Problem, Severity
from exporter.domain.view import View
from exporter.metrics.page import Page

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

Series = tuple[str, tuple[tuple[str, str], ...]]
"""Name and sorted labels of a sample."""


def ago(**time: float) -> datetime:
    """The moment that long before NOW, in the keywords of timedelta."""
    return NOW - timedelta(**time)


HEALTHY = View(
    integration=Integration(
        "production", "11111111-1111-1111-1111-111111111111", "users", labels=(("team", "crm"), ("cost_centre", "42"))
    ),
    up=True,
    last_poll_at=ago(seconds=10),
    last_poll_success_at=ago(seconds=10),
    stale_at=ago(minutes=-10),
    latest=Sync(ago(minutes=20), SyncStatus.SUCCESS, ago(minutes=15), ago(minutes=21), 1000, 0),
    latest_finished=Sync(ago(minutes=20), SyncStatus.SUCCESS, ago(minutes=15), ago(minutes=21), 1000, 0),
    last_success_at=ago(minutes=15),
    last_timestamp_synced=ago(minutes=21, milliseconds=1.5),
    consecutive_failed_syncs=0,
    totals=Totals((7, 1, 0, 0, 0, 0), 7000, 12, 2100.25),
    stale_problems=(Problem("stale", Severity.CRITICAL, "No good poll", limit=600.0),),
    limits=limits_in_effect(
        LimitSettings({"lag": 7200.0, "success_age": 86400.0, "rows_synced": 10.0}), {"rows_synced_upper": 4000.0}, 300
    ),
    usual_duration_seconds=240.5,
    usual_rows=1200.0,
    learned_syncs=300,
    failed_rows_ratio=0.0,
    last_sync_lag_seconds=360.0,
)
"""Everything that `job_sync_status` tells is known, and every limit has a value."""

DISCOVERED = View(
    integration=Integration(
        "production",
        "22222222-2222-2222-2222-222222222222",
        "orders",
        integration_type="snowflake_table",
        warehouse_type="snowflake",
        app_group_id="app-group",
    ),
    up=True,
    last_poll_at=ago(seconds=20.25),
    last_poll_success_at=ago(seconds=20.25),
    stale_at=ago(minutes=-9),
    latest=Sync(ago(minutes=3), SyncStatus.RUNNING),
    latest_finished=Sync(ago(hours=1, minutes=3), SyncStatus.ERROR, ago(hours=1), None, None, None),
    last_timestamp_synced=ago(hours=-2),
    consecutive_failed_syncs=2,
    integration_status="active",
    next_scheduled_run=ago(minutes=-57),
    expected_run_at=ago(minutes=2),
    totals=Totals((0, 0, 2, 0, 0, 1), 0, 300, 0.0),
    history_gaps=1,
    problems=(
        Problem("failing", Severity.CRITICAL, "2 failed syncs in a row", value=2, limit=1.0),
        Problem("unscheduled", Severity.INFO, "No next run"),
    ),
    stale_problems=(Problem("stale", Severity.CRITICAL, "No good poll"),),
    limits=limits_in_effect(LimitSettings()),
    start_deadline_at=ago(minutes=-13),
)
"""Running after two failures, a watermark in the future, and what discovery adds."""

STALE = View(
    integration=Integration("staging", "33333333-3333-3333-3333-333333333333", "events"),
    up=False,
    last_poll_at=ago(seconds=5),
    last_poll_success_at=ago(minutes=30),
    stale_at=ago(minutes=20),
    failure=Failure("timeout", "no answer within 20 s", ago(seconds=5)),
    latest=Sync(ago(hours=2), SyncStatus.CONFIG_ERROR, ago(hours=2), None, 0, 0),
    latest_finished=Sync(ago(hours=2), SyncStatus.CONFIG_ERROR, ago(hours=2), None, 0, 0),
    last_success_at=ago(days=1),
    last_timestamp_synced=ago(days=1),
    consecutive_failed_syncs=1,
    totals=Totals((3, 0, 0, 1, 0, 0), 30, 0, 60.0),
    problems=(Problem("config_error", Severity.CRITICAL, "Cannot run"),),
    stale_problems=(
        Problem("config_error", Severity.CRITICAL, "Cannot run"),
        Problem("stale", Severity.CRITICAL, "No good poll"),
    ),
)
"""Could not be polled for too long: its gauges about syncs are gone, its counters are not."""

NEVER_RUN = View(
    integration=Integration("staging", "44444444-4444-4444-4444-444444444444", "never run"),
    up=True,
    last_poll_at=ago(seconds=1),
    last_poll_success_at=ago(seconds=1),
    stale_at=ago(minutes=-10),
    consecutive_failed_syncs=0,
    totals=Totals(),
)
"""Known, but no sync has ever started."""

NEW = View(integration=Integration("a\\b", "5", 'quote " newline \n tab \t snow ☃'))
"""Configured, not polled yet; with a name that needs escaping."""

REPRESENTATIVE = (HEALTHY, DISCOVERED, STALE, NEVER_RUN, NEW)


def shown_views(page: Page) -> tuple[View, ...]:
    """The views that the page shows, by workspace, name and id."""
    return tuple(sorted((slot.view for slot in page._slots.values()), key=_order))


def _order(view: View) -> tuple[str, str, str]:
    integration = view.integration
    return integration.workspace, integration.integration_name, integration.integration_id


def page_bytes(
    page: Page, now: datetime = NOW, by_workspace: Mapping[str, datetime] | None = None, *, openmetrics: bool = False
) -> bytes:
    """The whole page; it has the length it says."""
    exposition = page.render(now, by_workspace, openmetrics=openmetrics)
    whole = b"".join(exposition.chunks)
    assert len(whole) == exposition.length
    return whole


def read_families(page: bytes, *, openmetrics: bool) -> list[Metric]:
    """What prometheus-client's parser makes of a page."""
    parse = parse_openmetrics if openmetrics else parse_text
    return list(parse(page.decode()))


def series_of(families: Iterable[Metric]) -> dict[Series, float]:
    """Every sample with its value; no series may be there twice."""
    found: dict[Series, float] = {}
    for family in families:
        for sample in family.samples:
            _add(found, (sample.name, tuple(sorted(sample.labels.items()))), float(sample.value))
    return found


def read_series(page: bytes, *, openmetrics: bool = False) -> dict[Series, float]:
    """The series of a page by prometheus-client's parser."""
    return series_of(read_families(page, openmetrics=True)) if openmetrics else _read_text(page.decode())


def _read_text(page: str) -> dict[Series, float]:
    """The same of the text format, whose lines stand alone: it parses name and labels of each once, for all pages."""
    found: dict[Series, float] = {}
    lines = [line for line in page.split("\n") if line]
    _check_comments("\n".join(line for line in lines if line.startswith("#")))
    for line in lines:
        if not line.startswith("#"):
            what, _, number = line.rpartition(" ")
            assert "_" not in number, "only Python takes it for a number"
            _add(found, _series(what), float(number))
    return found


@lru_cache(maxsize=16)
def _check_comments(comments: str) -> None:
    assert all(not family.samples for family in parse_text(comments))


@lru_cache(maxsize=50_000)
def _series(what: str) -> Series:
    ((sample,),) = (family.samples for family in parse_text(f"{what} 1"))
    assert (sample.value, sample.timestamp) == (1, None), f"{what} is more than name and labels"
    return sample.name, tuple(sorted(sample.labels.items()))


def _add(found: dict[Series, float], series: Series, value: float) -> None:
    assert series not in found, f"{series} is there twice"
    found[series] = value
