"""Whatever syncs there are: what is kept of them comes back from bytes, once each, in order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from exporter.domain.model import FINISHED_STATUSES, Sync
from exporter.domain.past import Past, decode, encode

moments = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001
near = st.integers(0, 10**7).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
counts = st.none() | st.integers(0, 2**63)
syncs = st.builds(
    Sync,
    near | moments,
    st.sampled_from(FINISHED_STATUSES),
    st.none() | near | moments,
    st.none() | moments,
    counts,
    counts,
)


def to_the_second(sync: Sync) -> Sync:
    def cut(at: datetime | None) -> datetime | None:
        return at and at.replace(microsecond=0)

    start = sync.sync_start_time.replace(microsecond=0)
    return Sync(
        start, sync.job_status, cut(sync.sync_finish_time), cut(sync.last_timestamp_synced), sync.rows_synced,
        sync.rows_failed_with_errors,
    )  # fmt: skip


def kept(drawn: list[Sync]) -> tuple[Sync, ...]:
    latest = {each.sync_start_time: each for each in map(to_the_second, drawn) if each.finished}
    return tuple(latest[start] for start in sorted(latest))


@given(st.lists(syncs, max_size=30))
def test_what_is_added_comes_back_to_the_second(drawn: list[Sync]) -> None:
    past = Past().extend(drawn)
    assert past.syncs == kept(drawn)
    assert decode(encode(past)) == past.runs


@given(st.lists(syncs, max_size=20), st.integers(0, 20))
def test_one_by_one_and_in_parts_give_the_same(drawn: list[Sync], cut: int) -> None:
    one_by_one = Past()
    for sync in drawn:
        one_by_one = one_by_one.extend((sync,))
    in_parts = Past().extend(drawn[:cut]).extend(drawn[cut:])
    assert one_by_one == in_parts == Past().extend(drawn)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_past_or_refused(data: bytes) -> None:
    try:
        runs = decode(data)
    except ValueError:
        return
    assert decode(encode(Past.of(runs))) == runs
