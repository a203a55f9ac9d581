"""
The page for any views and any history of changes.

The judge is prometheus-client: its parsers must read both pages, and its renderer, given the same views through a
collector that is written here from the contract, must come to the same series and values.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from exporter.domain.limits import Limit, Limits, Source
from exporter.domain.model import Integration, Sync, SyncStatus, Totals
from exporter.domain.problem import Problem, Severity
from exporter.domain.view import View
from exporter.metrics.catalogue import CATALOGUE
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from tests.snapshots import NOW, REPRESENTATIVE, Series, page_bytes, read_series, shown_views

I = ("workspace", "integration_id", "integration_name")  # noqa: E741 - the contract's name for these three
FINISHED = ("success", "partial", "error", "config_error", "limit_exceeded", "unknown")

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
    syncs=st.tuples(*[st.integers(0, 10**6)] * len(FINISHED)),
    rows_synced=numbers,
    rows_failed_with_errors=numbers,
    duration_seconds=floats,
)
problems = st.lists(
    st.builds(
        Problem,
        kind=st.sampled_from(["failing", "overdue", "stale"]),
        severity=st.sampled_from(Severity),
        text=texts,
        value=st.none() | st.floats(0, 1e300),
        limit=st.none() | st.floats(0, 1e300),
    ),
    max_size=3,
    unique_by=lambda problem: problem.kind,
).map(tuple)
LIMITS = {
    "failed_syncs": "consecutive_failed_syncs_limit",
    "failed_rows": "failed_rows_ratio_limit",
    "sync_duration": "sync_duration_limit_seconds",
    "lag": "last_timestamp_synced_lag_limit_seconds",
    "success_age": "success_age_limit_seconds",
    "rows_synced": "rows_synced_lower_limit",
    "rows_synced_upper": "rows_synced_upper_limit",
}
"""Limit in the configuration -> family; how late a sync may start is shown as its deadline."""
limits = st.builds(Limit, st.none() | st.floats(0, 1e300), st.sampled_from(Source))
views = st.builds(
    View,
    integration=integrations,
    up=st.none() | st.booleans(),
    last_poll_at=st.none() | moments,
    last_poll_success_at=st.none() | moments,
    stale_at=st.none() | moments,
    latest=st.none() | syncs,
    latest_finished=st.none() | syncs,
    last_success_at=st.none() | moments,
    last_timestamp_synced=st.none() | moments,
    consecutive_failed_syncs=st.none() | st.integers(0, 1000),
    integration_status=st.none() | texts,
    next_scheduled_run=st.none() | moments,
    expected_run_at=st.none() | moments,
    totals=st.none() | totals,
    history_gaps=st.none() | st.integers(0, 5),
    problems=problems,
    stale_problems=problems,
    limits=st.builds(Limits, **dict.fromkeys(LIMITS, limits), start_delay=limits),
    usual_duration_seconds=st.none() | st.floats(0, 1e12),
    usual_rows=st.none() | st.floats(0, 1e300),
    learned_syncs=st.none() | st.integers(1, 2500),
    start_deadline_at=st.none() | moments,
    failed_rows_ratio=st.none() | st.floats(0, 1),
    last_sync_lag_seconds=st.none() | st.floats(-1e12, 1e12),
)


def cleaned(value: str) -> str:
    """What docs/metrics.md promises about label values."""
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", "\ufffd", value)


def seconds(at: datetime | None) -> float | None:
    return None if at is None else (at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


def lag(view: View, now: datetime) -> float | None:
    return None if view.last_timestamp_synced is None else (now - view.last_timestamp_synced).total_seconds()


class Reference(Collector):
    """Contract 4 for *views* at *now*, in prometheus-client's own objects."""

    def __init__(self, views: list[View], now: datetime) -> None:
        self.views = views
        self.now = now

    def collect(self) -> Iterator[Metric]:
        every = self.views
        fresh = [view for view in every if view.stale_at is None or self.now < view.stale_at]
        counted = [(view, view.totals) for view in every if view.totals is not None]
        latest = [(view, view.latest) for view in fresh if view.latest is not None]
        finished = [(view, view.latest_finished) for view in fresh if view.latest_finished is not None]
        yield gauge("up", ((v, v.up) for v in every))
        yield info(every)
        yield labelled("integration_status", ["integration_status"], ((v, [v.integration_status], 1) for v in fresh))
        problems = [
            (view, problem) for view in every for problem in (view.problems if view in fresh else view.stale_problems)
        ]
        yield labelled(
            "problem",
            ["problem", "severity"],
            ((v, [each.kind, each.severity.name.lower()], 1) for v, each in problems),
        )
        yield figures("problem_value", ((v, each.kind, each.value) for v, each in problems))
        yield figures("problem_limit", ((v, each.kind, each.limit) for v, each in problems))
        yield labelled(
            "last_sync_status",
            ["status"],
            ((v, [word], float(sync.job_status == word)) for v, sync in latest for word in ("running", *FINISHED)),
        )
        yield gauge("last_sync_start_timestamp_seconds", ((v, seconds(sync.sync_start_time)) for v, sync in latest))
        yield gauge("last_sync_finish_timestamp_seconds", ((v, seconds(sync.sync_finish_time)) for v, sync in finished))
        yield gauge("last_sync_duration_seconds", ((v, sync.duration_seconds) for v, sync in finished))
        yield gauge("last_sync_rows_synced", ((v, sync.rows_synced) for v, sync in finished))
        yield gauge("last_sync_rows_failed_with_errors", ((v, sync.rows_failed_with_errors) for v, sync in finished))
        yield gauge("last_sync_failed_rows_ratio", ((v, v.failed_rows_ratio) for v in fresh))
        yield gauge("last_success_timestamp_seconds", ((v, seconds(v.last_success_at)) for v in fresh))
        yield gauge("last_timestamp_synced_seconds", ((v, seconds(v.last_timestamp_synced)) for v in fresh))
        yield gauge("last_timestamp_synced_lag_seconds", ((v, lag(v, self.now)) for v in fresh))
        yield gauge("last_sync_lag_seconds", ((v, v.last_sync_lag_seconds) for v in fresh))
        yield gauge("next_scheduled_run_timestamp_seconds", ((v, seconds(v.next_scheduled_run)) for v in fresh))
        yield gauge("expected_run_timestamp_seconds", ((v, seconds(v.expected_run_at)) for v in fresh))
        yield gauge("start_deadline_timestamp_seconds", ((v, seconds(v.start_deadline_at)) for v in fresh))
        yield gauge("consecutive_failed_syncs", ((v, v.consecutive_failed_syncs) for v in fresh))
        for name, family in LIMITS.items():
            yield gauge(family, ((v, getattr(v.limits, name).value) for v in every))
        yield gauge("usual_sync_duration_seconds", ((v, v.usual_duration_seconds) for v in every))
        yield gauge("usual_rows_synced", ((v, v.usual_rows) for v in every))
        yield gauge("learned_syncs", ((v, v.learned_syncs) for v in every))
        yield labelled(
            "syncs_total",
            ["status"],
            ((v, [word], n) for v, totals in counted for word, n in zip(FINISHED, totals.syncs, strict=True)),
        )
        yield counter("rows_synced_total", ((v, totals.rows_synced) for v, totals in counted))
        yield counter("rows_failed_with_errors_total", ((v, totals.rows_failed_with_errors) for v, totals in counted))
        yield counter("sync_duration_seconds_total", ((v, totals.duration_seconds) for v, totals in counted))
        yield gauge("last_poll_timestamp_seconds", ((v, seconds(v.last_poll_at)) for v in every))
        yield gauge("last_poll_success_timestamp_seconds", ((v, seconds(v.last_poll_success_at)) for v in every))
        yield counter("exporter_history_gaps_total", ((v, v.history_gaps) for v in every))


