"""A file of the first schema, as the exporters wrote it that kept no facts: every part of it is read."""

import json
import sqlite3
import zlib
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.domain.expected_run import ExpectedRun
from exporter.domain.integration_state import IntegrationState, Since
from exporter.domain.ledger import Ledger, Tail
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Sync, SyncStatus, Totals
from exporter.state.schema import APPLICATION_ID, MIGRATIONS
from exporter.state.sqlite import FILE_NAME
from tests.kept import Surroundings, full_disk, read_only

SCHEMA = (
    """
    CREATE TABLE account (
        id INTEGER PRIMARY KEY,
        workspace TEXT NOT NULL,
        integration_id TEXT NOT NULL,
        heard_at INTEGER NOT NULL,
        expected_run_at INTEGER,
        properties TEXT,
        record BLOB NOT NULL,
        checksum INTEGER NOT NULL,
        UNIQUE (workspace, integration_id)
    )
    """,
    """
    CREATE TABLE damaged_account (
        id INTEGER PRIMARY KEY,
        workspace, integration_id, heard_at, expected_run_at, properties, record, checksum,
        reason TEXT NOT NULL,
        found_at INTEGER NOT NULL
    )
    """,
    f"PRAGMA application_id = {APPLICATION_ID}",
    "PRAGMA user_version = 1",
)
INSERT = """
    INSERT INTO account (workspace, integration_id, heard_at, expected_run_at, properties, record, checksum)
    VALUES (CAST(?1 AS TEXT), CAST(?2 AS TEXT), ?3, ?4, ?5, ?6, ?7)
"""

SECOND = 1_000_000
NOON = 1_767_268_800 * SECOND  # 2026-01-01T12:00:00Z
RECORD = (
    b'{"recent":['
    b'[1767268740000000,"running",null,null,null,null],'
    b'[1767265140000000,"config_error",1767265200000000,1767265140123456,0,7],'
    b'[1767261540000000,"success",1767261600000000,1767261500000000,12,0]],'
    b'"tail_success":[1767175200000000,"success",1767175260000000,null,null,null],'
    b'"format":1,"baseline":1767110400000000,"anchor":1767265140000000,"running":[1767268740000000],'
    b'"tail":{"floor":1767178800000000,"failed_streak":3,"last_timestamp_synced":1767178000000000},'
    b'"totals":{"syncs":{"success":5,"partial":4,"error":3,"config_error":2,"unknown":1},'
    b'"rows_synced":9007199254740992,"rows_failed_with_errors":17,"duration_seconds":0.1},'
    b'"gaps":2,"history_known":true,"vanished":true,"attempts":4,"searched_at":1767268790000000}'
)


def at(seconds: float) -> datetime:
    return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(seconds=seconds)


LEDGER = Ledger(
    baseline=datetime(2025, 12, 30, 16, tzinfo=UTC),
    anchor=at(-3660),
    recent=(
        Sync(at(-60), SyncStatus.RUNNING),
        Sync(at(-3660), SyncStatus.CONFIG_ERROR, at(-3600), at(-3660) + timedelta(microseconds=123456), 0, 7),
        Sync(at(-7260), SyncStatus.SUCCESS, at(-7200), at(-7300), 12, 0),
    ),
    running=frozenset({at(-60)}),
    tail=Tail(
        floor=at(-90_000),
        failed_streak=3,
        success=Sync(at(-93_600), SyncStatus.SUCCESS, at(-93_540)),
        last_timestamp_synced=at(-90_800),
    ),
    totals=Totals((5, 4, 3, 2, 0, 1), 2**53, 17, 0.1),
    gaps=2,
    history_known=True,
    vanished=True,
    attempts=4,
    searched_at=at(-10),
)
"""What RECORD says; `limit_exceeded` was not a status then."""
BARE = IntegrationState(at(0), LEDGER, judged_at=at(0))


def listed(*texts: str) -> ListedIntegration:
    name, kind, warehouse, group, status = [*texts, ""][:5]
    return ListedIntegration("", name, kind, status, warehouse, group, next_run_told=False)


ACTIVE = ("users \udcff", "snowflake_table", "snowflake", "group", "active")
PAUSED = ("users", "", "", "", "Paused")
ROWS: dict[str, tuple[int | None, tuple[str, ...] | None, IntegrationState]] = {
    "nothing but a ledger": (None, None, BARE),
    "listed by an older version without a status": (
        None,
        ("users", "", "snowflake", ""),
        replace(BARE, listed=listed("users", "", "snowflake", "")),
    ),
    "listed by an older version with a status": (
        NOON + 60 * SECOND,
        ACTIVE,
        replace(BARE, listed=listed(*ACTIVE), expected=ExpectedRun(at(60), announced=False)),
    ),
    "expected by its interval": (
        NOON + 60 * SECOND,
        (*ACTIVE, ""),
        replace(BARE, listed=listed(*ACTIVE), expected=ExpectedRun(at(60), announced=False)),
    ),
    "expected by its interval, not listed": (
        NOON - 60 * SECOND,
        None,
        replace(BARE, expected=ExpectedRun(at(-60), announced=False)),
    ),
    "expected by an announcement": (
        NOON + 60 * SECOND,
        (*ACTIVE, "announcement"),
        replace(BARE, listed=listed(*ACTIVE), expected=ExpectedRun(at(60), announced=True), had_schedule=True),
    ),
    "paused": (
        None,
        (*PAUSED, ""),
        replace(BARE, listed=listed(*PAUSED), paused=Since(at(0), at_first_sight=True)),
    ),
}


