"""
What the metrics page must say about integrations, worked out from what really happened in the simulated world.

Written from contract 4 and 5 alone: nothing of the exporter's ledger, summary or catalogue is used. Where a value
depends on the moment of a poll or a scrape, the bounds of that moment are what is expected.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from exporter.domain.model import Sync, Totals
from tests.e2e.scraping import SampleKey, Samples
from tests.world import World

STATUSES = ("running", "success", "partial", "error", "config_error", "limit_exceeded", "unknown")
_TOLERANCE = 1e-6
_FAILED = {"error", "config_error", "limit_exceeded"}
_START_DELAY = timedelta(minutes=15)
_CLOCK = 1.0
"""Seconds: Braze's clock is known by headers of whole seconds."""
_LIMITS = {
    "consecutive_failed_syncs_limit": 1,
    "failed_rows_ratio_limit": 0.01,
    "sync_duration_limit_seconds": 6 * 3600,
}
"""The defaults; nothing else is limited by default."""


@dataclass(frozen=True)
class Watching:
    """One integration that the configuration makes the exporter watch."""

    workspace: str
    integration_id: str
    name: str
    listed: bool = True
    """Whether the key may read Braze's list."""
    labels: Mapping[str, str] = field(default_factory=dict)
    expected_interval: timedelta | None = None


@dataclass(frozen=True)
class FirstSight:
    """What was there when the exporter first saw an integration."""

    totals: Totals
    announced: datetime | None


@dataclass(frozen=True)
class Between:
    """A value that the moment of a poll or a scrape decides."""

    low: float
    high: float


@dataclass(frozen=True)
class Perhaps:
    """A value that is there or not, or is some steps later, depending on the moment of a poll."""

    value: float
    step: float
    until: float
    """No later than this."""


Expected = dict[SampleKey, float | Between | Perhaps]


def first_sight(world: World, watched: Sequence[Watching]) -> dict[str, FirstSight]:
    """Note what is there now, for `expected_samples`."""
    return {
        each.integration_id: FirstSight(
            world.totals(each.integration_id), world.integrations[each.integration_id].next_scheduled_run
        )
        for each in watched
    }


def expected_samples(
    world: World,
    watched: Sequence[Watching],
    first: Mapping[str, FirstSight],
    *,
    started: datetime,
    scraped: tuple[datetime, datetime],
) -> Expected:
    """
    Return every sample that a page must have about the integrations in *watched*.

    Args:
        world: As it is, with all that the exporter can know by now.
        watched: What the exporter watches.
        first: What was there when it first saw each of them.
        started: Before the exporter's first poll.
        scraped: Just before and just after the page was asked for.

    """
    return {
        (name, frozenset({**_identity(each), **labels}.items())): value
        for each in watched
        for name, labels, value in _samples(world, each, first[each.integration_id], started, scraped)
    }


_LEARNED = {
    f"braze_cdi_{name}"
    for name in (
        "learned_syncs",
        "usual_rows_synced",
        "usual_sync_duration_seconds",
        "failed_rows_ratio_limit",
        "last_timestamp_synced_lag_limit_seconds",
        "rows_synced_lower_limit",
        "rows_synced_upper_limit",
        "start_deadline_timestamp_seconds",
        "success_age_limit_seconds",
        "sync_duration_limit_seconds",
    )
}


_JUDGED = {"braze_cdi_problem", "braze_cdi_problem_value", "braze_cdi_problem_limit"}
"""Held against the judge elsewhere (tests/property/test_health_properties.py)."""


def differences(samples: Samples, expected: Expected, *, learns: bool = False) -> list[str]:
    """
    Return what is missing, what is too much and what is wrong among the samples about integrations.

    Where the exporter *learns*, its limits follow from the past, and are held against it in tests/unit/poller.
    """
    mine = {
        key: value
        for key, value in samples.items()
        if dict(key[1]).get("integration_id") is not None and key[0] not in _JUDGED
    }
    if learns:
        mine = {key: value for key, value in mine.items() if key[0] not in _LEARNED}
        expected = {key: value for key, value in expected.items() if key[0] not in _LEARNED}
    surely = {key for key, value in expected.items() if not isinstance(value, Perhaps)}
    found = [f"missing: {_word(key)}" for key in surely - mine.keys()]
    found += [f"too much: {_word(key)} {mine[key]}" for key in mine.keys() - expected.keys()]
    for key in mine.keys() & expected.keys():
        if not _agrees(mine[key], expected[key]):
            found.append(f"wrong: {_word(key)} {mine[key]}, not {expected[key]}")
    return sorted(found)


def _identity(each: Watching) -> dict[str, str]:
    return {"workspace": each.workspace, "integration_id": each.integration_id, "integration_name": each.name}


