import os
from pathlib import Path

import pytest

from exporter.config.files import MAX_CONFIG_BYTES, ConfigWatch, file_signature


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text("one")
    return file


def test_a_file_that_stays_is_no_change(file: Path) -> None:
    watched = ConfigWatch(str(file))
    assert [watched.changed() for _ in range(4)] == [False] * 4


def test_a_change_is_told_once(file: Path) -> None:
    watched = ConfigWatch(str(file))
    file.write_text("another")
    assert [watched.changed() for _ in range(4)] == [True, False, False, False]


def test_a_file_that_was_touched_is_no_change(file: Path) -> None:
    watched = ConfigWatch(str(file))
    os.utime(file, ns=(1, 1))
    assert not watched.changed()


def test_a_file_replaced_by_one_of_the_same_content_is_no_change(file: Path) -> None:
    watched = ConfigWatch(str(file))
    other = file.with_name("other")
    other.write_text("one")
    other.replace(file)
    assert not watched.changed()


def test_a_config_map_that_swaps_its_links_is_followed(tmp_path: Path) -> None:
    for name, content in (("..1", "one"), ("..2", "two"), ("..3", "two")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(content)
    file = tmp_path / "config.yaml"
    file.symlink_to("..data/config.yaml")
    (tmp_path / "..data").symlink_to("..1")
    watched = ConfigWatch(str(file))
    told = []
    for name in ("..2", "..3", "..1"):
        (tmp_path / "new").symlink_to(name)
        (tmp_path / "new").replace(tmp_path / "..data")
        told.append(watched.changed())
    assert told == [True, False, True]


def write_within_one_tick(file: Path, watched: ConfigWatch) -> None:
    """Write the file as if the file system's clock had not moved since the last look."""
    file.write_text("two")
    watched._signature = file_signature(file.stat())


def test_a_second_write_within_one_tick_of_the_file_system_is_seen(file: Path) -> None:
    watched = ConfigWatch(str(file))
    write_within_one_tick(file, watched)
    assert watched.changed()


def test_a_file_whose_status_stays_is_not_read_again_and_again(file: Path) -> None:
    watched = ConfigWatch(str(file))
    watched.changed()
    write_within_one_tick(file, watched)
    assert not watched.changed()


def test_a_file_that_is_missing_for_a_moment_is_no_change(file: Path) -> None:
    watched = ConfigWatch(str(file))
    file.unlink()
    assert not watched.changed()
    file.write_text("one")
    assert not watched.changed()


def test_a_file_that_stays_away_is_one_change_and_its_return_another(file: Path) -> None:
    watched = ConfigWatch(str(file))
    file.unlink()
    assert [watched.changed() for _ in range(4)] == [False, True, False, False]
    file.write_text("one")
    assert [watched.changed() for _ in range(2)] == [True, False]


def test_a_file_that_comes_later_is_a_change(tmp_path: Path) -> None:
    watched = ConfigWatch(str(tmp_path / "config.yaml"))
    assert [watched.changed() for _ in range(3)] == [False] * 3
    (tmp_path / "config.yaml").write_text("")
    assert watched.changed()


def test_what_is_no_file_to_be_read_does_not_raise(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(bytes(MAX_CONFIG_BYTES + 1))
    for path in (str(tmp_path), str(tmp_path / "pipe"), str(tmp_path / "large"), "a\0b", "/dev/null/x"):
        assert not ConfigWatch(path).changed()
