"""The bounded history of syncs: what is kept, what is replaced, and what a damaged one says."""

import zlib
from datetime import timedelta

import pytest

from exporter.domain.model import Sync, SyncStatus
from exporter.domain.past import MOST, SLACK, VERSION, Past, decode, encode, to_run, to_sync
from tests.pasts import FIRST, HOUR, MONDAY, every, run

SYNC = to_sync(run(FIRST, 5))


def test_an_empty_past_has_no_syncs() -> None:
    assert Past().syncs == ()
    assert decode(encode(Past())) == Past()


def test_syncs_come_back_oldest_first_however_they_were_added() -> None:
    runs = [run(FIRST + hour * HOUR, hour) for hour in range(5)]
    past = Past().extend(map(to_sync, runs[2:])).extend(map(to_sync, reversed(runs[:2])))
    assert past.runs == runs
    assert past.latest == runs[-1].start


def test_one_that_is_unpacked_is_read_once() -> None:
    packed = Past().extend(to_sync(run(FIRST + hour * HOUR, hour)) for hour in range(5))
    past = packed.unpack()
    assert past == packed
    assert (past.runs, past.count, past.latest) == (packed.runs, packed.count, packed.latest)
    assert past.runs[0] is past.runs[0]


def test_a_sync_with_the_same_start_replaces_the_one_that_is_known() -> None:
    past = Past().add(SYNC).add(to_sync(run(FIRST, 7)))
    assert [each.rows_synced for each in past.runs] == [7]
    assert past.count == 1


def test_a_running_sync_is_not_kept() -> None:
    assert Past().add(Sync(MONDAY, SyncStatus.RUNNING)) == Past()


def test_times_are_kept_to_the_second_and_what_is_unknown_stays_unknown() -> None:
    sync = Sync(MONDAY + timedelta(microseconds=999_999), SyncStatus.ERROR)
    assert Past().add(sync).syncs == (Sync(MONDAY, SyncStatus.ERROR),)


def test_a_finish_before_the_start_is_kept_as_braze_has_it() -> None:
    sync = Sync(MONDAY, SyncStatus.SUCCESS, MONDAY - timedelta(hours=2), MONDAY + timedelta(days=3), 1, 2)
    assert Past().add(sync).syncs == (sync,)
    assert to_run(sync).finish == FIRST


def test_only_the_latest_syncs_are_learned_from_and_more_are_dropped_with_some_slack() -> None:
    past = Past()
    for number in range(MOST + SLACK + 5):
        past = past.add(to_sync(run(FIRST + number * HOUR)))
    assert len(past.runs) == MOST
    assert past.runs[-1].start == FIRST + (MOST + SLACK + 4) * HOUR
    assert past.count <= MOST + SLACK
    assert len(decode(encode(past)).runs) == MOST


def test_a_sync_takes_a_few_bytes() -> None:
    past = Past.of(every(HOUR, 40))
    assert len(past.packed) < 11 * past.count
    assert len(encode(past)) < 9 * past.count


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes([VERSION + 1]) + zlib.compress(b""),
        bytes([VERSION]),
        bytes([VERSION]) + b"no zlib",
        encode(Past().add(SYNC))[:-3],
        bytes([VERSION]) + zlib.compress(Past().add(SYNC).packed[:-1]),
        bytes([VERSION]) + zlib.compress(b"\x07\x02"),
        bytes([VERSION]) + zlib.compress(Past().add(SYNC).packed * 2 + b"\x01\x00"),
        bytes([VERSION]) + zlib.compress(bytes(5_000_000)),
    ],
    ids=["empty", "version", "nothing", "no zlib", "cut", "half a sync", "status", "same start", "too long"],
)
def test_a_damaged_past_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="stored past"):
        decode(data)
