"""How an older file becomes a current one, by tables of migrations made up for the test."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exporter.state.errors import DamagedError, NewerSchemaError
from exporter.state.schema import APPLICATION_ID, MIGRATIONS
from exporter.state.statefile import StateFile
from tests.kept import files, full_disk, state

ONE_MORE = (*MIGRATIONS, ("ALTER TABLE integration ADD COLUMN shade TEXT NOT NULL DEFAULT 'grey'",))
TWO_MORE = (*ONE_MORE, ("CREATE TABLE extra (id)", "INSERT INTO extra SELECT id FROM integration"))
STATES = [(("w", f"id-{number}"), state(number)) for number in range(10)]


def present_schema(directory: Path) -> Path:
    path = directory / "state.sqlite"
    file = StateFile.open(path)
    file.write_all(STATES)
    file.close()
    return path


def asked(path: Path, question: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(question).fetchall()


def test_a_new_file_says_whose_it_is_and_which_schema_it_has(tmp_path: Path) -> None:
    path = present_schema(tmp_path)
    assert asked(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert asked(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]


def test_an_older_file_takes_every_step_and_keeps_its_states(tmp_path: Path) -> None:
    path = present_schema(tmp_path)
    file = StateFile.open(path, TWO_MORE)
    assert file.read().states == dict(STATES)
    assert not file.begun
    file.close()
    assert asked(path, "PRAGMA user_version") == [(len(MIGRATIONS) + 2,)]
    assert asked(path, "SELECT DISTINCT shade FROM integration") == [("grey",)]
    assert asked(path, "SELECT count(*) FROM extra") == [(10,)]


def test_a_step_is_taken_once(tmp_path: Path) -> None:
    path = present_schema(tmp_path)
    StateFile.open(path, ONE_MORE).close()
    file = StateFile.open(path, TWO_MORE)
    assert file.read().states == dict(STATES)
    file.close()


def test_a_step_that_fails_takes_back_those_before_it(tmp_path: Path) -> None:
    path = present_schema(tmp_path)
    with pytest.raises(DamagedError):
        StateFile.open(path, (*TWO_MORE, ("INSERT INTO nowhere VALUES (1)",)))
    assert asked(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert asked(path, "SELECT count(*) FROM sqlite_master WHERE name = 'extra'") == [(0,)]


def test_a_disk_too_full_for_the_steps_leaves_the_older_file_whole(tmp_path: Path) -> None:
    path = present_schema(tmp_path)
    with full_disk(), pytest.raises(Exception, match="SQLite says"):
        StateFile.open(path, ONE_MORE)
    file = StateFile.open(path)
    assert file.read().states == dict(STATES)
    file.close()


def test_the_file_of_a_newer_exporter_is_left_alone_after_its_migration(tmp_path: Path) -> None:
    path = present_schema(tmp_path)
    StateFile.open(path, ONE_MORE).close()
    before = files(tmp_path)
    with pytest.raises(NewerSchemaError, match=f"schema {len(ONE_MORE)}, this one knows up to {len(MIGRATIONS)}"):
        StateFile.open(path)
    assert files(tmp_path) == before
