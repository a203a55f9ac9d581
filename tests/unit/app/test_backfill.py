"""Past syncs become the samples that live ones would have become, and Prometheus takes them."""

import random
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.app.backfill import Backfill, Period
from exporter.app.histories import read_history
from exporter.braze.api import Api
from exporter.braze.clock import BrazeClock
from exporter.braze.endpoints import Endpoint
from exporter.domain.errors import PollError
from exporter.domain.model import Integration, Sync, SyncStatus
from exporter.domain.rate_limit import RateLimiter
from exporter.metrics.self_metrics import SelfMetrics
from exporter.simulator.schedule import every
from tests.components import component
from tests.virtual_braze import VirtualSender
from tests.virtual_time import VirtualClock, run
from tests.world import World

START = datetime(2026, 1, 10, tzinfo=UTC)
SINCE = START - timedelta(days=2)
PERIOD = Period(SINCE, START)
USERS = Integration("production", "id-1", 'us"ers')


def build_api(world: World, clock: VirtualClock) -> Api:
    sender = VirtualSender(world, clock, "key-of-w", random.Random(1))
    limiters = {Endpoint.JOB_SYNC_STATUS: RateLimiter(100, 0.8, clock.monotonic())}
    return Api(workspace="w", sender=sender, limiters=limiters, clock=BrazeClock(clock), observer=SelfMetrics())


def sync(minutes: int, status: SyncStatus, rows: int = 10) -> Sync:
    start = SINCE + timedelta(minutes=minutes, seconds=30)
    return Sync(start, status, start + timedelta(minutes=2), start - timedelta(minutes=1), rows, 1)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[Backfill, Path]]:
    with Backfill() as backfill:
        yield backfill, tmp_path / "past.om"


def write(backfill: Backfill, path: Path) -> None:
    with path.open("wb") as stream:
        backfill.write(stream)


def families(path: Path) -> dict[str, Metric]:
    parsed = text_string_to_metric_families(path.read_text())  # type: ignore[no-untyped-call] # has no annotations
    return {family.name: family for family in parsed}


def values(metric: Metric, **labels: str) -> list[float]:
    """Of one series, in the order of the page."""
    return [sample.value for sample in metric.samples if labels.items() <= sample.labels.items()]


def test_counters_grow_from_0_and_gauges_show_what_was_true_then(page: tuple[Backfill, Path]) -> None:
    backfill, path = page
    backfill.add(USERS, (sync(0, SyncStatus.SUCCESS), sync(10, SyncStatus.ERROR), sync(20, SyncStatus.ERROR)), PERIOD)
    write(backfill, path)
    found = families(path)
    assert values(found["braze_cdi_syncs"], status="success") == [0, 1, 1, 1]
    assert values(found["braze_cdi_syncs"], status="error") == [0, 0, 1, 2]
    assert values(found["braze_cdi_rows_synced"]) == [0, 10, 20, 30]
    assert values(found["braze_cdi_consecutive_failed_syncs"]) == [0, 0, 1, 2]
    assert values(found["braze_cdi_last_sync_duration_seconds"]) == [120, 120, 120]
    assert {sample.labels["integration_name"] for sample in found["braze_cdi_syncs"].samples} == {'us"ers'}


def test_each_sample_stands_at_the_finish_of_its_sync(page: tuple[Backfill, Path]) -> None:
    backfill, path = page
    backfill.add(USERS, (sync(0, SyncStatus.SUCCESS),), PERIOD)
    write(backfill, path)
    samples = families(path)["braze_cdi_rows_synced"].samples
    finish = SINCE + timedelta(minutes=2, seconds=30)
    assert [float(str(sample.timestamp)) for sample in samples] == [SINCE.timestamp(), finish.timestamp()]


