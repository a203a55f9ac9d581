"""Files that are no state of ours, or no longer: set aside, said, begun anew. A newer one is left alone."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.state.codec import encode_time
from exporter.state.schema import MIGRATIONS
from exporter.state.sqlite import FILE_NAME
from exporter.state.statefile import MOST
from exporter.state.store import KEPT_FOR
from tests.kept import START, Surroundings, files, no_privileges, state

PAGE = 4096
NEWER = len(MIGRATIONS) + 1


def used(directory: Path, states: int = 100) -> Path:
    """A state file of some pages, as a closed store leaves it."""
    store = Surroundings().open(directory)
    for number in range(states):
        store.commit("w", f"id-{number}", state(number))
    store.close()
    return directory / FILE_NAME


def killed(directory: Path, states: int = 100) -> Path:
    """The same as a killed process leaves it, with all states in the log of changes only."""
    store = Surroundings().open(directory / "living")
    for number in range(states):
        store.commit("w", f"id-{number}", state(number))
    for name, content in files(directory / "living").items():
        (directory / name).write_bytes(content)
    store.close()
    assert (directory / f"{FILE_NAME}-wal").stat().st_size > 100 * PAGE
    return directory / FILE_NAME


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def no_database(path: Path) -> None:
    path.write_text("workspaces:\n  - name: production\n" * 100)


def corrupt_header(path: Path) -> None:
    overwrite(used(path.parent), 0, b"\xff" * 100)


def garbage_in_the_middle(path: Path) -> None:
    overwrite(used(path.parent), path.stat().st_size // PAGE // 2 * PAGE, b"\xa5" * 3 * PAGE)


def garbage_in_the_tree(path: Path) -> None:
    overwrite(used(path.parent), PAGE, b"\x5a" * PAGE)


def truncated(path: Path) -> None:
    content = used(path.parent).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def a_stump(path: Path) -> None:
    path.write_bytes(used(path.parent).read_bytes()[:50])


def foreign_database(path: Path) -> None:
    sql(path, "PRAGMA application_id = 77", "CREATE TABLE account (id)", "INSERT INTO account VALUES (1)")


def nameless_database(path: Path) -> None:
    sql(path, "CREATE TABLE account (id)")


def tables_missing(path: Path) -> None:
    sql(used(path.parent), "DROP TABLE integration")


def columns_missing(path: Path) -> None:
    sql(used(path.parent), "ALTER TABLE integration RENAME COLUMN ledger TO ledgers")


def no_byte(path: Path) -> None:
    used(path.parent).write_bytes(b"")


def no_table(path: Path) -> None:
    sql(path, "PRAGMA journal_mode = WAL")


DAMAGES = [
    no_byte,
    no_table,
    no_database,
    corrupt_header,
    garbage_in_the_middle,
    garbage_in_the_tree,
    truncated,
    a_stump,
    foreign_database,
    nameless_database,
    tables_missing,
    columns_missing,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = tmp_path / FILE_NAME
    damage(path)
    damaged = path.read_bytes()
    around = Surroundings()
    store = around.open(tmp_path)
    assert store.load("w") == {}
    assert around.persistent
    assert around.failures == 1
    aside = tmp_path / f"{FILE_NAME}.damaged-20260101T123015Z"
    assert aside.read_bytes() == damaged
    (line,) = around.said()
    assert line.startswith('level=error msg="the state file is damaged; it is set aside and a new one started"')
    assert f"aside={aside}" in line
    assert "reason=" in line
    store.commit("w", "a", state(1))
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": state(1)}
    assert around.said() == []
    again.close()


def test_a_directory_in_its_place_is_set_aside_as_well(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME / "precious").mkdir(parents=True)
    around = Surroundings()
    store = around.open(tmp_path)
    assert around.persistent
    assert (tmp_path / f"{FILE_NAME}.damaged-20260101T123015Z" / "precious").is_dir()
    store.close()


def test_what_belongs_to_the_damaged_file_goes_with_it(tmp_path: Path) -> None:
    used(tmp_path / "living")
    living = Surroundings().open(tmp_path / "living")
    living.commit("w", "id-1", state(200))
    for name, content in files(tmp_path / "living").items():
        (tmp_path / name).write_bytes(content)
    living.close()
    overwrite(tmp_path / FILE_NAME, 0, b"\xff" * 2 * PAGE)
    before = files(tmp_path)
    around = Surroundings()
    store = around.open(tmp_path)
    assert store.load("w") == {}
    store.commit("w", "a", state(1))
    after = files(tmp_path)
    assert after[f"{FILE_NAME}.damaged-20260101T123015Z"] == before[FILE_NAME]
    assert after[f"{FILE_NAME}.damaged-20260101T123015Z-wal"] == before[f"{FILE_NAME}-wal"]
    store.close()


def test_a_log_of_changes_that_has_every_page_makes_up_for_a_damaged_file(tmp_path: Path) -> None:
    overwrite(killed(tmp_path), 0, b"\xff" * 100)
    around = Surroundings()
    store = around.open(tmp_path)
    assert store.load("w") == {f"id-{number}": state(number) for number in range(100)}
    assert around.said() == []
    store.close()


def test_two_damages_in_one_second_are_both_kept(tmp_path: Path) -> None:
    for content in ("one", "two", "three"):
        (tmp_path / FILE_NAME).write_text(content)
        Surroundings().open(tmp_path).close()
    aside = f"{FILE_NAME}.damaged-20260101T123015Z"
    kept = files(tmp_path)
    assert [kept[aside], kept[f"{aside}-1"], kept[f"{aside}-2"]] == [b"one", b"two", b"three"]


def test_a_disk_that_damages_every_file_is_not_filled_with_them(tmp_path: Path) -> None:
    around = Surroundings()
    for _ in range(MOST):
        (tmp_path / FILE_NAME).write_text("no database")
        around.open(tmp_path).close()
    around.said()
    (tmp_path / FILE_NAME).write_text("no database")
    store = around.open(tmp_path)
    assert around.persistent is False
    (line,) = around.said()
    assert f"{MOST} damaged state files are set aside already" in line
    assert (tmp_path / FILE_NAME).read_text() == "no database"
    store.close()


def test_a_log_of_changes_cut_off_anywhere_leaves_an_earlier_state(tmp_path: Path) -> None:
    path = killed(tmp_path)
    log = path.with_name(f"{FILE_NAME}-wal")
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size // 2 + 123)
    around = Surroundings()
    store = around.open(tmp_path)
    found = store.load("w")
    assert 0 < len(found) < 100
    assert found == {f"id-{number}": state(number) for number in range(len(found))}
    assert around.said() == []
    store.close()


def test_the_log_of_an_empty_file_is_kept_with_it(tmp_path: Path) -> None:
    """As a power cut can leave them; the log has what the file has lost."""
    killed(tmp_path).write_bytes(b"")
    log = (tmp_path / f"{FILE_NAME}-wal").read_bytes()
    store = Surroundings().open(tmp_path)
    assert store.load("w") == {}
    assert (tmp_path / f"{FILE_NAME}.damaged-20260101T123015Z-wal").read_bytes() == log
    store.close()


def test_the_log_of_a_file_that_is_gone_is_not_believed(tmp_path: Path) -> None:
    killed(tmp_path).unlink()
    around = Surroundings()
    store = around.open(tmp_path)
    assert store.load("w") == {}
    assert around.persistent
    assert around.said() == []
    store.close()


def test_a_process_killed_while_it_creates_the_file_leaves_nothing_behind(tmp_path: Path) -> None:
    for suffix in ("", "-wal"):
        (tmp_path / f"{FILE_NAME}.new{suffix}").write_bytes(b"half a page")
    around = Surroundings()
    store = around.open(tmp_path)
    assert around.persistent
    assert around.said() == []
    store.close()
    assert set(files(tmp_path)) == {FILE_NAME, "state.lock"}


DAMAGED_ROWS = {
    "another digit": "UPDATE integration SET ledger = CAST(replace(CAST(ledger AS TEXT), '1003', '1004') AS BLOB) {}",
    "another name": "UPDATE integration SET integration_id = 'id-300' {}",
    "no text": "UPDATE integration SET integration_id = CAST(x'ff80' AS TEXT) {}",
    "no ledger": "UPDATE integration SET ledger = 5 {}",
    "no time": "UPDATE integration SET judged_at = 'soon' {}",
    "time beyond the calendar": "UPDATE integration SET judged_at = 9000000000000000000 {}",
    "no facts": "UPDATE integration SET facts = 'null' {}",
    "half the facts": "UPDATE integration SET facts = substr(facts, 1, 100) {}",
    "a fact that is missing": "UPDATE integration SET facts = json_remove(facts, '$.had_schedule') {}",
    "a fact of another kind": "UPDATE integration SET facts = json_set(facts, '$.paused', 'yes') {}",
    "a status that is none": "UPDATE integration SET facts = json_set(facts, '$.listed[8]', 'odd') {}",
    "facts of a later format": "UPDATE integration SET facts = json_set(facts, '$.format', 3) {}",
}


@pytest.mark.parametrize("change", DAMAGED_ROWS.values(), ids=DAMAGED_ROWS)
def test_a_damaged_row_costs_its_integration_and_no_other(tmp_path: Path, change: str) -> None:
    path = used(tmp_path)
    sql(path, change.format("WHERE integration_id = 'id-3'"))
    around = Surroundings()
    store = around.open(tmp_path)
    assert store.load("w") == {f"id-{number}": state(number) for number in range(100) if number != 3}
    assert around.persistent
    (line,) = around.said()
    assert line.startswith('level=error msg="a damaged state is set aside; its integration starts over"')
    assert "workspace=w" in line
    store.commit("w", "id-3", state(3))
    store.close()
    assert not [name for name in files(tmp_path) if "damaged" in name]
    with closing(sqlite3.connect(path)) as connection:
        ((reason, found_at),) = connection.execute("SELECT reason, found_at FROM damaged_integration").fetchall()
    assert reason.replace('"', '\\"') in line
    assert found_at == encode_time(START)
    assert "in the table `damaged_integration`" in Path("docs/state.md").read_text(encoding="utf-8")
    again = around.open(tmp_path)
    assert again.load("w") == {f"id-{number}": state(number) for number in range(100)}
    assert around.said() == []
    again.close()


def test_damaged_rows_are_kept_as_long_as_states(tmp_path: Path) -> None:
    path = used(tmp_path)
    sql(path, "UPDATE integration SET ledger = x'00' WHERE integration_id = 'id-3'")
    store = Surroundings().open(tmp_path)
    counts = []
    for days in (KEPT_FOR, KEPT_FOR + timedelta(seconds=1)):
        store.forget_older(START + days, in_use=())
        store.close()
        with closing(sqlite3.connect(path)) as connection:
            counts.append(connection.execute("SELECT count(*) FROM damaged_integration").fetchone()[0])
        store = Surroundings().open(tmp_path)
    assert counts == [1, 0]
    store.close()


@pytest.mark.parametrize("make", [used, killed])
def test_a_newer_file_is_not_changed_by_a_byte(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    if make is used:
        sql(path, f"PRAGMA user_version = {NEWER}", "ALTER TABLE integration ADD COLUMN future")
    else:  # the newer exporter's mark is in the log of changes only
        with closing(sqlite3.connect(path, isolation_level=None)) as newer:
            newer.execute(f"PRAGMA user_version = {NEWER}")
            left_by_it = files(tmp_path)
        for name, content in left_by_it.items():
            (tmp_path / name).write_bytes(content)
    before = files(tmp_path)
    around = Surroundings()
    store = around.open(tmp_path)
    assert around.persistent is False
    (line,) = around.said()
    assert line.startswith('level=warn msg="the state is in memory only, and will be lost at a restart"')
    assert f"a newer exporter wrote it: schema {NEWER}, this one knows up to {NEWER - 1}" in line
    store.commit("w", "a", state(1))
    around.a_minute_passes()
    store.commit("w", "b", state(2))
    assert store.load("w") == {"a": state(1), "b": state(2)}
    assert around.said() == []
    store.close()
    after = files(tmp_path)
    after.pop("state.lock"), before.pop("state.lock", None)
    assert after == before


def test_a_file_that_cannot_be_set_aside_is_left_and_memory_is_used(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    Surroundings().open(tmp_path).close()
    path.write_text("no database")
    around = Surroundings()
    tmp_path.chmod(0o555)
    try:
        with no_privileges():
            store = around.open(tmp_path)
    finally:
        tmp_path.chmod(0o755)
    assert around.persistent is False
    assert path.read_text() == "no database"
    store.commit("w", "a", state(1))
    around.a_minute_passes()
    store.commit("w", "b", state(2))
    assert around.persistent
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": state(1), "b": state(2)}
    again.close()
