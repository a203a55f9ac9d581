"""One integration in depth: where the expectation of its next sync comes from, and the usual rows of each past sync."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from exporter.domain.detail import Detail
from exporter.domain.expected_run import ExpectedRun
from exporter.domain.integration_state import IntegrationState, Since, Watch
from exporter.domain.learned import learn_past
from exporter.domain.ledger import Ledger
from exporter.domain.limits import LimitSettings, Sensitivity
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Sync, SyncStatus
from exporter.domain.past import Past, to_seconds
from exporter.domain.rhythm import to_local
from exporter.domain.settings import PollSettings
from exporter.domain.summary import summarize
from exporter.domain.view import build_view

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def past(count: int, every: timedelta = HOUR) -> Past:
    starts = (NOW - place * every for place in range(1, count + 1))
    return Past().extend(
        Sync(start, SyncStatus.SUCCESS, start + timedelta(minutes=2), start, 1000 + start.hour, 0) for start in starts
    )


def detail(known: Past, integration: Integration | None = None, **changes: object) -> Detail:
    integration = integration or Integration("w", "a", "a")
    syncs = known.syncs[::-1][:20]
    ledger = Ledger(NOW - timedelta(days=1), NOW, syncs)
    listed = ListedIntegration("a")
    state = IntegrationState(NOW, ledger, listed, judged_at=NOW, summary=summarize(ledger, listed))
    state = replace(state, **changes)  # type: ignore[arg-type]  # keywords by name
    learned = learn_past(known.runs, NOW, integration.limits.sensitivity, zone=integration.timezone)
    watch = Watch(integration, PollSettings(), learned)
    return Detail(state, build_view(state, watch), watch, known)


EVERY_HOUR = Integration("w", "a", "a", expected_interval_seconds=3600.0)
DRAFT = ListedIntegration("a", integration_status="draft")


@pytest.mark.parametrize(
    ("found", "by", "because"),
    [
        (detail(past(400), expected=ExpectedRun(NOW, announced=True)), "braze", "Braze announces this run"),
        (
            detail(past(400), EVERY_HOUR, expected=ExpectedRun(NOW, announced=False)),
            "expected_interval",
            "expected_interval is 1 h",
        ),
        (detail(past(400)), "rhythm", "learned: its syncs start every 1 h (400 past syncs)"),
        (detail(past(2)), "", "Braze announces no run, and its syncs start every 1 h (2 past syncs)"),
        (detail(past(1)), "", "Braze announces no run, and too little is known of its rhythm (1 past sync)"),
        (detail(past(400), gone=Since(NOW)), "", "the integration is gone"),
        (detail(past(400), paused=Since(NOW)), "", "the integration is paused in Braze"),
        (detail(past(400), listed=DRAFT), "", "Braze calls the integration a draft, and drafts never sync"),
    ],
)
def test_an_expectation_says_where_it_comes_from(found: Detail, by: str, because: str) -> None:
    assert found.expectation == (by, because)


def test_business_days_and_irregular_rhythms_are_told() -> None:
    days = [NOW - timedelta(days=day) for day in range(1, 90)]
    business = Past().extend(Sync(day, SyncStatus.SUCCESS, day + HOUR) for day in days if day.weekday() < 5)
    assert "every 1 d on business days" in detail(business).expectation.because
    gaps = (1, 9, 2, 30, 4, 70, 3, 11, 50, 1, 25, 5, 80, 2)
    starts = [NOW - HOUR * sum(gaps[: place + 1]) for place in range(len(gaps))]
    irregular = Past().extend(Sync(start, SyncStatus.SUCCESS, start) for start in starts)
    assert "irregularly, half of them within" in detail(irregular).expectation.because


def test_each_past_sync_has_its_usual_rows() -> None:
    found = list(detail(past(400)).runs(0))
    assert len(found) == 400
    assert [one.run.start for one in found] == sorted(one.run.start for one in found)
    for run, band in found:
        assert band is not None
        assert band.fewest < band.usual < band.most
        assert band.usual == pytest.approx(run.rows_synced, rel=0.02)
    narrow = Integration("w", "a", "a", limits=LimitSettings(sensitivity=Sensitivity.HIGH))
    (*_, high), (*_, medium) = detail(past(400), narrow).runs(0), found
    assert high.band is not None
    assert medium.band is not None
    assert high.band.fewest > medium.band.fewest


def test_only_syncs_since_a_moment_are_given_and_too_few_have_no_band() -> None:
    assert len(list(detail(past(400)).runs(to_seconds(NOW - 10 * HOUR)))) == 10
    few = past(3)
    assert list(detail(few).runs(0)) == [(run, None) for run in few.runs]
    assert [run.start for run, _ in detail(few).runs(few.runs[1].start)] == [run.start for run in few.runs[1:]]


def test_rows_have_the_same_two_digits_in_problem_limits_and_what_is_usual() -> None:
    known = past(24 * 40)
    empty = [replace(sync, rows_synced=0) for sync in known.syncs[-9:]]
    view = detail(known.extend(empty)).view
    assert view.limits is not None
    low = next(one for one in view.problems if one.kind == "rows_low")
    assert low.limit == view.limits.rows_synced.value == 500
    assert (view.usual_rows, view.limits.rows_synced_upper.value) == (1000, 2000)
    assert "usually 1,000 " in low.text


def test_every_past_sync_has_the_rows_that_are_usual_at_its_own_time_of_the_week() -> None:
    known = detail(past(24 * 40))
    rows = known.watch.learned.normal.rows
    assert rows is not None
    bands = [one.band for one in known.runs(0)]
    assert bands == [rows.band(one.run.start) for one in known.runs(0)]
    assert len(set(bands)) > 12


def test_the_time_of_the_week_is_that_of_the_zone() -> None:
    zone = timezone(timedelta(hours=-7))
    known = detail(past(24 * 40), Integration("w", "a", "a", timezone=zone))
    rows = known.watch.learned.normal.rows
    assert rows is not None
    bands = [one.band for one in known.runs(0)]
    assert bands == [rows.band(to_local(one.run.start, zone)) for one in known.runs(0)]
    assert bands != [rows.band(one.run.start) for one in known.runs(0)]


def test_at_a_time_of_the_week_without_good_syncs_nothing_is_usual() -> None:
    days = [NOW - timedelta(days=day) for day in range(1, 60)]
    good = [Sync(day, SyncStatus.SUCCESS, day + HOUR, None, 100, 0) for day in days if day.weekday() < 5]
    saturday = Sync(NOW - timedelta(days=8), SyncStatus.ERROR, NOW - timedelta(days=8) + HOUR)
    bands = {run.start: band for run, band in detail(Past().extend([*good, saturday])).runs(0)}
    assert saturday.sync_start_time.weekday() == 5
    assert {start for start, band in bands.items() if band is None} == {to_seconds(saturday.sync_start_time)}


def test_the_latest_syncs_are_those_of_the_view_and_before_them_those_of_the_past() -> None:
    known = past(30)
    found = detail(known)
    exact = replace(known.syncs[-2], sync_start_time=known.syncs[-2].sync_start_time + timedelta(milliseconds=7))
    running = Sync(NOW, SyncStatus.RUNNING)
    found = replace(found, view=replace(found.view, history=(running, known.syncs[-1], exact)))
    expected = [running, known.syncs[-1], exact, *known.syncs[-3::-1]]
    assert found.latest_syncs(25) == expected[:25]
    assert found.latest_syncs(2) == expected[:2]
    assert found.latest_syncs(99) == expected
