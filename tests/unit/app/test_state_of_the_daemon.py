"""The state of a daemon that cannot be copied is told, and the command goes on without it."""

import tempfile
from pathlib import Path

import pytest

from exporter.app.histories import state_of_the_daemon
from tests.kept import Surroundings, no_privileges, state


@pytest.fixture
def data(tmp_path: Path) -> Path:
    store = Surroundings().open(tmp_path / "data")
    store.commit("w", "a", state(1))
    store.close()
    return tmp_path / "data"


def test_a_state_is_read(data: Path) -> None:
    said: list[str] = []
    with state_of_the_daemon(str(data), said.append) as copy:
        assert copy is not None
        assert copy.read().states == {("w", "a"): state(1)}
    assert said == []


def test_a_directory_of_another_user_is_told(data: Path) -> None:
    said: list[str] = []
    data.chmod(0)
    with no_privileges(), state_of_the_daemon(str(data), said.append) as copy:
        assert copy is None
    data.chmod(0o755)
    assert said == [f"{data}/state.sqlite cannot be read, so everything is asked for: Permission denied"]


def test_no_room_for_a_copy_is_told(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(tempfile, "tempdir", str(data / "missing"))
    with state_of_the_daemon(str(data), said.append) as copy:
        assert copy is None
    assert said == [f"{data}/state.sqlite cannot be read, so everything is asked for: No such file or directory"]
