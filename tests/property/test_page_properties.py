"""
The page for any snapshots and any history of changes.

The judge is prometheus-client: its parsers must read both pages, and its renderer, given the same snapshots through a
collector that is written here from the contract, must come to the same series and values.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from exporter.domain.model import Integration, Snapshot, Sync, SyncStatus, Totals
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from tests.snapshots import REPRESENTATIVE, Series, page_bytes, read_series

I = ("workspace", "integration_id", "integration_name")  # noqa: E741 - the contract's name for these three
FINISHED = ("success", "partial", "error", "config_error", "unknown")

AWKWARD = '\\"\n\r\t\x00\x0b\x0c\x1c\x7f\x85\u2028\u2029\ud800\udfff\ufeff\uffff\U0010ffff{}=,# é☃'
texts = st.text(st.sampled_from(AWKWARD) | st.characters(exclude_categories=()), max_size=8)
moments = st.datetimes(timezones=st.just(UTC))
numbers = st.integers(-1, 10**20) | st.integers(0, 1000)
floats = st.floats(0, 1e300) | st.sampled_from([float("nan"), float("inf"), -1.0])
label_names = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True) | st.sampled_from(
    [*I, "warehouse_type", "__name__"]
)

integrations = st.builds(
    Integration,
    workspace=st.sampled_from(["w", "w\x00", 'w"']) | texts,
    integration_id=st.sampled_from(["1", "2", "2\r"]) | texts,
    integration_name=texts,
    labels=st.dictionaries(label_names, texts, max_size=3).map(lambda labels: tuple(labels.items())),
    integration_type=texts,
    warehouse_type=texts,
    app_group_id=texts,
)
syncs = st.builds(
    Sync,
    sync_start_time=moments,
    job_status=st.sampled_from(SyncStatus),
    sync_finish_time=st.none() | moments,
    rows_synced=st.none() | numbers,
    rows_failed_with_errors=st.none() | numbers,
)
totals = st.builds(
    Totals,
    syncs=st.tuples(*[st.integers(0, 10**6)] * 5),
    rows_synced=numbers,
    rows_failed_with_errors=numbers,
    duration_seconds=floats,
)
snapshots = st.builds(
    Snapshot,
    integration=integrations,
    up=st.none() | st.booleans(),
    last_poll_at=st.none() | moments,
    last_poll_success_at=st.none() | moments,
    stale_at=st.none() | moments,
    newest=st.none() | syncs,
    newest_finished=st.none() | syncs,
    last_success_at=st.none() | moments,
    last_timestamp_synced=st.none() | moments,
    consecutive_failed_syncs=st.none() | st.integers(0, 1000),
    integration_status=st.none() | texts,
    next_scheduled_run=st.none() | moments,
    expected_run_at=st.none() | moments,
    totals=st.none() | totals,
    history_gaps=st.integers(0, 5),
)


def cleaned(value: str) -> str:
    """What docs/metrics.md promises about label values."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", "\ufffd", value)


