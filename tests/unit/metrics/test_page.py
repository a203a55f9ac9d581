"""The page through publish, withdraw, staleness and scrapes."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from exporter.domain.limits import Keyword, LimitSettings, limits_in_effect
from exporter.domain.model import Integration, SyncStatus, Totals
from exporter.domain.problem import Problem, Severity
from exporter.domain.view import View
from exporter.metrics.catalogue import CATALOGUE
from exporter.metrics.page import Page
from exporter.metrics.pieces import CHUNK_BYTES
from exporter.metrics.self_metrics import SelfMetrics
from tests.snapshots import (
    HEALTHY,
    NEVER_RUN,
    NEW,
    NOW,
    REPRESENTATIVE,
    STALE,
    ago,
    page_bytes,
    read_series,
    shown_views,
)

EXPIRING = {family.name for family in CATALOGUE if family.when_stale is None}


def page_with(*views: View) -> Page:
    page = Page(SelfMetrics("1.0", "abc"))
    for view in views:
        page.publish(view)
    return page


def shown(page: Page, now: datetime = NOW) -> set[str]:
    """Names of the samples about integrations."""
    names = {name for name, labels in read_series(page_bytes(page, now)) if ("workspace", "production") in labels}
    return names - {"braze_cdi_integration_info"}


def value(page: Page, name: str, now: datetime = NOW, **labels: str) -> float | None:
    """The value of the one series called *name* that has *labels*; None when there is none."""
    found = [
        value
        for (series, have), value in read_series(page_bytes(page, now)).items()
        if series == name and labels.items() <= dict(have).items()
    ]
    assert len(found) < 2
    return found[0] if found else None


def without_process(page: bytes) -> bytes:
    """Everything but the figures of this process, which change from scrape to scrape."""
    return page.split(b"# HELP python_info")[0]


def test_a_page_without_integrations_has_the_exporters_own_metrics_only() -> None:
    names = {name for name, _ in read_series(page_bytes(page_with()))}
    assert "braze_cdi_exporter_build_info" in names
    assert not names & {family.name for family in CATALOGUE}


def test_a_family_without_samples_leaves_no_header() -> None:
    assert b"braze_cdi_last_sync" not in page_bytes(page_with(NEVER_RUN))
    assert b"braze_cdi_integration_status" not in page_bytes(page_with(HEALTHY))


def test_content_types_name_format_and_version() -> None:
    page = page_with()
    assert page.render(NOW, openmetrics=False).content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert (
        page.render(NOW, openmetrics=True).content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )


def test_both_formats_have_the_same_sample_lines() -> None:
    page = page_with(*REPRESENTATIVE)

    def samples(*, openmetrics: bool) -> list[bytes]:
        lines = without_process(page_bytes(page, openmetrics=openmetrics)).splitlines()
        return [line for line in lines if line.startswith(b"braze_cdi_") and not line.startswith(b"braze_cdi_exporter")]

    assert samples(openmetrics=True) == samples(openmetrics=False)


def test_openmetrics_ends_with_eof_and_text_does_not() -> None:
    page = page_with(HEALTHY)
    assert page_bytes(page, openmetrics=True).endswith(b"\n# EOF\n")
    assert page_bytes(page, openmetrics=True).count(b"# EOF") == 1
    assert b"EOF" not in page_bytes(page)


def test_what_is_not_known_is_absent() -> None:
    names = {name for name, labels in read_series(page_bytes(page_with(NEW))) if dict(labels).get("integration_id")}
    assert names == {"braze_cdi_integration_info", "braze_cdi_exporter_history_gaps_total"}


def test_exactly_one_status_of_the_latest_sync_is_1() -> None:
    series = read_series(page_bytes(page_with(HEALTHY)))
    statuses = {
        dict(labels)["status"]: v for (name, labels), v in series.items() if name == "braze_cdi_last_sync_status"
    }
    assert statuses == {status.value: float(status is SyncStatus.SUCCESS) for status in SyncStatus}


def test_a_new_view_replaces_what_the_old_one_showed() -> None:
    page = page_with(HEALTHY, replace(HEALTHY, latest=None, totals=Totals((8, 1, 0, 0, 0, 0), 8000, 12, 2400.0)))
    assert value(page, "braze_cdi_rows_synced_total") == 8000
    assert value(page, "braze_cdi_syncs_total", status="success") == 8
    assert value(page, "braze_cdi_last_sync_start_timestamp_seconds") is None


def test_a_renamed_integration_leaves_no_second_series() -> None:
    renamed = replace(HEALTHY, integration=replace(HEALTHY.integration, integration_name="people", labels=()))
    page = page_with(HEALTHY, renamed)
    text = page_bytes(page)
    assert without_process(text) == without_process(page_bytes(page_with(renamed)))
    assert b'"users"' not in text
    assert b"team" not in text


def test_a_withdrawn_integration_leaves_nothing() -> None:
    page = page_with(HEALTHY, STALE)
    page.withdraw("production", HEALTHY.integration.integration_id)
    assert without_process(page_bytes(page)) == without_process(page_bytes(page_with(STALE)))
    assert shown_views(page) == (STALE,)


def test_withdrawing_what_is_not_there_changes_nothing() -> None:
    page = page_with(HEALTHY)
    page.withdraw("production", "unknown")
    page.withdraw("elsewhere", HEALTHY.integration.integration_id)
    assert shown_views(page) == (HEALTHY,)


def test_the_place_of_a_withdrawn_integration_goes_to_the_next_newcomer() -> None:
    page = page_with(HEALTHY, STALE)
    page.withdraw("production", HEALTHY.integration.integration_id)
    page.publish(NEVER_RUN)
    assert without_process(page_bytes(page)) == without_process(page_bytes(page_with(NEVER_RUN, STALE)))


def test_one_id_in_two_workspaces_is_two_integrations() -> None:
    other = replace(HEALTHY, integration=replace(HEALTHY.integration, workspace="other"))
    assert shown_views(page_with(HEALTHY, other)) == (other, HEALTHY)


def test_ids_that_look_the_same_on_the_page_share_one_place() -> None:
    first = View(Integration("w", "a\x00", "n"), up=True)
    second = View(Integration("w", "a\x01", "n"), up=False)
    assert value(page_with(first, second), "braze_cdi_up") == 0


def test_views_come_by_workspace_name_and_id() -> None:
    first, second, third = (View(Integration(*names)) for names in (("a", "9", "x"), ("b", "3", "x"), ("b", "1", "y")))
    assert shown_views(page_with(third, first, second)) == (first, second, third)


def test_lag_is_counted_to_the_scrape() -> None:
    page = page_with(replace(HEALTHY, last_timestamp_synced=ago(seconds=90.5)))
    assert value(page, "braze_cdi_last_timestamp_synced_lag_seconds") == 90.5
    assert value(page, "braze_cdi_last_timestamp_synced_lag_seconds", NOW + timedelta(seconds=1)) == 91.5


def test_lag_is_negative_when_the_watermark_lies_in_the_future() -> None:
    page = page_with(replace(HEALTHY, last_timestamp_synced=datetime.max.replace(tzinfo=NOW.tzinfo)))
    lag = value(page, "braze_cdi_last_timestamp_synced_lag_seconds")
    assert lag == (NOW - datetime.max.replace(tzinfo=NOW.tzinfo)).total_seconds()


def test_gauges_about_syncs_disappear_when_stale_and_the_rest_stays() -> None:
    page = page_with(replace(HEALTHY, stale_problems=()))
    assert HEALTHY.stale_at is not None
    before = shown(page, HEALTHY.stale_at - timedelta(microseconds=1))
    after = shown(page, HEALTHY.stale_at)
    assert before - after == before & EXPIRING
    assert before & EXPIRING == EXPIRING - {
        "braze_cdi_integration_status",
        "braze_cdi_next_scheduled_run_timestamp_seconds",
        "braze_cdi_expected_run_timestamp_seconds",
        "braze_cdi_start_deadline_timestamp_seconds",
    }
    assert after == before - EXPIRING


def problems(page: Page, now: datetime) -> set[tuple[str, str]]:
    """Kind and severity of each problem shown."""
    series = read_series(page_bytes(page, now))
    shown = [dict(labels) for name, labels in series if name == "braze_cdi_problem"]
    return {(labels["problem"], labels["severity"]) for labels in shown}


def test_each_problem_is_shown_with_its_severity_while_it_holds() -> None:
    late = Problem("overdue", Severity.CRITICAL, "Late")
    slow = Problem("slow", Severity.WARNING, "Slow")
    page = page_with(replace(HEALTHY, problems=(late, slow)))
    assert problems(page, NOW) == {("overdue", "critical"), ("slow", "warning")}
    page.publish(replace(HEALTHY, problems=(replace(late, severity=Severity.INFO),)))
    assert problems(page, NOW) == {("overdue", "info")}
    page.publish(HEALTHY)
    assert problems(page, NOW) == set()


def test_a_stale_integration_shows_what_is_wrong_with_it_then() -> None:
    """Blindness resolves no alert: what was wrong at the latest good poll stays beside `stale`."""
    failing = Problem("failing", Severity.CRITICAL, "Fails")
    stale = Problem("stale", Severity.CRITICAL, "No good poll")
    page = page_with(replace(HEALTHY, problems=(failing,), stale_problems=(failing, stale)))
    assert problems(page, ago(minutes=-9)) == {("failing", "critical")}
    assert problems(page, ago(minutes=-10)) == {("failing", "critical"), ("stale", "critical")}
    page.publish(replace(HEALTHY, stale_at=ago(minutes=-30)))
    assert problems(page, ago(minutes=-11)) == set()


def test_problems_of_a_stale_integration_that_change_are_shown_as_they_are_then() -> None:
    stale = Problem("stale", Severity.CRITICAL, "No good poll")
    page = page_with(HEALTHY)
    later = ago(minutes=-11)
    assert problems(page, later) == {("stale", "critical")}
    page.publish(replace(HEALTHY, up=False, stale_problems=(replace(stale, severity=Severity.INFO),)))
    assert problems(page, later) == {("stale", "info")}


def test_a_limit_that_is_off_or_not_known_is_absent() -> None:
    page = page_with(HEALTHY)
    assert value(page, "braze_cdi_last_timestamp_synced_lag_limit_seconds") == 7200
    off = limits_in_effect(LimitSettings({"failed_syncs": Keyword.OFF, "sync_duration": 60.0}))
    page.publish(replace(HEALTHY, limits=off))
    assert value(page, "braze_cdi_consecutive_failed_syncs_limit") is None
    assert value(page, "braze_cdi_last_timestamp_synced_lag_limit_seconds") is None
    assert value(page, "braze_cdi_sync_duration_limit_seconds") == 60


def test_each_integration_goes_stale_at_its_own_time() -> None:
    second = replace(NEVER_RUN, stale_at=ago(minutes=-20), consecutive_failed_syncs=3)
    page = page_with(HEALTHY, second)

    def streaks(now: datetime) -> list[float]:
        series = read_series(page_bytes(page, now))
        return [v for (name, _), v in series.items() if name == "braze_cdi_consecutive_failed_syncs"]

    assert streaks(ago(minutes=-9)) == [0, 3]
    assert streaks(ago(minutes=-10)) == [3]
    assert streaks(ago(minutes=-20)) == []


def test_a_good_poll_brings_back_what_had_gone_stale() -> None:
    page = page_with(HEALTHY)
    later = ago(minutes=-11)
    gone = shown(page, later)
    page.publish(replace(HEALTHY, stale_at=ago(minutes=-30)))
    assert shown(page, later) - gone == shown(page, NOW) & EXPIRING
    assert gone - shown(page, later) == {"braze_cdi_problem", "braze_cdi_problem_limit"}


def test_a_failed_poll_does_not_bring_back_what_had_gone_stale() -> None:
    page = page_with(HEALTHY)
    later = ago(minutes=-11)
    gone = shown(page, later)
    page.publish(replace(HEALTHY, up=False, last_poll_at=later, consecutive_failed_syncs=9))
    assert shown(page, later) == gone
    assert value(page, "braze_cdi_up", later) == 0


def test_a_clock_set_back_shows_again_what_was_stale_later() -> None:
    page = page_with(HEALTHY)
    before = shown(page, NOW)
    shown(page, ago(minutes=-11))
    assert shown(page, NOW) == before


def test_without_a_deadline_nothing_goes_stale() -> None:
    page = page_with(replace(HEALTHY, stale_at=None))
    assert shown(page, ago(days=-3650)) == shown(page, NOW)


def test_a_page_shows_the_moment_it_was_rendered_whatever_is_published_meanwhile() -> None:
    page = page_with(HEALTHY, STALE)
    expected = without_process(page_bytes(page))
    exposition = page.render(NOW, openmetrics=False)
    page.publish(replace(HEALTHY, up=False, totals=None, last_timestamp_synced=None))
    page.withdraw("staging", STALE.integration.integration_id)
    page.publish(NEVER_RUN)
    assert without_process(b"".join(exposition.chunks)) == expected


def test_an_error_while_publishing_leaves_the_page_as_it_was() -> None:
    page = page_with(HEALTHY)
    before = without_process(page_bytes(page))
    with pytest.raises(ValueError, match="zip"):
        page.publish(replace(HEALTHY, up=False, totals=Totals(syncs=(1,))))
    with pytest.raises(ValueError, match="zip"):
        page.publish(replace(STALE, totals=Totals(syncs=(1,))))
    assert without_process(page_bytes(page)) == before
    assert shown_views(page) == (HEALTHY,)


def test_a_quiet_poll_changes_only_the_pieces_that_show_it() -> None:
    page = page_with(HEALTHY)
    before = {id(piece): piece for piece in page.render(NOW, openmetrics=False).pieces}
    page.publish(replace(HEALTHY, last_poll_at=NOW, last_poll_success_at=NOW, stale_at=ago(minutes=-11), problems=()))
    new = [piece.data for piece in page.render(NOW, openmetrics=False).pieces if id(piece) not in before]
    assert [data.partition(b"{")[0] for data in new[:-1]] == [
        b"braze_cdi_last_timestamp_synced_lag_seconds",
        b"braze_cdi_last_poll_timestamp_seconds",
        b"braze_cdi_last_poll_success_timestamp_seconds",
    ]
    assert new[-1].startswith(b"# HELP braze_cdi_exporter_build_info")


def test_a_small_page_is_one_chunk_and_a_large_one_is_cut() -> None:
    page = Page(SelfMetrics("1.0", ""))
    for number in range(1000):
        page.publish(replace(HEALTHY, integration=replace(HEALTHY.integration, integration_id=str(number))))
        if number == 10:
            assert len(list(page.render(NOW, openmetrics=False).chunks)) == 1
    sizes = [len(chunk) for chunk in page.render(NOW, openmetrics=False).chunks]
    assert len(sizes) > 3
    assert max(sizes) < 2 * CHUNK_BYTES
    assert min(sizes[:-1]) > CHUNK_BYTES / 2
