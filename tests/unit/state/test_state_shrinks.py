"""What forgotten states leave free in the state file is given back to the disk."""

import asyncio
import io
import sqlite3
from collections.abc import Callable, Container, Iterator
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from exporter.app.exporter import Exporter
from exporter.app.storage import keep_tidy
from exporter.log import build_log
from exporter.metrics.self_metrics import SelfMetrics
from exporter.state import shrink as shrinking
from exporter.state.sqlite import FILE_NAME, SqliteStore
from exporter.state.store import KEPT_FOR, Key, MemoryStore
from tests.kept import START, Surroundings, full_disk, state
from tests.virtual_time import VirtualClock, run

STATES = 120


def filled(directory: Path, around: Surroundings) -> SqliteStore:
    """A store of which a quarter is in use."""
    store = around.open(directory)
    for number in range(STATES):
        store.commit("w", f"id-{number}", state(number, judged_at=START if number % 4 else START + KEPT_FOR))
    return store


def forget(store: SqliteStore) -> None:
    store.forget_older(START + KEPT_FOR + timedelta(days=1), in_use=())


def size(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.glob(f"{FILE_NAME}*"))


def check(directory: Path, around: Surroundings) -> None:
    """Whether what is in use is still there, and the file is sound."""
    again = around.open(directory)
    assert again.load("w") == {
        f"id-{number}": state(number, judged_at=START + KEPT_FOR) for number in range(0, STATES, 4)
    }
    assert around.said() == []
    again.close()


def shrink(store: SqliteStore) -> int:
    return sum(1 for _ in store.shrink())


def made_by_an_older_exporter(directory: Path) -> None:
    """Let the file be as it was before free pages could be given back."""
    with closing(sqlite3.connect(directory / FILE_NAME, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("VACUUM")
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (0,)


@pytest.mark.parametrize("as_it_was", [lambda _: None, made_by_an_older_exporter])
def test_the_file_shrinks_when_most_of_it_is_free(tmp_path: Path, as_it_was: Callable[[Path], None]) -> None:
    around = Surroundings()
    filled(tmp_path, around).close()
    as_it_was(tmp_path)
    before = size(tmp_path)
    store = around.open(tmp_path)
    forget(store)
    assert shrink(store) > 0
    assert size(tmp_path) < 0.4 * before
    assert around.persistent
    store.commit("w", "id-0", state(0, judged_at=START + KEPT_FOR))
    store.close()
    assert size(tmp_path) < 0.4 * before
    check(tmp_path, around)


def test_a_file_that_is_mostly_in_use_is_left_alone(tmp_path: Path) -> None:
    around = Surroundings()
    store = filled(tmp_path, around)
    for number in range(STATES // 3):
        store.forget("w", f"id-{number}")
    before = size(tmp_path)
    assert shrink(store) == 0
    assert size(tmp_path) == before
    store.close()


def test_a_full_disk_leaves_the_file_as_it_is_and_is_no_problem(tmp_path: Path) -> None:
    around = Surroundings()
    store = filled(tmp_path, around)
    forget(store)
    with full_disk():
        shrink(store)
        assert (around.persistent, around.failures, around.said()) == (True, 0, [])
    before = size(tmp_path)
    assert shrink(store) > 0
    assert size(tmp_path) < before
    store.close()
    check(tmp_path, around)


def test_states_are_committed_and_the_disk_is_lost_between_two_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shrinking, "PAGES", 5)
    around = Surroundings()
    store = filled(tmp_path, around)
    forget(store)
    steps = store.shrink()
    for number in range(0, 12, 4):
        next(steps)
        store.commit("w", f"id-{number}", state(number, judged_at=START + KEPT_FOR))
    (tmp_path / FILE_NAME).unlink()
    store.commit("w", "id-0", state(0, judged_at=START + KEPT_FOR))
    assert around.persistent is False
    assert list(steps) == []
    around.a_minute_passes()
    store.close()
    around.said()
    check(tmp_path, around)


def test_the_daemon_shrinks_it_at_the_start_and_every_day() -> None:
    done: list[str] = []

    class Tidy(MemoryStore):
        def forget_older(self, now: datetime, in_use: Container[Key]) -> tuple[Key, ...]:
            done.append("forget")
            return super().forget_older(now, in_use)

        def shrink(self) -> Iterator[None]:
            yield
            done.append("shrink")

    async def two_days(clock: VirtualClock) -> None:
        log = build_log("error", "logfmt", io.StringIO())
        exporter = Exporter(store=MemoryStore(), self_metrics=SelfMetrics(), clock=clock, log=log)
        with suppress(TimeoutError):
            await asyncio.wait_for(keep_tidy(Tidy(), exporter, clock), timedelta(days=2.5).total_seconds())

    run(two_days, start=START)
    assert done == ["forget", "shrink"] * 3
