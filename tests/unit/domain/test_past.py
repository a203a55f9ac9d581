"""The bounded history of syncs: what is kept, what is replaced, and what a damaged one says."""

import zlib
from datetime import timedelta

import pytest

from exporter.domain.model import Sync, SyncStatus
from exporter.domain.past import (
    MOST,
    SLACK,
    VERSION,
    Past,
    Run,
    decode,
    encode,
    to_moment,
    to_run,
    to_seconds,
    to_sync,
)  # fmt: skip
from tests.pasts import FIRST, HOUR, MONDAY, every, run

SYNC = to_sync(run(FIRST, 5))


def test_an_empty_past_has_no_syncs() -> None:
    assert Past().syncs == ()
    assert Past.of(()) == Past()
    assert decode(encode(Past())) == []


def test_pasts_are_equal_that_hold_the_same_syncs() -> None:
    past = Past().extend((SYNC,))
    assert past == Past.of([run(FIRST, 5)])
    assert past != Past.of([run(FIRST, 6)])
    assert past != past.packed


def test_syncs_come_back_oldest_first_however_they_were_added() -> None:
    runs = [run(FIRST + hour * HOUR, hour) for hour in range(5)]
    past = Past().extend(map(to_sync, runs[2:])).extend(map(to_sync, reversed(runs[:2])))
    assert past.runs == runs
    assert past.latest == runs[-1].start


def test_one_that_is_made_of_runs_keeps_them() -> None:
    packed = Past().extend(to_sync(run(FIRST + hour * HOUR, hour)) for hour in range(5))
    past = Past.of(reversed(packed.runs))
    assert past == packed
    assert (past.runs, past.count, past.latest) == (packed.runs, packed.count, packed.latest)
    assert past.runs[0] is past.runs[0]


def test_a_sync_with_the_same_start_replaces_the_one_that_is_known() -> None:
    past = Past().extend((SYNC,)).extend((to_sync(run(FIRST, 7)),))
    assert [each.rows_synced for each in past.runs] == [7]
    assert past.count == 1


def test_a_running_sync_is_not_kept() -> None:
    assert Past().extend((Sync(MONDAY, SyncStatus.RUNNING),)) == Past()


def test_times_are_kept_to_the_second_and_what_is_unknown_stays_unknown() -> None:
    sync = Sync(MONDAY + timedelta(microseconds=999_999), SyncStatus.ERROR)
    assert Past().extend((sync,)).syncs == (Sync(MONDAY, SyncStatus.ERROR),)


def test_a_finish_before_the_start_is_kept_as_braze_has_it() -> None:
    sync = Sync(MONDAY, SyncStatus.SUCCESS, MONDAY - timedelta(hours=2), MONDAY + timedelta(days=3), 1, 2)
    assert Past().extend((sync,)).syncs == (sync,)
    assert to_run(sync).finish == FIRST


def test_only_the_latest_syncs_are_learned_from_and_more_are_dropped_with_some_slack() -> None:
    past = Past().extend(to_sync(run(FIRST + number * HOUR)) for number in range(MOST + SLACK - 1))
    for number, count in ((MOST + SLACK - 1, MOST + SLACK), (MOST + SLACK, MOST), (MOST + SLACK + 1, MOST + 1)):
        past = past.extend((to_sync(run(FIRST + number * HOUR)),))
        assert (past.count, past.latest, len(past.runs)) == (count, FIRST + number * HOUR, MOST)
        assert past.runs[-1].start == past.latest
        assert len(decode(encode(past))) == count


@pytest.mark.parametrize(
    ("kept", "packed"),
    [
        (Run(0, SyncStatus.SUCCESS), "01 00"),
        (Run(63, SyncStatus.PARTIAL), "02 7e"),
        (Run(64, SyncStatus.LIMIT_EXCEEDED), "06 8001"),
        (Run(0, SyncStatus.ERROR, took=-64, lag=64), "1b 00 7f 8001"),
        (Run(0, SyncStatus.CONFIG_ERROR, lag=-1, rows_synced=1), "34 00 01 02"),
        (Run(0, SyncStatus.UNKNOWN, rows_failed=8191), "45 00 fe7f"),
        (Run(0, SyncStatus.SUCCESS, 1, 2, 3, 4), "79 00 02 04 06 08"),
    ],
)
def test_the_form_on_the_disk(kept: Run, packed: str) -> None:
    """A byte of status and of what is known; then seven bits a byte, the lowest first, and the sign as lowest bit."""
    past = Past.of([kept])
    assert past.packed == bytes.fromhex(packed)
    assert decode(encode(past)) == [kept]


def test_starts_are_kept_as_differences() -> None:
    assert Past.of([Run(3, SyncStatus.SUCCESS), Run(5, SyncStatus.SUCCESS)]).packed == bytes.fromhex("01 06 01 04")


def test_where_a_finish_is_not_known_the_watermark_is_compared_with_the_start() -> None:
    for finish in (None, MONDAY):
        sync = Sync(MONDAY, SyncStatus.ERROR, finish, MONDAY - timedelta(seconds=90))
        assert to_run(sync).lag == 90
        assert to_sync(to_run(sync)) == sync


def test_moments_are_seconds_since_1970() -> None:
    assert to_seconds(MONDAY) == 1_772_409_600
    assert to_moment(1_772_409_600) == MONDAY


def test_a_sync_takes_a_few_bytes() -> None:
    past = Past.of(every(HOUR, 40))
    assert len(past.packed) < 11 * past.count
    assert len(encode(past)) < 9 * past.count


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", "version None of a stored past is not known"),
        (bytes([VERSION + 1]) + zlib.compress(b""), "version 2 of a stored past is not known"),
        (bytes([VERSION]), "a stored past is damaged"),
        (bytes([VERSION]) + b"no zlib", "a stored past is damaged: Error -3 .*"),
        (encode(Past().extend((SYNC,)))[:-3], "a stored past is damaged"),
        (
            bytes([VERSION]) + zlib.compress(Past().extend((SYNC,)).packed[:-1]),
            "a stored past is damaged: index out of range",
        ),
        (bytes([VERSION]) + zlib.compress(b"\x07\x02"), "a stored past is damaged: tuple index out of range"),
        (bytes([VERSION]) + zlib.compress(b"\x01\x02\x01\x00"), "a stored past is damaged"),
        (bytes([VERSION]) + zlib.compress(bytes(5_000_000)), "a stored past is damaged"),
    ],
    ids=["empty", "version", "nothing", "no zlib", "cut", "half a sync", "status", "same start", "too long"],
)
def test_a_damaged_past_is_refused(data: bytes, error: str) -> None:
    with pytest.raises(ValueError, match=f"^{error}$"):
        decode(data)
