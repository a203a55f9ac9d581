"""A disk that cannot be written, for a while or for good: the store goes on in memory and loses nothing."""

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.state.sqlite import FILE_NAME
from tests.kept import START, Surroundings, files, full_disk, no_privileges, read_only, state

IN_MEMORY = 'level=warn msg="the state is in memory only, and will be lost at a restart"'
BACK = 'level=info msg="the state is on disk again"'


def test_a_full_disk_costs_nothing_once_it_has_room_again(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "before", state(1))
    with full_disk():
        store.commit("w", "while", state(2))
        assert around.persistent is False
        assert around.failures == 1
        store.commit("w", "before", state(3))
        assert around.failures == 1
        (line,) = around.said()
        assert line.startswith(IN_MEMORY)
        around.a_minute_passes()
        store.commit("v", "while", state(4))
        assert around.failures == 2
        assert around.said() == []
    assert store.load("w") == {"before": state(3), "while": state(2)}
    around.a_minute_passes()
    store.commit("w", "after", state(5))
    assert around.persistent
    (line,) = around.said()
    assert line.startswith(BACK)
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"before": state(3), "while": state(2), "after": state(5)}
    assert again.load("v") == {"while": state(4)}
    again.close()


def test_the_disk_is_tried_again_every_five_seconds(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    with full_disk():
        for second in range(16):
            store.commit("w", "a", state(second))
            around.time += timedelta(seconds=1)
    assert around.failures == 4
    store.close()


def test_the_state_is_on_disk_soon_after_it_has_room_again_without_any_news(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    with full_disk():
        store.commit("w", "a", state(1))
    around.time += timedelta(seconds=5)
    store.look_after()
    assert around.persistent
    assert [line.startswith((IN_MEMORY, BACK)) for line in around.said()] == [True, True]
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": state(1)}
    again.close()


@pytest.mark.parametrize("harm", ["emptied", "replaced", "removed"])
def test_a_folder_that_was_changed_behind_our_back_is_noticed_without_any_news(tmp_path: Path, harm: str) -> None:
    around = Surroundings()
    folder = tmp_path / "state"
    store = around.open(folder)
    store.commit("w", "a", state(1))
    store.look_after()
    assert around.said() == []
    if harm == "emptied":
        for path in folder.iterdir():
            path.unlink()
    else:
        shutil.move(folder, tmp_path / "elsewhere")
        if harm == "replaced":
            folder.mkdir()
    store.look_after()
    told = around.said()
    assert told[0].startswith(IN_MEMORY)
    assert told[-1].startswith(BACK)
    store.close()
    again = around.open(folder)
    assert again.load("w") == {"a": state(1)}
    again.close()


def test_a_clock_that_was_set_back_does_not_lengthen_the_pause(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    with full_disk():
        store.commit("w", "a", state(1))
    around.time -= timedelta(days=300)
    store.commit("w", "a", state(2))
    assert around.persistent
    store.close()


def test_closing_tries_the_disk_a_last_time(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    with full_disk():
        store.commit("w", "a", state(1))
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": state(1)}
    again.close()


def test_a_disk_that_is_full_from_the_start_is_used_when_it_has_room(tmp_path: Path) -> None:
    around = Surroundings()
    with full_disk():
        store = around.open(tmp_path)
        assert around.persistent is False
        store.commit("w", "a", state(1))
    around.a_minute_passes()
    store.commit("w", "a", state(2))
    assert around.persistent
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": state(2)}
    again.close()


@pytest.mark.parametrize("room", [4096 * pages for pages in range(8)])
def test_a_disk_that_fills_up_at_any_page_leaves_a_whole_file(tmp_path: Path, room: int) -> None:
    around = Surroundings()
    with full_disk(room):
        store = around.open(tmp_path)
        for number in range(5):
            store.commit("w", f"id-{number}", state(number))
        before_the_kill = files(tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name, content in before_the_kill.items():
        (copy / name).write_bytes(content)
    around.said()
    after_the_kill = around.open(copy)
    found = after_the_kill.load("w")
    assert found == {f"id-{number}": state(number) for number in range(len(found))}
    assert around.persistent
    assert around.said() == []
    after_the_kill.close()
    store.close()


def test_a_read_only_disk_still_tells_what_was_counted(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "a", state(1))
    store.commit("w", "b", state(2))
    store.close()
    before = files(tmp_path)
    with read_only(tmp_path):
        store = around.open(tmp_path)
        assert around.persistent is False
        assert around.failures == 1
        assert store.load("w") == {"a": state(1), "b": state(2)}
        in_memory, read = around.said()
        assert in_memory.startswith(IN_MEMORY)
        assert read.startswith('level=info msg="the state was read from disk after all"')
        store.commit("w", "b", state(3))
        store.commit("w", "c", state(4))
        assert files(tmp_path) == before
    around.a_minute_passes()
    store.commit("w", "d", state(5))
    assert around.persistent
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": state(1), "b": state(3), "c": state(4), "d": state(5)}
    again.close()


def test_a_read_only_disk_is_read_with_the_log_that_a_kill_has_left(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path / "living")
    store.commit("w", "a", state(1))
    left = tmp_path / "left"
    left.mkdir()
    for name, content in files(tmp_path / "living").items():
        (left / name).write_bytes(content)
    store.close()
    before = files(left)
    with read_only(left):
        store = around.open(left)
        assert store.load("w") == {"a": state(1)}
        store.close()
        assert files(left) == before


def test_a_file_that_may_not_even_be_read_costs_a_beginning_in_memory(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "a", state(1))
    store.commit("w", "b", state(2))
    store.close()
    path = tmp_path / FILE_NAME
    path.chmod(0)
    with no_privileges():
        store = around.open(tmp_path)
        assert store.load("w") == {}
        assert around.persistent is False
    path.chmod(0o644)
    store.commit("w", "a", state(3))
    around.a_minute_passes()
    store.commit("w", "c", state(4))
    # What was shown since stays; what only the disk knew comes back.
    assert store.load("w") == {"a": state(3), "b": state(2), "c": state(4)}
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": state(3), "b": state(2), "c": state(4)}
    again.close()


@pytest.mark.parametrize("path", ["/proc/no/such", "a-file/data", "a-file"])
def test_a_path_that_cannot_be_a_directory_costs_persistence_only(tmp_path: Path, path: str) -> None:
    (tmp_path / "a-file").touch()
    around = Surroundings()
    store = around.open(tmp_path / path)
    assert around.persistent is False
    (line,) = around.said()
    assert line.startswith(IN_MEMORY)
    store.commit("w", "a", state(1))
    store.forget_older(START + timedelta(days=31), in_use=())
    assert store.load("w") == {}
    store.close()


def test_a_working_directory_that_was_removed_costs_persistence_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "removed"
    directory.mkdir()
    monkeypatch.chdir(directory)
    directory.rmdir()
    around = Surroundings()
    store = around.open(Path("data"))
    assert around.persistent is False
    (line,) = around.said()
    assert line.startswith(IN_MEMORY)
    store.close()


def test_who_gets_the_disk_later_does_not_take_it_from_another_exporter(tmp_path: Path) -> None:
    around = Surroundings()
    data = tmp_path / "data"
    data.touch()
    early = around.open(data)
    data.unlink()
    late = Surroundings()
    holder = late.open(data)
    around.said()
    around.a_minute_passes()
    early.commit("w", "a", state(1))
    assert around.persistent is False
    (line,) = around.said()
    assert "in use by another exporter" in line
    holder.commit("w", "b", state(2))
    holder.close()
    assert late.persistent is True
    early.close()
    again = around.open(data)
    assert again.load("w") == {"a": state(1), "b": state(2)}
    again.close()


def test_a_removed_directory_is_made_again_with_everything(tmp_path: Path) -> None:
    around = Surroundings()
    data = tmp_path / "data"
    store = around.open(data)
    store.commit("w", "a", state(1))
    store.commit("w", "b", state(2))
    shutil.rmtree(data)
    store.commit("w", "a", state(3))
    assert around.persistent is False
    around.a_minute_passes()
    store.commit("w", "a", state(4))
    assert around.persistent
    with pytest.raises(Exception, match="in use by another exporter"):
        around.open(data)
    store.close()
    again = around.open(data)
    assert again.load("w") == {"a": state(4), "b": state(2)}
    again.close()


def test_of_a_backup_put_in_place_only_what_is_not_known_is_taken_over(tmp_path: Path) -> None:
    around = Surroundings()
    backup = around.open(tmp_path / "backup")
    backup.commit("w", "a", state(1))
    backup.commit("w", "gone", state(2))
    backup.close()
    store = around.open(tmp_path / "data")
    store.commit("w", "a", state(3))
    store.commit("w", "b", state(4))
    shutil.rmtree(tmp_path / "data")
    (tmp_path / "backup").rename(tmp_path / "data")
    store.commit("w", "b", state(5))
    around.a_minute_passes()
    store.commit("w", "c", state(6))
    assert around.persistent
    expected = {"a": state(3), "b": state(5), "c": state(6), "gone": state(2)}
    assert store.load("w") == expected
    store.close()
    again = around.open(tmp_path / "data")
    assert again.load("w") == expected
    again.close()


def test_another_program_in_the_file_does_not_hide_what_was_counted(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "a", state(1))
    store.close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        store = around.open(tmp_path)
        assert around.persistent is False
        assert store.load("w") == {"a": state(1)}
        store.commit("w", "a", state(2))
    around.a_minute_passes()
    store.commit("w", "b", state(3))
    assert around.persistent
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {"a": state(2), "b": state(3)}
    again.close()


def test_damage_while_in_use_is_set_aside_with_nothing_lost(tmp_path: Path) -> None:
    around = Surroundings()
    many = 2000  # more than SQLite keeps in its memory
    store = around.open(tmp_path)
    for number in range(many):
        store.commit("w", f"id-{number}", state(number))
    store.close()
    store = around.open(tmp_path)
    path = tmp_path / FILE_NAME
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    for number in range(many):
        store.commit("w", f"id-{number}", state(number + 1))
    assert around.failures == 1
    assert not around.persistent
    around.a_minute_passes()
    store.commit("w", "another", state(0))
    assert around.persistent
    assert any("the state file is damaged" in line for line in around.said())
    store.close()
    again = around.open(tmp_path)
    assert again.load("w") == {f"id-{number}": state(number + 1) for number in range(many)} | {"another": state(0)}
    again.close()


def test_a_write_that_fails_while_forgetting_is_trouble_like_any_other(tmp_path: Path) -> None:
    around = Surroundings()
    store = around.open(tmp_path)
    store.commit("w", "a", state(1))
    with full_disk():
        store.forget_older(START + timedelta(days=31), in_use=())
    assert around.persistent is False
    assert store.load("w") == {}
    store.close()
