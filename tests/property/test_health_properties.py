"""
The judge for any history of polls, listings and failures, with any limits, at any moment.

Metrics page, JSON and status page show the same problems; none breaks the closed list of contract 7 or a limit.
"""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.durations import Durations, Explained
from exporter.domain.errors import AuthError, NotFoundError, PollError, ServerError
from exporter.domain.integration_state import IntegrationState, Moment, PollResult, Watch
from exporter.domain.learned import Learned
from exporter.domain.ledger import Page as SyncPage
from exporter.domain.ledger import Walk, absorb
from exporter.domain.limits import LIMITS, Alerts, Keyword, LimitSettings, Sensitivity, Setting
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Sync, SyncStatus
from exporter.domain.normal import Normal
from exporter.domain.problem import Problem, Severity
from exporter.domain.rhythm import Rhythm
from exporter.domain.settings import PollSettings
from exporter.domain.transitions import on_gone, on_list_lost, on_listing, on_no_list, on_poll_end, on_start
from exporter.domain.trends import Trend
from exporter.domain.view import View, build_view
from exporter.domain.wording import word_share, word_span
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.web.selection import Selection
from exporter.web.status_page import StatusPage
from exporter.web.view import ExporterStatus, WorkspaceStatus
from tests.problems import COUNTS, HIGHEST, LIMITED, MEASURED, SECONDS, hidden_by
from tests.snapshots import page_bytes, read_series
from tests.unit.web.samples import render_status_json

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
END_OF_TIME = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
ENDED_BY = {
    "failed_syncs": {"failing"},
    "failed_rows": {"rows_failed"},
    "start_delay": {"overdue"},
    "sync_duration": {"slow", "running_long", "stuck"},
    "lag": {"behind"},
    "success_age": {"success_too_old"},
    "rows_synced": {"rows_low", "rows_high"},
}
"""Which kinds depend on each limit."""
AWKWARD = st.text(st.sampled_from("<&\"'\n\r\t\x00\x1b\u2028\u202e\ud800\U0010ffff{}% ") | st.characters(), max_size=20)
TEXTS = AWKWARD | AWKWARD.map(lambda text: text * 100)
MINUTES = st.integers(0, 100) | st.sampled_from([1000, 1440, 4320, 10_000]) | st.floats(0, 5)
ROWS = st.none() | st.integers(0, 3) | st.sampled_from([80, 1000, 10**12])


@dataclass(frozen=True)
class Tale:
    """What has become of an integration."""

    states: tuple[IntegrationState, ...]
    """After each event."""
    watch: Watch
    alerts: Alerts
    limits: Mapping[str, Setting]

    @property
    def state(self) -> IntegrationState:
        return self.states[-1]

    def verdict(self, alerts: Alerts | None = None, **limits: Setting) -> tuple[tuple[Problem, ...], ...]:
        """What is wrong, fresh and stale, with some limits changed."""
        settings = LimitSettings({**self.limits, **limits})
        integration = replace(self.watch.integration, alerts=alerts or self.alerts, limits=settings)
        watch = replace(self.watch, integration=integration)
        view = build_view(self.state, watch)
        return view.problems, view.stale_problems


def values_of(key: str) -> st.SearchStrategy[float]:
    if key == "failed_rows":
        return st.sampled_from([0.0, 0.01, 0.05, 0.5, 1.0]) | st.floats(0, 1)
    if key in {"failed_syncs", "rows_synced"}:
        return st.integers(0, 4).map(float)
    return st.sampled_from([0.0, 60.0, 900.0, 86_400.0, 9.2e9]) | st.floats(0, 10_000)


SETTINGS = st.fixed_dictionaries(
    {}, optional={key.name: st.sampled_from(Keyword) | values_of(key.name) for key in LIMITS}
)


