"""The pictures of an integration's past: every value in its place, none outside, nothing that hides the others."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.domain.detail import Band, PastRun
from exporter.domain.limits import Limit, Limits, Source
from exporter.domain.model import SyncStatus
from exporter.domain.past import Run, to_seconds
from exporter.web.charts import BINS, TALL, WIDE, Picture, axis_of, pictures, time_line

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = dict(Limits())
OK = SyncStatus.SUCCESS


def runs(*values: int | None, status: SyncStatus = OK, band: Band | None = None, every: int = 3600) -> list[PastRun]:
    """Hourly syncs that took *values* seconds and had as many rows, the last at NOW."""
    last = to_seconds(NOW)
    return [
        PastRun(Run(last - every * (len(values) - 1 - place), status, value, value, value, 0), band)
        for place, value in enumerate(values)
    ]


def draw(known: list[PastRun], **limits: Limit) -> dict[str, Picture]:
    axis = axis_of(known, NOW, None)
    return {picture.name: picture for picture in pictures(known, {**LIMITS, **limits}, axis)}


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path)]


def test_each_of_a_few_syncs_is_a_dot_at_its_time_and_height() -> None:
    picture = draw(runs(0, 30, 60))["Duration"]
    assert [round(x) for x, _ in points(picture.value)] == [0, WIDE // 2, WIDE]
    (_, low), (_, middle), (_, high) = points(picture.value)
    assert picture.top == "1\N{NO-BREAK SPACE}min"
    assert picture.half == "30\N{NO-BREAK SPACE}s"
    assert low > middle > high
    assert middle == pytest.approx((low + high) / 2)
    assert (picture.range, picture.beyond, picture.band) == ("", "", "")


def test_of_many_syncs_a_step_shows_the_median_and_a_stroke_from_least_to_most() -> None:
    picture = draw(runs(*(10 + place % 3 * 10 for place in range(3 * BINS))))["Duration"]
    heights = {y for _, y in points(picture.value)}
    assert len(points(picture.value)) <= BINS
    assert len(heights) <= 3
    assert "V" in picture.range


def test_what_lies_far_beyond_is_drawn_at_the_edge_so_that_the_rest_can_be_told_apart() -> None:
    picture = draw(runs(*[60, 70] * 40, 9000))["Duration"]
    assert picture.top == "2\N{NO-BREAK SPACE}min"
    assert len(points(picture.beyond)) == 1
    assert "highest 2\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}30\N{NO-BREAK SPACE}min" in picture.summary


@pytest.mark.parametrize(
    ("value", "note", "drawn"), [(100.0, "limit 1 min 40 s", True), (9e4, "limit 1 d 1 h, off the chart", False)]
)
def test_a_limit_is_drawn_where_it_fits(value: float, note: str, drawn: bool) -> None:
    picture = draw(runs(60, 70), sync_duration=Limit(value, Source.DEFAULT))["Duration"]
    assert picture.limit_note.replace("\N{NO-BREAK SPACE}", " ") == note
    assert bool(picture.limit) == drawn


def test_learned_rows_have_a_band_and_configured_ones_a_line() -> None:
    known = runs(90, 100, 110, band=Band(50.0, 100.0, 200.0))
    learned = draw(known, rows_synced=Limit(50.0, Source.LEARNED))["Rows synced"]
    assert learned.band.endswith("Z")
    assert (learned.limit, learned.limit_note) == ("", "")
    configured = draw(known, rows_synced=Limit(80.0, Source.CONFIGURED))["Rows synced"]
    assert configured.limit
    assert configured.limit_note == "limit 80"


def test_what_is_not_known_is_not_drawn() -> None:
    assert draw([]) == {}
    assert draw(runs(None, None)) == {}
    assert set(draw(runs(60, status=SyncStatus.ERROR))) == {"Lag when finished"}


def test_the_time_line_shows_the_worst_status_of_each_step() -> None:
    known = runs(*[60] * (3 * BINS), every=600)
    known[5] = PastRun(known[5].run._replace(status=SyncStatus.ERROR), None)
    marks = time_line(known, axis_of(known, NOW, None))
    assert len(marks) == BINS
    assert [mark.status for mark in marks].count("error") == 1
    (bad,) = [mark for mark in marks if mark.status == "error"]
    assert bad.title.endswith("UTC: 2 success, 1 error")


def test_silence_leaves_room_at_the_right() -> None:
    known = runs(60, 60, 60)
    axis = axis_of(known, NOW + timedelta(hours=6), None)
    (*_, last) = time_line(known, axis)
    assert last.x < 0.3 * WIDE
    assert axis.labels == ["Mar 01, 10:00", "Mar 01, 14:00", "Mar 01, 18:00"]
    assert axis_of(known, NOW, 7).labels[0] == "Feb 22, 12:00"
    assert axis_of(known, NOW, 30).labels == ["Jan 30", "Feb 14", "Mar 01"]


def test_a_wide_band_does_not_press_the_values_to_the_ground() -> None:
    known = runs(90, 100, 110, band=Band(0.0, 100.0, 1e6))
    assert draw(known, rows_synced=Limit(0.0, Source.LEARNED))["Rows synced"].top == "300"


@pytest.mark.parametrize(("days", "lines"), [(7, 7), (30, 4)])
def test_the_grid_has_days_or_weeks(days: int, lines: int) -> None:
    assert axis_of(runs(60), NOW, days).grid().count("M") == lines


NUMBERS = st.none() | st.integers(-(10**6), 10**12)
RUNS = st.lists(
    st.builds(Run, st.integers(-(6 * 10**10), 25 * 10**10), st.sampled_from(SyncStatus), *[NUMBERS] * 4), max_size=40
)


@given(RUNS, st.floats(0, 1e13), st.sampled_from((None, 7, 30)))
@settings(max_examples=60)
def test_whatever_the_past_nothing_leaves_the_picture(known: list[Run], bound: float, days: int | None) -> None:
    past = [
        PastRun(run, Band(1.0, 2.0, bound))
        for run in sorted(known, key=lambda run: run.start)
        if run.status is not SyncStatus.RUNNING
    ]
    axis = axis_of(past, NOW, days)
    drawn = pictures(past, {**LIMITS, "lag": Limit(bound, Source.CONFIGURED)}, axis)
    for picture in drawn:
        for path in (picture.value, picture.beyond, picture.usual, picture.band, picture.range):
            assert all(0 <= x <= WIDE and 0 <= y <= TALL for x, y in points(path))
    assert all(0 <= mark.x <= WIDE for mark in time_line(past, axis))