def test_limits_and_problems_are_written_as_they_would_have_been(page: tuple[Backfill, Path]) -> None:
    backfill, path = page
    past = tuple(sync(60 * n, SyncStatus.SUCCESS, 1000) for n in range(-240, 24))
    late = tuple(replace(sync(60 * n, SyncStatus.SUCCESS, 10), rows_failed_with_errors=2) for n in range(24, 36))
    backfill.add(USERS, past + late, Period(SINCE, START, timedelta(days=10)))
    write(backfill, path)
    found = families(path)
    problems = found["braze_cdi_problem"].samples
    assert {sample.labels["problem"] for sample in problems} == {"rows_failed", "rows_low", "overdue"}
    lowest = min(float(str(s.timestamp)) for s in problems if s.labels["problem"] == "rows_low")
    assert lowest >= late[0].finished_at.timestamp()
    lower = values(found["braze_cdi_rows_synced_lower_limit"])
    assert all(100 < limit < 1000 for limit in lower[:24])
    assert values(found["braze_cdi_usual_rows_synced"])[0] == pytest.approx(1001, rel=0.05)
    assert values(found["braze_cdi_learned_syncs"])[0] == pytest.approx(237, abs=3)  # those up to the latest refit
    assert values(found["braze_cdi_last_sync_lag_seconds"])[0] == 180
    assert values(found["braze_cdi_last_sync_failed_rows_ratio"])[0] == pytest.approx(1 / 1001)
    assert values(found["braze_cdi_start_deadline_timestamp_seconds"])[0] > SINCE.timestamp()
    assert values(found["braze_cdi_rows_synced"])[0] == 0
    assert backfill.syncs == 36


def test_the_history_before_is_read_as_far_as_it_is_learned_from() -> None:
    async def main(clock: VirtualClock) -> tuple[int, ...]:
        world = World(1, clock.now())
        world.add_workspace("w")
        key = world.add_integration("w", "users", schedule=every(minutes=15), history=timedelta(days=4))
        history = await read_history(build_api(world, clock), key, SINCE, SINCE - timedelta(days=1))
        before = [one for one in history if one.sync_start_time < SINCE]
        return len(before), len(history) - len(before)

    before, since = run(main, start=START)
    assert before == pytest.approx(96, abs=1)
    assert since == pytest.approx(192, abs=1)


def test_the_history_read_is_the_truth_since_then(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> tuple[tuple[Sync, ...], tuple[Sync, ...]]:
        world = World(1, clock.now())
        world.add_workspace("w")
        key = world.add_integration("w", "users", schedule=every(minutes=15), history=timedelta(days=4))
        history = await read_history(build_api(world, clock), key, SINCE, SINCE)
        return history, tuple(one for one in world.truth(key) if one.sync_start_time > SINCE)

    history, truth = run(main, start=START)
    assert len(truth) > 100
    assert history == truth


def test_a_page_that_does_not_come_costs_the_whole_history() -> None:
    async def main(clock: VirtualClock) -> None:
        world = World(1, clock.now())
        world.add_workspace("w")
        key = world.add_integration("w", "users", schedule=every(minutes=15), history=timedelta(days=4))
        world.faults.add("http_500", page=3)
        await read_history(build_api(world, clock), key, SINCE, SINCE)

    with pytest.raises(PollError):
        run(main, start=START)


def test_prometheus_makes_blocks_of_it(page: tuple[Backfill, Path], tmp_path: Path) -> None:
    backfill, path = page
    for number in range(3):
        integration = Integration("production", f"id-{number}", f"name {number}")
        backfill.add(integration, tuple(sync(10 * n, SyncStatus.SUCCESS) for n in range(50)), PERIOD)
    write(backfill, path)
    promtool = component("promtool")
    command = f"{promtool} tsdb create-blocks-from openmetrics {path} {tmp_path / 'blocks'}"
    made = subprocess.run(command.split(), capture_output=True, check=False)
    assert made.returncode == 0, made.stderr.decode()
    assert any((tmp_path / "blocks").iterdir())