RHYTHMS = st.builds(
    Rhythm,
    st.sampled_from(["regular", "irregular"]),
    st.just(3600.0),
    st.none() | st.floats(3600, 86_400),
    st.none() | st.floats(0, 600),
)
NORMALS = st.builds(
    Normal,
    st.integers(1, 2500),
    st.just(Rhythm()) | RHYTHMS,
    st.none()
    | st.builds(
        Durations, st.just(60.0), st.just(0.1), st.floats(60, 6000), st.just(()), st.just(Explained(0, 0, 0, 0))
    ),
    failed_rows_ratio=st.none() | st.floats(0, 1),
    lag_seconds=st.none() | st.floats(0, 9000).map(lambda limit: (limit,) * 7),
    success_age_seconds=st.none() | st.floats(0, 90_000),
    healed_failures=st.integers(0, 3),
)
NUMBERS = st.floats(0, 1e7)
TRENDS = st.builds(
    lambda kinds, value, limit, usual, critical: tuple(
        Trend(kind, START, value, limit, usual, critical=critical and kind == "rows_low") for kind in sorted(kinds)
    ),
    st.frozensets(st.sampled_from(["slow", "rows_low", "rows_high", "resynced"])),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.booleans(),
)
LEARNED = st.just(Learned()) | st.builds(Learned, NORMALS, TRENDS)
"""Nothing learned, or anything; what the past really teaches has properties of its own."""


@st.composite
def syncs(draw: st.DrawFn, now: datetime) -> Sync:
    start = now - timedelta(minutes=draw(MINUTES))
    status = draw(st.sampled_from(SyncStatus) | st.just(SyncStatus.SUCCESS))
    finish = None if status is SyncStatus.RUNNING else start + timedelta(minutes=draw(st.integers(-5, 60)))
    watermark = draw(st.none() | st.integers(-300, 300).map(lambda lag: now - timedelta(minutes=lag)))
    return Sync(
        start, status, draw(st.sampled_from([finish, None, finish])), watermark, rows_synced=draw(ROWS),
        rows_failed_with_errors=draw(ROWS),
    )  # fmt: skip


@st.composite
def listings(draw: st.DrawFn, now: datetime, latest: Sync | None) -> ListedIntegration:
    moment = MINUTES.map(lambda minutes: now - timedelta(minutes=minutes))
    next_run = draw(st.none() | st.sampled_from([-100, -20, -1, 5, 60]).map(lambda m: now + timedelta(minutes=m)))
    status = draw(st.sampled_from(["active", "active", "Paused", "draft", ""]) | TEXTS)
    start, word = draw(st.none() | moment), draw(st.none() | st.sampled_from(SyncStatus))
    if latest is not None and draw(st.booleans()):
        start, word = latest.sync_start_time, latest.job_status
    return ListedIntegration(
        "i",
        draw(TEXTS),
        integration_status=status,
        last_updated_at=draw(st.none() | moment | st.just(END_OF_TIME)),
        last_job_start_time=start,
        last_job_status=word,
        next_scheduled_run=draw(st.sampled_from([next_run, next_run, END_OF_TIME])),
        next_run_told=next_run is not None or draw(st.booleans()),
    )


@st.composite
def errors(draw: st.DrawFn) -> PollError:
    kind = draw(st.sampled_from([AuthError, ServerError, NotFoundError]))
    return kind(draw(TEXTS), held_seconds=draw(st.none() | st.floats(0, 900)))


@st.composite
def tales(draw: st.DrawFn) -> Tale:
    limits, alerts = draw(SETTINGS), draw(st.sampled_from(Alerts))
    interval = draw(st.none() | st.sampled_from([60.0, 3600.0]))
    integration = Integration(
        "w",
        "i",
        draw(st.just("i") | TEXTS),
        alerts=alerts,
        expected_interval_seconds=interval,
        limits=LimitSettings(limits, draw(st.sampled_from(Sensitivity))),
    )
    watch = Watch(integration, PollSettings(), draw(LEARNED))
    now, state = START, IntegrationState(START)
    states, history = [state], list[Sync]()
    for event in draw(st.lists(st.sampled_from(EVENTS), max_size=10)):
        now += timedelta(minutes=draw(MINUTES))
        moment = Moment(now, (now - START).total_seconds())
        if event == "poll":
            history += draw(st.lists(syncs(now), max_size=3))
            page = sorted(history, key=lambda sync: sync.sync_start_time, reverse=True)
            ledger = absorb(state.ledger, Walk(), SyncPage(tuple(page), last=True), now=now, max_pages=1).ledger
            error = draw(st.none() | st.none() | errors())
            result = PollResult(ledger, error=error, pages=1)
            state = on_poll_end(state, watch, result, state.listed, moment, list_covers=True).state
        elif event == "failure":
            result = PollResult(state.ledger, error=draw(errors()))
            state = on_poll_end(state, watch, result, state.listed, moment, list_covers=True).state
        elif event == "listing":
            listed = draw(listings(now, state.summary.latest))
            state = on_listing(state, watch, listed, moment, list_is_short=draw(st.booleans())).state
        elif event == "list lost":
            state = on_list_lost(state, watch, now).state
        elif event == "no list":
            change = on_no_list(state, watch, now)
            state = state if change is None else change.state
        elif event == "gone":
            state = on_gone(state, watch, now, renamed_to=draw(st.just("") | TEXTS)).state
        else:
            state = on_start(state, moment)
        states.append(state)
    return Tale(tuple(states), watch, alerts, limits)


