"""A past that is lost while the exporter runs is read again, and what was learned from it stays until it has been."""

import io
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from exporter.domain.settings import PollSettings
from exporter.log import build_log
from exporter.simulator.behaviour import Scale
from exporter.simulator.schedule import every
from exporter.state.connect import SUFFIXES
from exporter.state.sqlite import FILE_NAME
from tests.polling import WORKSPACE, Polling, poll_braze
from tests.stores import open_store

HISTORY = timedelta(days=20)
STEADY = Scale(seconds=(60, 90), rows=(900, 1100))
LEARNED = "learned_syncs", "rows_synced_lower_limit", "sync_duration_limit_seconds"


async def looked_after(braze: Polling, *, minutes: int) -> None:
    for _ in range(0, minutes, 5):
        braze.store.look_after()
        await braze.passes(minutes=min(5, minutes))


def remove(path: Path) -> None:
    for suffix in SUFFIXES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def replace(path: Path) -> None:
    remove(path)
    path.write_bytes(os.urandom(8192))


def copied(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob(f"{FILE_NAME}*")}


def damage_a_part(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE past_part SET syncs = x'0102' WHERE id = (SELECT id FROM past_part ORDER BY length(syncs) DESC)"
        )


def begin(braze: Polling, directory: Path) -> None:
    log = build_log("info", "logfmt", io.StringIO())
    braze.store = open_store(str(directory), now=braze.clock.now, report=braze.self_metrics, log=log)


async def learned(braze: Polling, directory: Path) -> tuple[str, dict[str, float]]:
    """Return an integration, and what has been learned of it."""
    users = braze.add("users", every(minutes=60), history=2 * HISTORY, scale=STEADY)
    begin(braze, directory)
    braze.watch(configured=[users], history=HISTORY)
    await looked_after(braze, minutes=180)
    values = {name: braze.value(name, users) or 0.0 for name in LEARNED}
    assert values["learned_syncs"] > 400
    return users, values


async def check_that_it_stays(braze: Polling, users: str, before: dict[str, float]) -> None:
    """Check that it does until limits are due again, and that by then the past has been read again."""
    for minutes in (*[1] * 15, *[60] * 8):
        await looked_after(braze, minutes=minutes)
        for name in LEARNED:
            assert (braze.value(name, users) or 0.0) >= 0.9 * before[name], name
    assert len(braze.store.load_past(WORKSPACE, users).past.runs) > 400
    assert braze.value("exporter_history_read_ratio", workspace=WORKSPACE) == 1


@pytest.mark.parametrize("lose", [remove, replace])
def test_what_was_learned_stays_where_the_state_file_is_lost(tmp_path: Path, lose: Callable[[Path], None]) -> None:
    async def check(braze: Polling) -> None:
        users, before = await learned(braze, tmp_path)
        lose(tmp_path / FILE_NAME)
        await check_that_it_stays(braze, users, before)
        await braze.stop()
        braze.watch(configured=[users], history=HISTORY)
        await looked_after(braze, minutes=5)
        assert (braze.value("learned_syncs", users) or 0.0) >= before["learned_syncs"]
        braze.store.close()

    poll_braze(check)


@pytest.mark.parametrize("minutes", [0, 1, 2, 5])
def test_a_restart_while_the_past_is_read_again_costs_nothing(tmp_path: Path, minutes: int) -> None:
    async def check(braze: Polling) -> None:
        users, before = await learned(braze, tmp_path)
        await braze.stop()
        braze.store.close()
        damage_a_part(tmp_path / FILE_NAME)
        for _ in range(2):
            begin(braze, tmp_path)
            braze.watch(configured=[users], history=HISTORY)
            await looked_after(braze, minutes=minutes)
            await braze.stop()
            braze.store.close()
        begin(braze, tmp_path)
        braze.watch(configured=[users], history=HISTORY)
        await looked_after(braze, minutes=1)
        await check_that_it_stays(braze, users, before)
        braze.store.close()

    poll_braze(check)


def missing(braze: Polling, integration_id: str) -> set[int]:
    """Starts of syncs within the history that are not in the past."""
    since = braze.clock.now() - HISTORY
    known = {run.start for run in braze.store.load_past(WORKSPACE, integration_id).past.runs}
    finished = (one for one in braze.world.truth(integration_id) if one.finished and one.sync_start_time >= since)
    return {int(one.sync_start_time.timestamp()) for one in finished} - known


def test_an_older_copy_of_the_file_does_not_leave_a_hole(tmp_path: Path) -> None:
    async def check(braze: Polling) -> None:
        users, before = await learned(braze, tmp_path)
        uncounted = braze.finished(users) - braze.counted(users)
        copies = copied(tmp_path)
        await looked_after(braze, minutes=24 * 60)
        remove(tmp_path / FILE_NAME)
        for name, content in copies.items():
            (tmp_path / name).write_bytes(content)
        await check_that_it_stays(braze, users, before)
        assert missing(braze, users) == set()
        assert braze.finished(users) - braze.counted(users) == uncounted
        braze.store.close()

    poll_braze(check)


@pytest.mark.parametrize("restarted", [0.0, 0.2, 3.0])
def test_what_a_walk_could_not_reach_is_read_with_the_history(tmp_path: Path, restarted: float) -> None:
    """A restart, if any, so many minutes after the first polls."""

    async def check(braze: Polling) -> None:
        users, before = await learned(braze, tmp_path)
        await braze.stop()
        await braze.passes(minutes=3 * 24 * 60)
        braze.watch(configured=[users], history=HISTORY, poll=PollSettings(max_pages=2))
        await braze.passes(minutes=restarted or 3)
        assert braze.value("exporter_history_gaps_total", users) == 1
        if restarted:
            await braze.stop()
            braze.watch(configured=[users], history=HISTORY)
        await check_that_it_stays(braze, users, before)
        assert missing(braze, users) == set()
        braze.store.close()

    poll_braze(check)
