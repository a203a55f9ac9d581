"""Pasts beside the states: added to in small parts, kept whatever happens to the disk, dropped with the state."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from exporter.domain.model import Sync, SyncStatus
from exporter.domain.past import MOST, SLACK, Past
from exporter.state.pasts import PARTS, Progress, StoredPast
from exporter.state.sqlite import FILE_NAME
from exporter.state.store import KEPT_FOR, MemoryStore, Storage
from tests.kept import START, Surroundings, full_disk, read_only, state

SECOND = START.replace(microsecond=0)
READ = Progress(3, SECOND - timedelta(days=3), "skip:30", done=False)


def sync(hours: int, rows: int = 7) -> Sync:
    start = SECOND + timedelta(hours=hours)
    return Sync(start, SyncStatus.SUCCESS, start + timedelta(minutes=2), start, rows, 0)


def sql(path: Path, statement: str) -> list[tuple[int]]:
    with closing(sqlite3.connect(path / FILE_NAME, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


def in_memory(_: Path) -> Storage:
    return MemoryStore()


def on_disk(path: Path) -> Storage:
    return Surroundings().open(path)


@pytest.mark.parametrize("open_store", [in_memory, on_disk])
def test_a_past_grows_at_both_ends_and_holds_what_was_learned(
    tmp_path: Path, open_store: Callable[[Path], Storage]
) -> None:
    store = open_store(tmp_path)
    assert store.load_past("w", "a") == StoredPast()
    store.commit("w", "a", state(1), (sync(5), sync(4)))
    store.add_to_past("w", "a", (sync(1), sync(2)), READ)
    store.keep_learned("w", "a", b"limits", SECOND)
    store.commit("w", "a", state(2), (sync(6),))
    store.add_to_past("w", "b", (sync(1),))
    stored = store.load_past("w", "a")
    assert stored.past.syncs == (sync(1), sync(2), sync(4), sync(5), sync(6))
    assert (stored.progress, stored.learned, stored.learned_at) == (READ, b"limits", SECOND)
    outlines = store.load_outlines("w")
    assert outlines == {"a": StoredPast(Past(), READ, b"limits", SECOND), "b": StoredPast()}
    assert store.load_outlines("v") == {}
    store.forget("w", "a")
    assert store.load_past("w", "a") == StoredPast()
    assert store.load_past("w", "b").past.syncs == (sync(1),)
    store.close()


@pytest.mark.parametrize("open_store", [in_memory, on_disk])
def test_a_past_goes_with_the_state_that_is_forgotten(tmp_path: Path, open_store: Callable[[Path], Storage]) -> None:
    store = open_store(tmp_path)
    for name in ("old", "used"):
        store.commit("w", name, state(1), (sync(1),))
    store.forget_older(START + KEPT_FOR + timedelta(seconds=1), {("w", "used")})
    assert store.load_outlines("w").keys() == {"used"}
    store.close()


def test_a_past_is_there_after_a_kill(tmp_path: Path) -> None:
    store = Surroundings().open(tmp_path / "one")
    store.commit("w", "\udcff lone", state(1), (sync(1),))
    store.add_to_past("w", "\udcff lone", (sync(0),), Progress(1, SECOND, "\udcff", done=True))
    (tmp_path / "two").mkdir()
    for file in (tmp_path / "one").iterdir():
        (tmp_path / "two" / file.name).write_bytes(file.read_bytes())
    store.close()
    again = Surroundings().open(tmp_path / "two")
    stored = again.load_past("w", "\udcff lone")
    assert stored.past.syncs == (sync(0), sync(1))
    assert stored.progress == Progress(1, SECOND, "\udcff", done=True)
    again.close()


def test_parts_are_joined_so_that_a_past_stays_small(tmp_path: Path) -> None:
    store = Surroundings().open(tmp_path)
    store.commit("w", "a", state(1))
    store.add_to_past("w", "a", [sync(hour) for hour in range(MOST + SLACK)])
    for hour in range(MOST + SLACK, MOST + SLACK + 2 * PARTS):
        store.add_to_past("w", "a", (sync(hour),))
    assert len(store.load_past("w", "a").past.runs) == MOST
    store.close()
    assert sql(tmp_path, "SELECT count(*) FROM past_part")[0][0] <= PARTS
    assert sql(tmp_path, "SELECT sum(length(syncs)) FROM past_part")[0][0] < 10 * MOST


def test_what_a_full_disk_did_not_take_is_there_and_written_later(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "a", state(1), (sync(1),))
    store.keep_learned("w", "a", b"old", SECOND)
    with full_disk():
        store.commit("w", "a", state(2), (sync(2),))
        store.add_to_past("w", "a", (sync(0),), READ)
        store.keep_learned("w", "b", b"new", SECOND)
        assert not around.persistent
        assert store.load_past("w", "a").past.syncs == (sync(0), sync(1), sync(2))
        assert store.load_outlines("w")["b"].learned == b"new"
    around.a_minute_passes()
    store.commit("w", "a", state(3))
    assert around.persistent
    store.close()
    again = around.open(tmp_path)
    stored = again.load_past("w", "a")
    assert stored.past.syncs == (sync(0), sync(1), sync(2))
    assert (stored.progress, stored.learned) == (READ, b"old")
    assert again.load_past("w", "b").learned == b"new"
    again.close()


def test_where_the_disk_can_only_be_read_the_past_on_it_is_used(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "a", state(1), (sync(1),))
    store.close()
    with read_only(tmp_path):
        reading = around.open(tmp_path)
        reading.add_to_past("w", "a", (sync(2),), READ)
        assert not around.persistent
        assert reading.load_past("w", "a").past.syncs == (sync(1), sync(2))
        assert reading.load_outlines("w")["a"].progress == READ
        reading.close()


@pytest.mark.parametrize("damage", ["x''", "x'0100'", "5", "zeroblob(30)"])
def test_a_damaged_part_costs_its_syncs_and_has_the_history_read_again(tmp_path: Path, damage: str) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "a", state(1), (sync(1),))
    store.add_to_past("w", "a", (sync(0),), Progress(1, SECOND, None, done=True))
    store.keep_learned("w", "a", b"limits", SECOND)
    store.close()
    sql(tmp_path, f"UPDATE past_part SET syncs = {damage} WHERE id = 2")
    store = around.open(tmp_path)
    around.said()
    for _ in range(2):
        assert store.load_past("w", "a") == StoredPast(Past().extend((sync(1),)), Progress(), b"limits", SECOND)
    (line,) = around.said()
    assert "a damaged part of the history is dropped" in line
    assert store.load("w") == {"a": state(1)}
    assert around.persistent
    store.close()


@pytest.mark.parametrize(
    "damage", ["read_to = 'x'", "read_to = 1e300", "read_to = 1 << 62", "cursor = x'ff'", "pages = 'x'"]
)
def test_a_damaged_row_is_that_of_a_past_that_was_never_read(tmp_path: Path, damage: str) -> None:
    store = Surroundings().open(tmp_path)
    store.add_to_past("w", "a", (sync(0),), READ)
    store.close()
    sql(tmp_path, f"UPDATE past SET {damage}")
    store = Surroundings().open(tmp_path)
    assert store.load_past("w", "a").past.syncs == (sync(0),)
    assert store.load_outlines("w")["a"].progress == Progress()
    store.close()


def test_a_file_without_pasts_gets_them(tmp_path: Path) -> None:
    store = Surroundings().open(tmp_path)
    store.commit("w", "a", state(1))
    store.close()
    for statement in ("DROP TABLE past", "DROP TABLE past_part", "PRAGMA user_version = 2"):
        sql(tmp_path, statement)
    store = Surroundings().open(tmp_path)
    assert store.load("w") == {"a": state(1)}
    store.commit("w", "a", state(2), (sync(1),))
    assert store.load_past("w", "a").past.syncs == (sync(1),)
    store.close()


def test_syncs_before_the_calendar_of_microseconds_are_kept(tmp_path: Path) -> None:
    store = Surroundings().open(tmp_path)
    early = Progress(1, datetime.min.replace(tzinfo=START.tzinfo))
    store.add_to_past("w", "a", (), early)
    assert store.load_past("w", "a").progress == early
    store.close()
