import os
from pathlib import Path

import pytest

from exporter.config.errors import WrongValueError
from exporter.config.keys import FixedKey, KeyFile
from exporter.domain.errors import AuthError

OLD = "11111111-2222-3333-4444-555555555555"
NEW = "99999999-8888-7777-6666-555555555555"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "braze"
    path.write_text(f"\n  {OLD} \r\n")
    return path


def test_a_key_file_is_stripped_of_white_space(path: Path) -> None:
    assert KeyFile(str(path)).read() == OLD


def test_a_byte_order_mark_is_not_part_of_the_key(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + OLD.encode())
    assert KeyFile(str(path)).read() == OLD


def test_a_file_written_in_place_is_read_again(path: Path) -> None:
    key = KeyFile(str(path))
    path.write_text(NEW)
    assert key.read() == NEW


def test_a_file_that_was_replaced_is_read_again_even_with_its_old_times(path: Path) -> None:
    key = KeyFile(str(path))
    times = path.stat()
    other = path.with_name("other")
    other.write_text(f"\n  {NEW} \r\n")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    assert key.read() == NEW


def test_a_secret_volume_that_swaps_its_link_is_followed(tmp_path: Path) -> None:
    for name, content in (("one", OLD), ("two", NEW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "braze").write_text(content)
    (tmp_path / "data").symlink_to("one")
    key = KeyFile(str(tmp_path / "data" / "braze"))
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").replace(tmp_path / "data")
    assert key.read() == NEW


def test_a_file_that_looks_unchanged_is_read_again(path: Path) -> None:
    key = KeyFile(str(path))
    times = path.stat()
    path.write_text(f"\n  {NEW} \r\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert key.read() == NEW


def test_a_file_that_vanished_is_an_auth_error_until_it_is_back(path: Path) -> None:
    key = KeyFile(str(path))
    path.unlink()
    with pytest.raises(AuthError) as caught:
        key.read()
    assert str(caught.value) == f"the file {path} does not exist (create it or correct the path)"
    path.write_text(NEW)
    assert key.read() == NEW


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (f"{NEW}\n{NEW}".encode(), "contains white space, control or other characters that no key has"),
        (f"{NEW}\x00".encode(), "contains white space, control or other characters that no key has"),
        (f"{NEW}é".encode(), "contains white space, control or other characters that no key has"),
        (NEW.encode("utf-16"), "contains white space, control or other characters that no key has"),
        (b"\xff\xfe" + NEW.encode(), "contains white space, control or other characters that no key has"),
        (NEW.encode() * 200, "is larger than 4,096 bytes"),
    ],
)
def test_bad_content_is_an_auth_error_that_names_the_file_and_not_the_content(
    path: Path, content: bytes, problem: str
) -> None:
    key = KeyFile(str(path))
    path.write_bytes(content)
    with pytest.raises(AuthError) as caught:
        key.read()
    assert str(caught.value).startswith(f"the file {path} {problem} (")
    assert NEW not in str(caught.value)
    assert caught.value.__cause__ is None


def test_after_bad_content_the_old_key_is_not_used_again(path: Path) -> None:
    key = KeyFile(str(path))
    path.write_text("")
    for _ in range(2):
        with pytest.raises(AuthError):
            key.read()


def test_a_directory_instead_of_a_key_file_is_an_auth_error(path: Path) -> None:
    key = KeyFile(str(path))
    path.unlink()
    path.mkdir()
    with pytest.raises(AuthError, match="is a directory"):
        key.read()


def test_a_file_whose_name_looks_like_a_key_is_not_named(tmp_path: Path) -> None:
    path = tmp_path / OLD
    path.write_text(NEW)
    key = KeyFile(str(path))
    assert OLD not in repr(key)
    path.unlink()
    with pytest.raises(AuthError) as caught:
        key.read()
    assert OLD not in str(caught.value)


def test_a_fixed_key_is_stripped() -> None:
    assert FixedKey(f" {OLD}\n").read() == OLD


def test_no_repr_shows_the_key(path: Path) -> None:
    assert repr(FixedKey(OLD)) == "FixedKey(hidden)"
    assert repr(KeyFile(str(path))) == f"KeyFile(the file {path})"


def test_a_source_tells_how_the_configuration_names_it_and_never_the_key(path: Path) -> None:
    assert FixedKey(OLD).setting == ("api_key", "<secret>")
    assert FixedKey(OLD, variable="BRAZE_API_KEY").setting == ("api_key_env", "BRAZE_API_KEY")
    assert FixedKey(OLD, variable=NEW).setting == ("api_key_env", "<secret>")
    assert KeyFile(str(path)).setting == ("api_key_file", str(path))
    assert KeyFile(str(path), named="../braze").setting == ("api_key_file", "../braze")
    assert KeyFile(str(path), named=f"{NEW}/braze").setting == ("api_key_file", "<secret>")


@pytest.mark.parametrize("text", ["", " ", "$KEY", "${KEY}", "a b", "ключ", "a\x7f"])
def test_what_cannot_be_a_key_is_refused(text: str) -> None:
    with pytest.raises(WrongValueError):
        FixedKey(text)


@pytest.mark.parametrize("names", [("old", "new"), ("production-rest-api-key-2024", "production-rest-api-key-2025")])
def test_two_files_are_two_keys_even_where_their_names_are_hidden(tmp_path: Path, names: tuple[str, str]) -> None:
    """A reload takes the new key only where it sees that it is another."""
    for name in names:
        (tmp_path / name).write_text("one-and-the-same-key")
    old, new = (KeyFile(str(tmp_path / name), named=name) for name in names)
    assert old != new
    assert old == KeyFile(str(tmp_path / names[0]), named=names[0])
    assert old != KeyFile(str(tmp_path / names[0]), named="another/way/to/it")


def test_fixed_keys_are_compared_by_what_they_are_and_where_they_come_from() -> None:
    assert FixedKey("one-key") == FixedKey("one-key")
    assert FixedKey("one-key") != FixedKey("another-key")
    assert FixedKey("one-key") != FixedKey("one-key", variable="BRAZE_API_KEY")