def test_the_reference_has_every_family() -> None:
    families = {family.name.removesuffix("_total") for family in CATALOGUE}
    assert {family.name for family in Reference([], NOW).collect()} == families, (
        "each has a line in `Reference.collect`, and what it reads a strategy in `views`; a limit is in `LIMITS`"
    )


def identity(view: View) -> list[str]:
    return [cleaned(getattr(view.integration, name)) for name in I]


def gauge(name: str, values: Iterable[tuple[View, float | None]]) -> Metric:
    family = GaugeMetricFamily(f"braze_cdi_{name}", "Help.", labels=I)
    for view, value in values:
        if value is not None:
            family.add_metric(identity(view), value)
    return family


def counter(name: str, values: Iterable[tuple[View, float | None]]) -> Metric:
    family = CounterMetricFamily(f"braze_cdi_{name}", "Help.", labels=I)
    for view, value in values:
        if value is not None and 0 <= value < float("inf"):  # one that is no number or negative is absent
            family.add_metric(identity(view), value)
    return family


def labelled(name: str, labels: list[str], samples: Iterable[tuple[View, list[str | None], float]]) -> Metric:
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    family = kind(f"braze_cdi_{name}", "Help.", labels=[*I, *labels])
    for view, values, number in samples:
        known = [cleaned(value) for value in values if value is not None]
        if len(known) == len(labels):
            family.add_metric([*identity(view), *known], number)
    return family