def seconds(at: datetime | None) -> float | None:
    return None if at is None else (at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


def lag(snapshot: Snapshot, now: datetime) -> float | None:
    return None if snapshot.last_timestamp_synced is None else (now - snapshot.last_timestamp_synced).total_seconds()


class Reference(Collector):
    """Contract 4 for *snapshots* at *now*, in prometheus-client's own objects."""

    def __init__(self, snapshots: list[Snapshot], now: datetime) -> None:
        self.snapshots = snapshots
        self.fresh = [s for s in snapshots if s.stale_at is None or now < s.stale_at]
        self.now = now

    def collect(self) -> Iterator[Metric]:
        every, fresh = self.snapshots, self.fresh
        finished = [s for s in fresh if s.newest_finished is not None]
        counted = [s for s in every if s.totals is not None]
        yield gauge("up", every, lambda s: s.up)
        yield info(every)
        yield labelled("integration_status", "integration_status", [(s, s.integration_status, 1.0) for s in fresh])
        yield labelled(
            "last_sync_status",
            "status",
            [
                (s, status, 1.0 if s.newest.job_status == status else 0.0)
                for s in fresh
                if s.newest is not None
                for status in ("running", *FINISHED)
            ],
        )
        begun = [s for s in fresh if s.newest is not None]
        yield gauge("last_sync_start_timestamp_seconds", begun, lambda s: seconds(newest(s).sync_start_time))
        yield gauge(
            "last_sync_finish_timestamp_seconds", finished, lambda s: seconds(newest_finished(s).sync_finish_time)
        )
        yield gauge("last_sync_duration_seconds", finished, lambda s: newest_finished(s).duration_seconds)
        yield gauge("last_sync_rows_synced", finished, lambda s: newest_finished(s).rows_synced)
        yield gauge("last_sync_rows_failed_with_errors", finished, lambda s: newest_finished(s).rows_failed_with_errors)
        yield gauge("last_success_timestamp_seconds", fresh, lambda s: seconds(s.last_success_at))
        yield gauge("last_timestamp_synced_seconds", fresh, lambda s: seconds(s.last_timestamp_synced))
        yield gauge("last_timestamp_synced_lag_seconds", fresh, lambda s: lag(s, self.now))
        yield gauge("next_scheduled_run_timestamp_seconds", fresh, lambda s: seconds(s.next_scheduled_run))
        yield gauge("expected_run_timestamp_seconds", fresh, lambda s: seconds(s.expected_run_at))
        yield gauge("consecutive_failed_syncs", fresh, lambda s: s.consecutive_failed_syncs)
        yield labelled(
            "syncs_total",
            "status",
            [(s, status, n) for s in counted for status, n in zip(FINISHED, counts(s).syncs, strict=True)],
        )
        yield counter("rows_synced_total", counted, lambda s: counts(s).rows_synced)
        yield counter("rows_failed_with_errors_total", counted, lambda s: counts(s).rows_failed_with_errors)
        yield counter("sync_duration_seconds_total", counted, lambda s: counts(s).duration_seconds)
        yield gauge("last_poll_timestamp_seconds", every, lambda s: seconds(s.last_poll_at))
        yield gauge("last_poll_success_timestamp_seconds", every, lambda s: seconds(s.last_poll_success_at))
        yield counter("exporter_history_gaps_total", every, lambda s: s.history_gaps)


def newest(snapshot: Snapshot) -> Sync:
    assert snapshot.newest is not None
    return snapshot.newest


def newest_finished(snapshot: Snapshot) -> Sync:
    assert snapshot.newest_finished is not None
    return snapshot.newest_finished


def counts(snapshot: Snapshot) -> Totals:
    assert snapshot.totals is not None
    return snapshot.totals


def identity(snapshot: Snapshot) -> list[str]:
    return [cleaned(getattr(snapshot.integration, name)) for name in I]


def gauge(name: str, snapshots: list[Snapshot], value: Callable[[Snapshot], float | None]) -> Metric:
    family = GaugeMetricFamily(f"braze_cdi_{name}", "Help.", labels=I)
    for snapshot in snapshots:
        if (found := value(snapshot)) is not None:
            family.add_metric(identity(snapshot), found)
    return family


def counter(name: str, snapshots: list[Snapshot], value: Callable[[Snapshot], float]) -> Metric:
    family = CounterMetricFamily(f"braze_cdi_{name}", "Help.", labels=I)
    for snapshot in snapshots:
        if 0 <= value(snapshot) < float("inf"):  # a counter that is no number or negative is absent
            family.add_metric(identity(snapshot), value(snapshot))
    return family


def labelled(name: str, label: str, samples: list[tuple[Snapshot, str | None, float]]) -> Metric:
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    family = kind(f"braze_cdi_{name}", "Help.", labels=[*I, label])
    for snapshot, value, number in samples:
        if value is not None:
            family.add_metric([*identity(snapshot), cleaned(value)], number)
    return family


def info(snapshots: list[Snapshot]) -> Metric:
    family = InfoMetricFamily("braze_cdi_integration", "Help.", labels=I)
    for snapshot in snapshots:
        fixed = {
            name: getattr(snapshot.integration, name) for name in ("integration_type", "warehouse_type", "app_group_id")
        }
        configured = {n: v for n, v in snapshot.integration.labels if n not in {*I, *fixed} and not n.startswith("__")}
        family.add_metric(identity(snapshot), {n: cleaned(v) for n, v in {**configured, **fixed}.items()})
    return family


def by_place(snapshots: list[Snapshot]) -> list[Snapshot]:
    """The last snapshot of each integration, by what the page can tell apart."""
    return list({tuple(identity(snapshot)[:2]): snapshot for snapshot in snapshots}.values())


def about_integrations(page: bytes, *, openmetrics: bool) -> dict[Series, float]:
    series = read_series(page, openmetrics=openmetrics)
    return {(name, labels): value for (name, labels), value in series.items() if "integration_id" in dict(labels)}


@given(st.lists(snapshots, max_size=5), moments)
@example(list(REPRESENTATIVE), datetime(2026, 1, 1, tzinfo=UTC))
def test_both_pages_carry_what_prometheus_client_makes_of_the_same_snapshots(
    published: list[Snapshot], now: datetime
) -> None:
    page = Page(SelfMetrics())
    for snapshot in published:
        page.publish(snapshot)
    registry = CollectorRegistry()
    registry.register(Reference(by_place(published), now))

    text = about_integrations(page_bytes(page, now), openmetrics=False)
    assert text == read_series(generate_latest(registry))
    openmetrics = about_integrations(page_bytes(page, now, openmetrics=True), openmetrics=True)
    theirs = generate_openmetrics(registry)  # type: ignore[no-untyped-call] # has no annotations upstream
    assert openmetrics == read_series(theirs, openmetrics=True)
    assert openmetrics == text


few_integrations = st.builds(
    Integration,
    workspace=st.just("w"),
    integration_id=st.sampled_from("123"),
    integration_name=st.sampled_from("ab"),
    labels=st.sampled_from([(), (("team", "crm"),)]),
)
few_syncs = st.builds(
    Sync,
    sync_start_time=st.just(datetime(2026, 1, 1, tzinfo=UTC)),
    job_status=st.sampled_from([SyncStatus.RUNNING, SyncStatus.SUCCESS]),
    rows_synced=st.none() | st.integers(0, 1),
)
instants = st.integers(0, 5).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
few_snapshots = st.builds(
    Snapshot,
    integration=few_integrations,
    up=st.none() | st.booleans(),
    last_poll_at=st.none() | instants,
    stale_at=st.none() | instants,
    newest=st.none() | few_syncs,
    last_timestamp_synced=st.none() | instants,
    consecutive_failed_syncs=st.none() | st.integers(0, 1),
    totals=st.none() | st.builds(Totals, rows_synced=st.integers(0, 1)),
    history_gaps=st.integers(0, 1),
)
steps = st.lists(few_snapshots | st.sampled_from("123") | instants, max_size=12)
"""A snapshot is published, an id withdrawn, and at a moment there is a scrape; moments also go back."""


def lines_of(page: Page, now: datetime) -> list[bytes]:
    """Every line about integrations and its headers, sorted: the order of integrations is free."""
    about, own, _ = page_bytes(page, now, openmetrics=True).partition(b"# HELP braze_cdi_exporter_build_info")
    assert own
    return sorted(about.splitlines())


@given(steps, instants)
@settings(max_examples=200)
def test_any_history_of_changes_and_scrapes_ends_in_the_page_of_its_last_state(
    history: list[Snapshot | str | datetime], now: datetime
) -> None:
    page = Page(SelfMetrics())
    state: dict[str, Snapshot] = {}
    for step in history:
        if isinstance(step, Snapshot):
            page.publish(step)
            state[step.integration.integration_id] = step
        elif isinstance(step, str):
            page.withdraw("w", step)
            state.pop(step, None)
        else:
            page_bytes(page, step)

    fresh = Page(SelfMetrics())
    for snapshot in state.values():
        fresh.publish(snapshot)
    assert lines_of(page, now) == lines_of(fresh, now)
    assert page.snapshots() == fresh.snapshots()


@given(st.lists(few_snapshots, min_size=1, max_size=4), steps, instants)
def test_what_happens_after_a_scrape_has_begun_does_not_reach_its_page(
    published: list[Snapshot], history: list[Snapshot | str | datetime], now: datetime
) -> None:
    page = Page(SelfMetrics())
    for snapshot in published:
        page.publish(snapshot)
    expected = lines_of(page, now)
    exposition = page.render(now, openmetrics=True)
    for step in history:
        if isinstance(step, Snapshot):
            page.publish(step)
        elif isinstance(step, str):
            page.withdraw("w", step)
        else:
            page_bytes(page, step)
    about = b"".join(exposition.chunks).partition(b"# HELP braze_cdi_exporter_build_info")[0]
    assert sorted(about.splitlines()) == expected
