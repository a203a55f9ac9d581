"""
What the past of an integration says at present: what is normal, and which of its latest syncs are not.

Joins the pure learner to the judge: `learn_past` is the only way from a past to what problems and limits rest on. It
depends on nothing but the past, a moment and the sensitivity, so that daemon and `replay` say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from math import exp

from exporter.domain.limits import Limit, Limits, LimitSettings, Sensitivity, Source, limits_in_effect
from exporter.domain.model import Sync, SyncStatus
from exporter.domain.normal import WIDEN, Normal, learn
from exporter.domain.past import HISTORY, Run, to_moment, to_run, to_seconds
from exporter.domain.rhythm import to_local
from exporter.domain.summary import Summary
from exporter.domain.trends import Trend, judge_latest
from exporter.domain.wording import round_rows, word_share


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned from the past, and how its latest syncs compare. Nothing is, by default."""

    normal: Normal = field(default_factory=Normal)
    trends: tuple[Trend, ...] = ()
    """What is wrong with the latest syncs, by what is normal."""
    latest_good: Run | None = None
    """The latest finished sync that did not fail."""
    rows_failed_at: datetime | None = None
    """When the latest sync of which rows failed has finished."""

    def trend(self, problem: str) -> Trend | None:
        """Return what is wrong with the latest syncs in this one respect."""
        return next((trend for trend in self.trends if trend.problem == problem), None)

    @property
    def usual_duration_seconds(self) -> float | None:
        durations = self.normal.durations
        return None if durations is None else durations.usual_seconds

    def usual_rows(self, sync: Sync | None) -> float | None:
        """Return how many rows are usual for the time of the week at which a sync started."""
        band = None if sync is None else self._rows(sync, Sensitivity.MEDIUM)
        return None if band is None else band[1]

    @property
    def changes(self) -> tuple[str, ...]:
        """What has become usual for good, in words, and since when."""
        rows, durations, told = self.normal.rows, self.normal.durations, []
        if rows is not None and rows.level_since is not None and rows.level_before is not None:
            factor = exp(rows.level - rows.level_before)
            times = f"{factor:.2g} times" if factor >= 1 else f"{word_share(factor)} of"
            told.append(f"rows are {times} what they were, since {to_moment(rows.level_since):%Y-%m-%d}")
        if durations is not None and durations.changed_at is not None:
            told.append(f"durations have changed, on {to_moment(durations.changed_at):%Y-%m-%d}")
        return tuple(told)

    def deadline(
        self, latest: Sync, resumed_at: datetime | None, delay: Limit, sensitivity: Sensitivity
    ) -> datetime | None:
        """Return until when the sync after *latest* must start, by the learned rhythm and a *delay* if configured."""
        configured = delay.value if delay.source is Source.CONFIGURED else None
        last = to_run(latest)
        if resumed_at is not None and resumed_at > latest.sync_start_time:
            last = last._replace(start=to_seconds(resumed_at), took=None)
        return self.normal.start_deadline(last, sensitivity, configured)

    def limits(self, settings: LimitSettings, summary: Summary) -> Limits:
        """Return the limits in effect for the latest sync of an integration."""
        normal, sensitivity = self.normal, settings.sensitivity
        latest, finished = summary.latest, summary.latest_finished
        rows = () if finished is None else (finished.rows_synced, finished.rows_failed_with_errors)
        learned: dict[str, float | None] = {
            "failed_rows": normal.failed_rows_limit(sensitivity, sum(filter(None, rows))),
            "start_delay": normal.start_delay_seconds(sensitivity),
            "success_age": normal.success_age_limit_seconds(sensitivity),
        }
        if latest is not None:
            slow = self.trend("slow")
            learned["sync_duration"] = normal.duration_limit_seconds(
                latest.sync_start_time, self.latest_good, 0.0 if slow is None else slow.value, sensitivity
            )
        if finished is not None:
            learned["lag"] = normal.lag_limit_seconds(finished.sync_start_time, sensitivity)
            band = self._rows(finished, sensitivity)
            if band is not None:
                learned["rows_synced"], _, learned["rows_synced_upper"] = band
        known = {name: value for name, value in learned.items() if value is not None}
        return limits_in_effect(settings, known, normal.learned_syncs)

    def _rows(self, sync: Sync, sensitivity: Sensitivity) -> tuple[float, float, float] | None:
        rows, at = self.normal.rows, to_local(to_seconds(sync.sync_start_time), self.normal.zone)
        band = None if rows is None else rows.band(at, WIDEN[sensitivity])
        if band is None:
            return None
        fewest, usual, most = map(round_rows, band)
        return fewest, usual, most


def learn_past(
    runs: Sequence[Run],
    at: datetime,
    sensitivity: Sensitivity,
    *,
    history: timedelta = HISTORY,
    zone: tzinfo | None = None,
) -> Learned:
    """Learn what is normal by *at* from the finished syncs, oldest first, and compare the latest with it."""
    return compare(runs, learn(runs, at, history=history, zone=zone), sensitivity)


def compare(runs: Sequence[Run], normal: Normal, sensitivity: Sensitivity) -> Learned:
    """Compare the latest of the finished syncs, oldest first, with what is normal."""
    good = next((run for run in reversed(runs) if not run.failed), None)
    rows_failed = next((run for run in reversed(runs) if run.rows_failed or run.status is SyncStatus.PARTIAL), None)
    failed_at = None if rows_failed is None else to_moment(rows_failed.finish)
    return Learned(normal, judge_latest(runs, normal, sensitivity), good, failed_at)
