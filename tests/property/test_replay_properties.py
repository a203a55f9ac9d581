"""A replay that looks when something may have changed finds what one finds that looks every minute."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.limits import LimitSettings
from exporter.domain.model import Integration, Sync, SyncStatus
from exporter.domain.replay import Replay

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOURS = 30


class EveryMinute(Replay):
    """Looks half a minute past each minute; whatever happens does so at a full minute."""

    def _next_moment(self, now: datetime) -> datetime:
        usual = super()._next_moment(now)
        return min(usual, now.replace(second=30) + (MINUTE if now.second >= 30 else timedelta(0)))


@st.composite
def syncs(draw: st.DrawFn) -> Sync:
    start = BEGIN + draw(st.integers(-24 * 60, HOURS * 60)) * MINUTE
    status = draw(st.sampled_from(SyncStatus))
    if status is SyncStatus.RUNNING:
        return Sync(start, status)
    finish = start + draw(st.integers(0, 300)) * MINUTE
    watermark = draw(st.none() | st.integers(-600, 600).map(lambda minutes: finish + minutes * MINUTE))
    return Sync(start, status, finish, watermark, 100, draw(st.sampled_from([0, 1, 50])))


@st.composite
def integrations(draw: st.DrawFn) -> Integration:
    limits: dict[str, float] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                key: st.integers(10, 600).map(lambda minutes: minutes * 60.0)
                for key in ("success_age", "sync_duration", "lag", "start_delay")
            },
        )
    )
    interval = draw(st.none() | st.integers(5, 600).map(lambda minutes: minutes * 60.0))
    return Integration("w", "users", "users", limits=LimitSettings(limits), expected_interval_seconds=interval)


@given(st.lists(syncs(), max_size=8, unique_by=lambda one: one.sync_start_time), integrations())
def test_no_moment_is_missed_at_which_the_verdict_changes(known: list[Sync], integration: Integration) -> None:
    def looks(kind: type[Replay]) -> list[tuple[datetime, tuple[tuple[str, str], ...]]]:
        replay = kind(integration, known, BEGIN, BEGIN + HOURS * 60 * MINUTE, timedelta(0))
        return [(moment, view.verdict) for moment, view in replay.moments()]

    seldom = looks(Replay)
    for moment, verdict in looks(EveryMinute):
        if moment.second == 30:
            latest = seldom[bisect_right(seldom, moment, key=lambda look: look[0]) - 1]
            assert latest[1] == verdict, (moment, latest[0])