STRICT = Watch(
    Integration(
        "w",
        "i",
        "i",
        limits=LimitSettings({key.name: 0.01 if key.name == "failed_rows" else 1.0 for key in LIMITS}),
    ),
    PollSettings(),
)
EVENTS = ("poll", "poll", "poll", "listing", "listing", "failure", "list lost", "no list", "gone", "restart")


def kinds(problems: tuple[Problem, ...]) -> set[str]:
    return {problem.kind for problem in problems}


# Page, JSON and status page


def on_metrics_page(view: View, now: datetime) -> set[tuple[str, str, float | None, float | None]]:
    """Kind, severity, value and limit of each problem."""
    page = Page(SelfMetrics())
    page.publish(view)
    both = []
    for openmetrics in (False, True):
        series = read_series(page_bytes(page, now, openmetrics=openmetrics), openmetrics=openmetrics)
        found: dict[str, dict[str, float]] = {}
        severities = {}
        for (name, pairs), number in series.items():
            labels = dict(pairs)
            if name == "braze_cdi_problem":
                severities[labels["problem"]] = labels["severity"]
            elif "problem" in labels:
                found.setdefault(name.removeprefix("braze_cdi_problem_"), {})[labels["problem"]] = number
        assert found.keys() <= {"value", "limit"}
        values, limits = (found.get(name, {}) for name in ("value", "limit"))
        assert {*values, *limits} <= severities.keys()
        both.append({(kind, severity, values.get(kind), limits.get(kind)) for kind, severity in severities.items()})
    assert both[0] == both[1]
    return both[0]


_WHY = re.compile(r'<li class="sev-(\w+)"><b>\w+:</b> (.*?)(?: <span class="quiet">·&nbsp;<time .*?</span>)?</li>')


@given(tales(), st.integers(-60, 60))
def test_all_show_the_same_problems(tale: Tale, seconds: int) -> None:
    view = build_view(tale.state, tale.watch)
    assert view.stale_at is not None
    now = view.stale_at + timedelta(seconds=seconds)
    workspace = WorkspaceStatus("w", "https://rest.iad-03.braze.com", 60.0, (view,))
    status = ExporterStatus(now, "1", "", START, (workspace,))
    (shown,) = json.loads(render_status_json(status))["workspaces"][0]["integrations"]
    in_json = {(each["kind"], each["severity"], each["value"], each["limit"]) for each in shown["problems"]}
    judged = {(each.kind, each.severity.word, each.value, each.limit) for each in view.problems_at(now)}
    assert on_metrics_page(view, now) == in_json == judged
    worst = max((problem.severity for problem in view.problems_at(now)), default=None)
    assert shown["severity"] == (worst.word if worst else "ok")

    page = StatusPage(telemetry_path="/metrics").render(status, Selection()).decode()
    on_page = [(severity, html.unescape(text)) for severity, text in _WHY.findall(page)]
    assert on_page == [(problem["severity"], problem["text"]) for problem in shown["problems"]]


# The closed list


@given(tales())
def test_no_problem_breaks_the_closed_list(tale: Tale) -> None:
    views = (build_view(state, watch) for state in tale.states for watch in (tale.watch, STRICT))
    for problems in (problems for view in views for problems in (view.problems, view.stale_problems)):
        found = kinds(problems)
        assert len(found) == len(problems)
        severities = [problem.severity for problem in problems]
        assert severities == sorted(severities, reverse=True)
        for problem in problems:
            assert problem.severity <= HIGHEST[problem.kind]
            assert problem.value is None or problem.kind in MEASURED
            assert problem.limit is None or problem.kind in LIMITED
            assert not hidden_by(problem.kind) & found
            check_text(problem)