def figures(name: str, samples: Iterable[tuple[View, str, float | None]]) -> Metric:
    return labelled(name, ["problem"], ((v, [kind], figure) for v, kind, figure in samples if figure is not None))


def info(views: list[View]) -> Metric:
    """A gauge with labels that differ from series to series."""
    family = Metric("braze_cdi_integration_info", "Help.", "gauge")
    for view in views:
        fixed = {
            name: getattr(view.integration, name) for name in ("integration_type", "warehouse_type", "app_group_id")
        }
        configured = {n: v for n, v in view.integration.labels if n not in {*I, *fixed} and not n.startswith("__")}
        labels = {n: cleaned(v) for n, v in {**configured, **fixed}.items()}
        family.add_sample(family.name, {**dict(zip(I, identity(view), strict=True)), **labels}, 1)
    return family


def by_place(views: list[View]) -> list[View]:
    """The last view of each integration, by what the page can tell apart."""
    return list({tuple(identity(view)[:2]): view for view in views}.values())


def about_integrations(page: bytes, *, openmetrics: bool) -> dict[Series, float]:
    series = read_series(page, openmetrics=openmetrics)
    return {(name, labels): value for (name, labels), value in series.items() if "integration_id" in dict(labels)}


@given(st.lists(views, max_size=5), moments)
@example(list(REPRESENTATIVE), datetime(2026, 1, 1, tzinfo=UTC))
def test_both_pages_carry_what_prometheus_client_makes_of_the_same_views(published: list[View], now: datetime) -> None:
    page = Page(SelfMetrics())
    for view in published:
        page.publish(view)
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
few_problems = st.lists(
    st.builds(
        Problem, kind=st.sampled_from(["failing", "stale"]), severity=st.sampled_from(Severity), text=st.just("")
    ),
    max_size=2,
    unique_by=lambda problem: problem.kind,
).map(tuple)
few_views = st.builds(
    View,
    integration=few_integrations,
    up=st.none() | st.booleans(),
    last_poll_at=st.none() | instants,
    stale_at=st.none() | instants,
    latest=st.none() | few_syncs,
    last_timestamp_synced=st.none() | instants,
    consecutive_failed_syncs=st.none() | st.integers(0, 1),
    totals=st.none() | st.builds(Totals, rows_synced=st.integers(0, 1)),
    history_gaps=st.integers(0, 1),
    problems=few_problems,
    stale_problems=few_problems,
)
steps = st.lists(few_views | st.sampled_from("123") | instants, max_size=12)
"""A view is published, an id withdrawn, and at a moment there is a scrape; moments also go back."""


def lines_of(page: Page, now: datetime) -> list[bytes]:
    """Every line about integrations and its headers, sorted: the order of integrations is free."""
    about, own, _ = page_bytes(page, now, openmetrics=True).partition(b"# HELP braze_cdi_exporter_build_info")
    assert own
    return sorted(about.splitlines())


@given(steps, instants)
@settings(max_examples=200)
def test_any_history_of_changes_and_scrapes_ends_in_the_page_of_its_last_state(
    history: list[View | str | datetime], now: datetime
) -> None:
    page = Page(SelfMetrics())
    state: dict[str, View] = {}
    for step in history:
        if isinstance(step, View):
            page.publish(step)
            state[step.integration.integration_id] = step
        elif isinstance(step, str):
            page.withdraw("w", step)
            state.pop(step, None)
        else:
            page_bytes(page, step)

    fresh = Page(SelfMetrics())
    for view in state.values():
        fresh.publish(view)
    assert lines_of(page, now) == lines_of(fresh, now)
    assert shown_views(page) == shown_views(fresh)


@given(st.lists(few_views, min_size=1, max_size=4), steps, instants)
def test_what_happens_after_a_scrape_has_begun_does_not_reach_its_page(
    published: list[View], history: list[View | str | datetime], now: datetime
) -> None:
    page = Page(SelfMetrics())
    for view in published:
        page.publish(view)
    expected = lines_of(page, now)
    exposition = page.render(now, openmetrics=True)
    for step in history:
        if isinstance(step, View):
            page.publish(step)
        elif isinstance(step, str):
            page.withdraw("w", step)
        else:
            page_bytes(page, step)
    about = b"".join(exposition.chunks).partition(b"# HELP braze_cdi_exporter_build_info")[0]
    assert sorted(about.splitlines()) == expected
