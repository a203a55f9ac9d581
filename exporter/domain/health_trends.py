"""
The rules by which the latest syncs are found to be unlike the usual: slow, too few rows, too many, or the same again.

What is unusual has been decided by `trends.py`, from learned values alone; here configured limits come in, and words. A
rule takes a case and returns the problem, or None.
"""

from dataclasses import replace

from exporter.domain.limits import Source
from exporter.domain.model import Sync
from exporter.domain.problem import Case, Problem, Severity
from exporter.domain.trends import Trend
from exporter.domain.wording import round_rows, word_count, word_moment, word_span

NEAR_ZERO_SHARE = 0.01
LASTING_SYNCS = 3
"""After this number of syncs near zero, fewer rows than configured are critical."""


def slow(case: Case) -> Problem | None:
    limit, trend = case.limits.sync_duration, case.learned.trend("slow")
    if trend is None or limit.source is Source.OFF:
        return None
    if limit.source is Source.CONFIGURED and limit.value is not None and trend.value <= limit.value:
        return None  # somebody has decided that this is fine
    text = (
        f"The latest syncs took {word_span(trend.value)}, usually {word_span(trend.usual)};"
        f" limit {word_span(trend.limit)} for several in a row"
    )
    return _problem(trend, text)


def rows_low(case: Case) -> Problem | None:
    limit = case.limits.rows_synced
    if limit.source is Source.CONFIGURED:
        return _fewer_than_configured(case, limit.value or 0.0)
    trend = case.learned.trend("rows_low")
    return None if trend is None or limit.source is Source.OFF else _rows(trend, "at least")


def rows_high(case: Case) -> Problem | None:
    trend = case.learned.trend("rows_high")
    off = case.limits.rows_synced.source is Source.OFF
    return None if trend is None or off else _rows(trend, "at most")


def resynced(case: Case) -> Problem | None:
    trend, watermark = case.learned.trend("resynced"), case.state.summary.last_timestamp_synced
    if trend is None:
        return None
    at = f" at {word_moment(watermark)}" if watermark is not None else ""
    text = (
        f"{word_count(trend.value, 'sync')} in a row synced rows while the watermark stood still{at};"
        f" limit {trend.limit:,.0f}"
    )
    return _problem(trend, text)


def _problem(trend: Trend, text: str) -> Problem:
    severity = Severity.CRITICAL if trend.critical else Severity.WARNING
    return Problem(trend.problem, severity, text, trend.began_at, trend.value, trend.limit)


def _rows(trend: Trend, bound: str) -> Problem:
    usual, limit = round_rows(trend.usual), round_rows(trend.limit)
    text = (
        f"The latest sync had {word_count(trend.value, 'row')}, usually {usual:,.0f} at this time of the week;"
        f" limit {bound} {limit:,.0f}"
    )
    return replace(_problem(trend, text), limit=limit)


def _fewer_than_configured(case: Case, limit: float) -> Problem | None:
    sync = case.state.summary.latest_finished
    rows = sync.rows_synced if sync is not None and not sync.failed else None
    if rows is None or rows >= limit:
        return None

    def near_zero(one: Sync) -> bool:
        return one.rows_synced is not None and one.rows_synced <= limit * NEAR_ZERO_SHARE

    latest = [one for one in case.recent if one.finished and not one.failed][:LASTING_SYNCS]
    lasts = len(latest) == LASTING_SYNCS and all(near_zero(one) for one in latest)
    since = case.since(lambda one: one.rows_synced is not None and one.rows_synced < limit)
    text = f"The latest sync synced {word_count(rows, 'row')}; limit {word_count(limit, 'row')}"
    return Problem("rows_low", Severity.CRITICAL if lasts else Severity.WARNING, text, since, rows, limit)