def check_text(problem: Problem) -> None:
    """It is one short line that names value and limit."""
    assert problem.text.isprintable()
    assert 10 < len(problem.text) < 400
    numbers = [number for number in (problem.value, problem.limit) if number is not None]
    words: set[str] = set()
    if problem.kind == "rows_failed":
        words = {word_share(number) for number in numbers}
    elif problem.kind in COUNTS:
        words = {f"{number:,.0f}" for number in numbers}
    elif problem.kind in {*SECONDS, "stale"}:
        words = {word_span(number) for number in numbers}
    assert {word for word in words if word not in problem.text} == set()
    assert bool(words) == bool(numbers)


# Limits and alerts


def test_it_is_known_which_problems_depend_on_each_limit() -> None:
    assert set(ENDED_BY) == {key.name for key in LIMITS}


@given(tales(), st.data())
def test_a_higher_limit_never_adds_its_problem_and_off_ends_it(tale: Tale, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from([key.name for key in LIMITS]))
    low, high = sorted((data.draw(values_of(key)), data.draw(values_of(key))))

    def worst(limit: Setting) -> int:
        problems, _ = tale.verdict(**{key: limit})  # type: ignore[arg-type]
        return max((problem.severity for problem in problems if problem.kind in ENDED_BY[key]), default=0)

    assert 0 == worst(Keyword.OFF) <= worst(high) <= worst(low)


@given(tales())
def test_alerts_lower_severities_and_nothing_else(tale: Tale) -> None:
    loud, quiet, off = (tale.verdict(alerts) for alerts in Alerts)
    for all_of, no_page, muted in zip(loud, quiet, off, strict=True):
        assert kinds(all_of) == kinds(no_page) == kinds(muted)
        lowered = {problem.kind: min(problem.severity, Severity.WARNING) for problem in all_of}
        assert {problem.kind: problem.severity for problem in no_page} == lowered
        assert {problem.severity for problem in muted} <= {Severity.INFO}


# Blindness


@given(tales())
def test_what_was_wrong_stays_wrong_when_it_is_stale(tale: Tale) -> None:
    fresh, stale = tale.verdict()
    if tale.state.is_draft or kinds(fresh) & {"paused", "gone"}:
        assert fresh == stale
        return
    assert set(stale) - set(fresh) == {problem for problem in stale if problem.kind == "stale"} != set()
    assert kinds(fresh) - kinds(stale) <= {"poll_failing"}
    assert "poll_failing" not in kinds(stale)


@given(tales(), MINUTES, TEXTS)
def test_a_poll_that_fails_changes_nothing_else(tale: Tale, minutes: float, message: str) -> None:
    state, watch = tale.state, tale.watch
    now = (state.polls.last_at or state.judged_at or START) + timedelta(minutes=minutes)
    result = PollResult(state.ledger, error=ServerError(message))
    moment = Moment(now, (now - START).total_seconds())
    after = on_poll_end(state, watch, result, state.listed, moment, list_covers=True).state
    before, then = build_view(state, watch), build_view(after, watch)
    assert then.stale_at == before.stale_at
    differing = set(then.problems) ^ set(before.problems)
    assert kinds(tuple(differing)) <= {"poll_failing"}


@given(tales(), st.lists(st.integers(0, 99), min_size=2, max_size=9))
def test_a_view_does_not_depend_on_what_was_looked_at_before(tale: Tale, order: list[int]) -> None:
    for number in order:
        state = tale.states[number % len(tale.states)]
        assert build_view(state, tale.watch) == build_view(state, replace(tale.watch))


@given(tales())
def test_a_restart_changes_no_verdict(tale: Tale) -> None:
    if tale.state.is_listed:
        before = build_view(tale.state, tale.watch)
        after = build_view(on_start(tale.state, Moment(START, 5.0)), tale.watch)
        assert (after.problems, after.stale_problems) == (before.problems, before.stale_problems)