def row(
    name: str,
    expected_run_at: object = None,
    properties: object = None,
    *,
    record: bytes = RECORD,
    heard_at: object = NOON,
) -> tuple[Any, ...]:
    """A row as that version wrote it; properties that are no tuple are written as they are."""
    text = json.dumps(properties) if isinstance(properties, tuple) else properties
    checksum = zlib.crc32(record, zlib.crc32(b"%d %b %b" % (1, b"w", name.encode())))
    return b"w", name.encode(), heard_at, expected_run_at, text, record, checksum


def write(directory: Path, *rows: tuple[Any, ...]) -> Path:
    """Write a file of the first schema."""
    path = directory / FILE_NAME
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        for values in rows:
            connection.execute(INSERT, values)
    return path


def asked(path: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


def test_every_part_of_every_row_is_read_and_kept(tmp_path: Path) -> None:
    path = write(tmp_path, *(row(name, *columns) for name, (*columns, _) in ROWS.items()))
    expected = {name: state for name, (*_, state) in ROWS.items()}
    around = Surroundings()
    store = around.open(tmp_path)
    assert store.load("w") == expected
    store.close()
    assert asked(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert asked(path, "SELECT name FROM sqlite_master WHERE name LIKE '%account%'") == []
    again = around.open(tmp_path)
    assert again.load("w") == expected
    assert around.persistent
    assert around.said() == []
    again.close()


def test_a_state_of_the_first_schema_that_changes_is_kept_in_the_present_form(tmp_path: Path) -> None:
    write(tmp_path, row("a", NOON, (*ACTIVE, "announcement")), row("b"))
    store = Surroundings().open(tmp_path)
    later = replace(store.load("w")["a"], judged_at=at(90), expected=None)
    store.commit("w", "a", later)
    store.close()
    again = Surroundings().open(tmp_path)
    assert again.load("w") == {"a": later, "b": BARE}
    again.close()


DAMAGED = {
    "another digit in the record": (*row("bad")[:5], RECORD.replace(b'"gaps":2', b'"gaps":3'), row("bad")[6]),
    "no record": row("bad", record=b"5"),
    "a record of another format": row("bad", record=RECORD.replace(b'"format":1', b'"format":9')),
    "no time": row("bad", heard_at="soon"),
    "time beyond the calendar": row("bad", heard_at=9 * 10**18),
    "an expected run that is no time": row("bad", "soon"),
    "an expected run beyond the calendar": row("bad", 9 * 10**18),
    "properties that are no JSON": row("bad", None, '["users", '),
    "properties that are no list": row("bad", None, '{"name": "users"}'),
    "properties that are no texts": row("bad", None, '["users", "", "", 5]'),
    "too few properties": row("bad", None, '["users", "", ""]'),
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_row_is_set_aside_and_costs_no_other(tmp_path: Path, damaged: tuple[Any, ...]) -> None:
    path = write(tmp_path, row("before"), damaged, row("after"))
    around = Surroundings()
    store = around.open(tmp_path)
    assert store.load("w") == {"before": BARE, "after": BARE}
    assert around.persistent
    (line,) = around.said()
    assert line.startswith('level=error msg="a damaged state is set aside; its integration starts over"')
    assert "integration_id=bad" in line
    store.close()
    ((workspace, name, ledger),) = asked(path, "SELECT workspace, integration_id, ledger FROM damaged_integration")
    assert (workspace, name, ledger) == ("w", "bad", damaged[5])


def test_rows_that_were_set_aside_before_stay_aside(tmp_path: Path) -> None:
    path = write(tmp_path, row("a"))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO damaged_account (workspace, integration_id, heard_at, properties, record, checksum, reason,"
            " found_at) VALUES ('w', 'bad', ?1, '[]', x'00', 7, 'the checksum does not fit', ?2)",
            (NOON, NOON + 5),
        )
    Surroundings().open(tmp_path).close()
    aside = "workspace, integration_id, judged_at, facts, ledger, checksum, reason, found_at"
    assert asked(path, f"SELECT {aside} FROM damaged_integration") == [
        ("w", "bad", NOON, "[]", b"\0", 7, "the checksum does not fit", NOON + 5)
    ]


def test_a_disk_too_full_for_the_new_schema_leaves_the_older_file_whole(tmp_path: Path) -> None:
    path = write(tmp_path, row("a"))
    around = Surroundings()
    with full_disk():
        store = around.open(tmp_path)
        assert around.persistent is False
        store.close()
    assert asked(path, "SELECT integration_id FROM account") == [("a",)]
    again = around.open(tmp_path)
    assert again.load("w") == {"a": BARE}
    again.close()


def test_on_a_disk_that_cannot_be_written_an_older_file_is_not_read_and_not_changed(tmp_path: Path) -> None:
    path = write(tmp_path, row("a"))
    before = path.read_bytes()
    around = Surroundings()
    with read_only(tmp_path):
        store = around.open(tmp_path)
        assert around.persistent is False
        assert store.load("w") == {}
        assert any("lost at a restart" in line for line in around.said())
        store.close()
    assert path.read_bytes() == before
