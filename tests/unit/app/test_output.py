import os
from pathlib import Path

import pytest

from exporter.app.output import OutputError, check_creatable, check_replaceable, create_files, replace_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "page"
    file.write_text("old")
    file.chmod(0o640)
    return file


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def put(path: Path, content: bytes = b"new") -> None:
    with replace_file(path) as stream:
        stream.write(content)


def test_a_file_is_replaced_in_one_step_and_keeps_its_mode(file: Path) -> None:
    with file.open() as reader:
        put(file)
        assert reader.read() == "old"
    assert (file.read_text(), file.stat().st_mode & 0o777, names(file.parent)) == ("new", 0o640, ["page"])


def test_a_new_file_can_be_read_by_all(tmp_path: Path) -> None:
    put(tmp_path / "page")
    assert ((tmp_path / "page").stat().st_mode & 0o777, names(tmp_path)) == (0o644, ["page"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError(), OSError(28, "No space left on device")])
def test_what_was_there_stays_when_the_content_does_not_come(file: Path, error: BaseException) -> None:
    def begin() -> None:
        with replace_file(file) as stream:
            stream.write(b"half of it")
            raise error

    with pytest.raises((type(error), OutputError)):
        begin()
    assert (file.read_text(), names(file.parent)) == ("old", ["page"])


def test_a_link_stays_and_what_it_leads_to_is_replaced(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to("page")
    check_replaceable(link)
    put(link)
    assert link.is_symlink()
    assert (file.read_text(), names(file.parent)) == ("new", ["link", "page"])


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_replaceable(pipe)  # without a reader yet: it does not wait for one
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        put(pipe)
        assert os.read(reader, 100) == b"new"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_looking_whether_a_file_can_be_replaced_changes_nothing(file: Path) -> None:
    for path in (file, file.with_name("other"), Path("/dev/null")):
        check_replaceable(path)
    assert (file.read_text(), names(file.parent)) == ("old", ["page"])


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("missing/page", "missing/page cannot be written: No such file or directory; name a directory that exists"),
        ("page/page", "page/page cannot be written: Not a directory; name a directory that exists"),
        (".", ". cannot be written: Is a directory; name a file in it"),
    ],
)
def test_a_place_that_is_none_is_told_beforehand_and_when_writing(
    file: Path, monkeypatch: pytest.MonkeyPatch, place: str, told: str
) -> None:
    monkeypatch.chdir(file.parent)
    for attempt in (check_replaceable, put):
        with pytest.raises(OutputError) as error:
            attempt(Path(place))
        assert str(error.value) == told
    assert names(file.parent) == ["page"]


def test_no_room_is_told() -> None:
    check_replaceable(Path("/dev/full"))
    with pytest.raises(OutputError, match=r"^/dev/full cannot be written: No space left on device; make room"):
        put(Path("/dev/full"))


def test_files_are_created_all_or_none(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("old")
    with pytest.raises(OutputError, match="b cannot be written: File exists; nothing is overwritten"):
        create_files(tmp_path, {"a": "new", "b": "new"})
    assert (names(tmp_path), (tmp_path / "b").read_text()) == (["b"], "old")
    create_files(tmp_path, {"a": "néw", "c": ""})
    assert (names(tmp_path), (tmp_path / "a").read_bytes()) == (["a", "b", "c"], "néw".encode())


def test_whether_files_can_be_created_is_known_before(tmp_path: Path) -> None:
    check_creatable(tmp_path, ["a"])
    (tmp_path / "a").write_text("old")
    with pytest.raises(OutputError, match="File exists"):
        check_creatable(tmp_path, ["b", "a"])
    with pytest.raises(OutputError, match="name a directory that exists"):
        check_creatable(tmp_path / "missing", ["a"])
