"""
What the exporter must show, by the simulated Braze's own ledger: at each scrape, and when everything has come to rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from exporter.domain.model import Sync, SyncStatus, Totals
from exporter.domain.past import MOST, to_run
from exporter.domain.view import View
from exporter.state.store import Storage
from tests.simulation.disk import Kept
from tests.simulation.scenario import Kind, Scenario
from tests.simulation.watch import Scraped
from tests.world import World

_ROUNDING_SECONDS = 1e-3
"""Durations are added up in another order than the truth adds them."""


class WrongCountError(Exception):
    """A counter or a gauge is not what really happened."""


def check_scrape(scenario: Scenario, kept: Kept, shown: Mapping[str, Scraped]) -> None:
    """
    Hold a page against the disk and the truth.

    Raises:
        WrongCountError: The page shows what is not on disk, or more than has happened.

    """
    for key, scraped in shown.items():
        totals = scraped.totals()
        ledger = kept.ledger(key)
        on_disk = None if ledger is None else ledger.totals
        if totals is None and {"gone", "paused"} & set(scraped.problems):
            continue  # the figures of an integration that is no more are gone until it answers again; paused hides gone
        if totals != on_disk:
            raise WrongCountError(f"{key}: the page shows {totals}, on disk is {on_disk}")
        if totals is not None:
            _check_not_more(key, scenario.kind, totals, expected_totals(scenario.world, kept, key))


def expected_totals(world: World, kept: Kept, key: str) -> Totals:
    """What has finished since an integration was first seen."""
    now, then = world.totals(key), kept.at_first_sight[key]
    return Totals(
        tuple(a - b for a, b in zip(now.syncs, then.syncs, strict=True)),
        now.rows_synced - then.rows_synced,
        now.rows_failed_with_errors - then.rows_failed_with_errors,
        now.duration_seconds - then.duration_seconds,
    )


def _check_not_more(key: str, kind: Kind, counted: Totals, expected: Totals) -> None:
    if kind is Kind.ODD:
        too_many = sum(counted.syncs) > sum(expected.syncs)
    else:
        too_many = any(a > b for a, b in zip(counted.syncs, expected.syncs, strict=True))
    if too_many or counted.rows_synced > expected.rows_synced:
        raise WrongCountError(f"{key}: {counted} is more than has happened, {expected}")


def check_rest(scenario: Scenario, kept: Kept, revised: set[str], views: Mapping[str, View]) -> int:
    """
    Hold the end of a run against the truth, and return the gaps.

    Raises:
        WrongCountError: Something is missing or too much, and no rule of the accounting lets it be.

    """
    gaps = 0
    for key in scenario.world.integrations:
        ledger = kept.ledger(key)
        if ledger is None:
            raise WrongCountError(f"{key}: never counted")
        gaps += ledger.gaps
        expected = expected_totals(scenario.world, kept, key)
        if ledger.gaps and scenario.kind is not Kind.HARSH:
            raise WrongCountError(f"{key}: {ledger.gaps} gaps where nothing was lost")
        if ledger.gaps == 0:
            _check_equal(key, scenario.kind, ledger.totals, expected)
        if scenario.kind is Kind.EXACT and key not in revised:
            _check_gauges(key, views[key], scenario.world.truth(key))
    return gaps


def check_pasts(scenario: Scenario, kept: Kept, revised: set[str], disk: Storage) -> None:
    """
    Hold the past on disk of each integration, from which limits are learned, against the truth.

    Raises:
        WrongCountError: A sync is missing that was counted, or one is there that has never been.

    """
    if scenario.kind is not Kind.EXACT:
        return
    for key in scenario.world.integrations.keys() - revised:
        stored = disk.load_past(scenario.world.integrations[key].workspace, key)
        past = set(stored.past.runs)
        truth = {to_run(sync) for sync in scenario.world.truth(key) if sync.finished}
        counted = sum(expected_totals(scenario.world, kept, key).syncs)
        least = len(truth) if stored.progress.done else counted
        if not past <= truth or len(past) < min(least, MOST):
            raise WrongCountError(f"{key}: {len(past)} syncs in the past, {counted} counted; not so: {past - truth}")


def _check_equal(key: str, kind: Kind, counted: Totals, expected: Totals) -> None:
    if kind is Kind.ODD:
        equal = sum(counted.syncs) == sum(expected.syncs)
    else:
        equal = (
            counted.syncs == expected.syncs
            and counted.rows_synced == expected.rows_synced
            and counted.rows_failed_with_errors == expected.rows_failed_with_errors
            and abs(counted.duration_seconds - expected.duration_seconds) < _ROUNDING_SECONDS
        )
    if not equal:
        raise WrongCountError(f"{key}: counted {counted}, where there were {expected}")


def _check_gauges(key: str, view: View, truth: tuple[Sync, ...]) -> None:
    """All syncs have finished; the truth has the oldest first."""
    latest = truth[-1] if truth else None
    streak = 0
    for sync in reversed(truth):
        if not sync.failed:
            break
        streak += 1
    expected: dict[str, object] = {
        "latest": latest,
        "latest_finished": latest,
        "last_success_at": _latest(s.sync_finish_time for s in truth if s.job_status is SyncStatus.SUCCESS),
        "last_timestamp_synced": _latest(s.last_timestamp_synced for s in truth),
        "consecutive_failed_syncs": streak if truth else 0,
    }
    for name, value in expected.items():
        shown = getattr(view, name)
        if isinstance(shown, Sync):
            shown = replace(shown, unknown_word="")  # as the style of the day has spelled it
        if shown != value:
            raise WrongCountError(f"{key}: {name} is {shown}, where it was {value}")
    problems = {problem.kind for problem in view.problems}
    failures = {"config_error", "failing", "failed"}
    if not problems & {"paused", "gone"} and problems & failures != _failure(latest, streak):
        raise WrongCountError(f"{key}: {problems} are shown after {streak} failures, the last of {latest}")
    if "poll_failing" in problems:
        raise WrongCountError(f"{key}: a poll is said to fail where all is well again")


def _failure(latest: Sync | None, streak: int) -> set[str]:
    if latest is None or not latest.failed:
        return set()
    if latest.job_status is SyncStatus.CONFIG_ERROR:
        return {"config_error"}
    return {"failing"} if streak > 1 else {"failed"}


def _latest(values: Iterable[datetime | None]) -> datetime | None:
    known = [value for value in values if value is not None]
    return known[-1] if known else None