def _samples(
    world: World, each: Watching, first: FirstSight, started: datetime, scraped: tuple[datetime, datetime]
) -> Iterator[tuple[str, dict[str, str], float | Between | Perhaps]]:
    simulated = world.integrations[each.integration_id]
    world.truth(each.integration_id)  # brings it up to the present
    syncs = list(simulated.syncs)
    yield "braze_cdi_up", {}, 1
    properties = {
        "integration_type": simulated.profile.warehouse_type if each.listed else "",
        "warehouse_type": simulated.profile.warehouse_type if each.listed else "",
        "app_group_id": simulated.profile.app_group_id if each.listed else "",
    }
    yield "braze_cdi_integration_info", {**properties, **each.labels}, 1
    if each.listed:
        yield "braze_cdi_integration_status", {"integration_status": simulated.status}, 1
        if simulated.next_scheduled_run is not None:
            yield "braze_cdi_next_scheduled_run_timestamp_seconds", {}, simulated.next_scheduled_run.timestamp()
    expected_run = _expected_run(world, each, first, syncs)
    if expected_run is not None:
        # While a sync runs, the run is met as soon as its time has come, also where that is only the exporter's idea.
        runs = bool(syncs) and not syncs[-1].finished
        for name, delay in (("expected_run", 0.0), ("start_deadline", _START_DELAY.total_seconds())):
            value = expected_run.timestamp() + delay
            step = simulated.schedule.interval.total_seconds()
            yield (
                f"braze_cdi_{name}_timestamp_seconds",
                {},
                Perhaps(value, step, scraped[1].timestamp() + delay + step) if runs else value,
            )
    for name, limit in _LIMITS.items():
        yield f"braze_cdi_{name}", {}, limit
    # A world that is held has a clock of its own, which the exporter follows more or less.
    yield from _of_syncs(syncs, (min(world.now, scraped[0]), scraped[1]))
    yield from _counters(world.totals(each.integration_id), first.totals)
    polled = Between(started.timestamp(), scraped[1].timestamp())
    yield "braze_cdi_last_poll_timestamp_seconds", {}, polled
    yield "braze_cdi_last_poll_success_timestamp_seconds", {}, polled


def _of_latest_finished(latest: Sync) -> Iterator[tuple[str, dict[str, str], float]]:
    assert latest.sync_finish_time is not None
    yield "braze_cdi_last_sync_finish_timestamp_seconds", {}, latest.sync_finish_time.timestamp()
    duration = latest.sync_finish_time - latest.sync_start_time
    yield "braze_cdi_last_sync_duration_seconds", {}, duration.total_seconds()
    if latest.rows_synced is not None:
        yield "braze_cdi_last_sync_rows_synced", {}, latest.rows_synced
    if latest.rows_failed_with_errors is not None:
        yield "braze_cdi_last_sync_rows_failed_with_errors", {}, latest.rows_failed_with_errors
    if latest.rows_synced is not None and latest.rows_failed_with_errors is not None:
        rows = latest.rows_synced + latest.rows_failed_with_errors
        yield "braze_cdi_last_sync_failed_rows_ratio", {}, latest.rows_failed_with_errors / rows if rows else 0
    if latest.last_timestamp_synced is not None:
        lag = latest.sync_finish_time - latest.last_timestamp_synced
        yield "braze_cdi_last_sync_lag_seconds", {}, lag.total_seconds()


def _of_syncs(
    syncs: Sequence[Sync], scraped: tuple[datetime, datetime]
) -> Iterator[tuple[str, dict[str, str], float | Between]]:
    finished = [sync for sync in syncs if sync.finished]
    if syncs:
        for status in STATUSES:
            yield "braze_cdi_last_sync_status", {"status": status}, float(syncs[-1].job_status.value == status)
        yield "braze_cdi_last_sync_start_timestamp_seconds", {}, syncs[-1].sync_start_time.timestamp()
    if finished:
        yield from _of_latest_finished(finished[-1])
    successes = [sync.sync_finish_time for sync in finished if sync.job_status.value == "success"]
    if successes and successes[-1] is not None:
        yield "braze_cdi_last_success_timestamp_seconds", {}, successes[-1].timestamp()
    watermarks = [sync.last_timestamp_synced for sync in syncs if sync.last_timestamp_synced is not None]
    if watermarks:
        watermark = watermarks[-1]
        yield "braze_cdi_last_timestamp_synced_seconds", {}, watermark.timestamp()
        low, high = ((moment - watermark).total_seconds() for moment in scraped)
        yield "braze_cdi_last_timestamp_synced_lag_seconds", {}, Between(low - _CLOCK, high + _CLOCK)
    streak = 0
    while streak < len(finished) and finished[-1 - streak].job_status.value in _FAILED:
        streak += 1
    yield "braze_cdi_consecutive_failed_syncs", {}, streak


def _counters(totals: Totals, before: Totals) -> Iterator[tuple[str, dict[str, str], float]]:
    for number, status in enumerate(STATUSES[1:]):
        yield "braze_cdi_syncs_total", {"status": status}, totals.syncs[number] - before.syncs[number]
    yield "braze_cdi_rows_synced_total", {}, totals.rows_synced - before.rows_synced
    failed = totals.rows_failed_with_errors - before.rows_failed_with_errors
    yield "braze_cdi_rows_failed_with_errors_total", {}, failed
    yield "braze_cdi_sync_duration_seconds_total", {}, totals.duration_seconds - before.duration_seconds
    yield "braze_cdi_exporter_history_gaps_total", {}, 0


def _expected_run(world: World, each: Watching, first: FirstSight, syncs: Sequence[Sync]) -> datetime | None:
    """Return the oldest announced run that no sync has met, of runs that are met to the second or not at all."""
    simulated = world.integrations[each.integration_id]
    latest = syncs[-1].sync_start_time if syncs else None
    if each.listed and simulated.status == "paused":
        return None
    if not each.listed or simulated.next_scheduled_run is None:
        return latest + each.expected_interval if latest and each.expected_interval else None
    run = first.announced
    assert run is not None, "a schedule that announces runs announces them from the beginning"
    while latest is not None and run <= latest:
        run += simulated.schedule.interval
    return run


def _agrees(value: float, expected: float | Between | Perhaps) -> bool:
    if isinstance(expected, Perhaps):
        steps = round((value - expected.value) / expected.step)
        later = expected.value + max(0, steps) * expected.step
        expected = later if later <= expected.until else expected.value
    if isinstance(expected, Between):
        return expected.low - _TOLERANCE <= value <= expected.high + _TOLERANCE
    return abs(value - expected) <= _TOLERANCE


def _word(key: SampleKey) -> str:
    name, labels = key
    return f"{name}{dict(sorted(labels))}"
