"""What single rules of the judge say, word for word, and what they make of what was learned from the past."""

from dataclasses import replace

import pytest

from exporter.domain import health_rules as rules
from exporter.domain.health import assess
from exporter.domain.integration_state import IntegrationState, Since
from exporter.domain.learned import Learned
from exporter.domain.limits import Limit, Source
from exporter.domain.model import Sync
from exporter.domain.normal import Normal
from exporter.domain.problem import Case, Problem, Severity
from exporter.domain.rhythm import Rhythm
from tests.histories import minute
from tests.judging import CONFIG_ERROR, ERROR, HEALTHY, NOW, UNKNOWN, case, running, state, sync, the

SINCE = Since(minute(NOW - 5))
GONE = "Braze no longer knows this integration: it was deleted, or is no longer visible to the key"
WEIRD = replace(sync(NOW - 30, UNKNOWN), unknown_word="so\nso")
HOURLY = Normal(rhythm=Rhythm("regular", gap_seconds=3600.0, limit_seconds=5400.0))
"""After a sync the next one starts within an hour and a half."""


def replaced_by(other: str) -> IntegrationState:
    return replace(HEALTHY, gone=SINCE, session=replace(HEALTHY.session, replaced_by=other))


@pytest.mark.parametrize(
    ("kind", "known", "text"),
    [
        ("paused", replace(HEALTHY, paused=SINCE), "Paused in Braze: nothing will sync until it is resumed"),
        ("gone", replace(HEALTHY, gone=SINCE), GONE),
        (
            "gone",
            replaced_by("j" * 121),
            f"{GONE}. Another of this name has the id {'j' * 119}…: put that into the configuration",
        ),
        (
            "gone",
            replace(replaced_by("j"), renamed_to="users"),
            'Renamed in Braze to "users", which the discovery filters exclude',
        ),
        (
            "unscheduled",
            replace(HEALTHY, unscheduled=SINCE),
            "Braze no longer announces a next run: its schedule was removed",
        ),
        (
            "config_error",
            state(sync(NOW - 30, CONFIG_ERROR)),
            "The latest sync ended with config_error: Braze cannot run the integration as it is configured",
        ),
        ("unknown_status", state(WEIRD), "The latest sync has a status 'so so' that Braze does not document"),
        (
            "unknown_status",
            state(replace(WEIRD, unknown_word="w" * 121)),
            f"The latest sync has a status '{'w' * 119}…' that Braze does not document",
        ),
        (
            "unknown_status",
            state(sync(NOW - 30, UNKNOWN)),
            "The latest sync has a status that Braze does not document",
        ),
    ],
)
def test_what_is_wrong_is_said_in_words(kind: str, known: IntegrationState, text: str) -> None:
    assert the(kind, known).text == text


def test_data_as_old_as_the_limit_is_no_part_of_how_long_it_has_been_behind() -> None:
    assert the("behind", state(sync(NOW - 60, lag=60), sync(NOW - 30, lag=61)), lag=3600.0).since == minute(NOW - 29)


def test_what_does_not_hold_of_the_latest_finished_sync_holds_since_no_moment() -> None:
    assert case(HEALTHY).since(lambda _: False) is None


@pytest.mark.parametrize("streak", [0, None])
def test_without_a_failed_sync_nothing_fails_even_where_none_may(streak: int | None) -> None:
    known = replace(HEALTHY, summary=replace(HEALTHY.summary, consecutive_failed_syncs=streak))
    assert assess(case(known, failed_syncs=0.0)).problems == ()


# What was learned


def judged(known: IntegrationState, normal: Normal, success_age: Limit | None = None) -> Case:
    plain = case(known, failed_syncs=3.0)
    limits = plain.limits if success_age is None else replace(plain.limits, success_age=success_age)
    return replace(plain, limits=limits, learned=Learned(normal))


@pytest.mark.parametrize(
    ("healed", "severity", "more"),
    [
        (1, Severity.WARNING, ""),
        (2, Severity.INFO, "; up to 2 in a row healed before"),
        (3, Severity.INFO, "; up to 3 in a row healed before"),
    ],
)
def test_a_streak_no_longer_than_one_that_healed_by_itself_is_information(
    healed: int, severity: Severity, more: str
) -> None:
    problem = rules.failed(judged(state(sync(NOW - 60, ERROR), sync(NOW - 30, ERROR)), Normal(healed_failures=healed)))
    text = f"The latest sync failed with error, 2 in a row; limit 3{more}"
    assert problem == Problem("failed", severity, text, minute(NOW - 59), 2, 3.0)


@pytest.mark.parametrize(
    ("started", "resumed", "waited", "since"),
    [
        (90, None, None, ""),
        (91, None, 91, "2026-03-10 22:29"),
        (91, 300, 91, "2026-03-10 22:29"),
        (300, 90, None, ""),
        (300, 91, 91, "2026-03-10 22:29"),
    ],
)
def test_without_an_announced_run_a_sync_is_overdue_by_the_usual_rhythm(
    started: int, resumed: int | None, waited: int | None, since: str
) -> None:
    """*started* and *resumed* are minutes ago; the rhythm counts from the later."""
    known = replace(state(sync(NOW - started)), resumed_at=None if resumed is None else minute(NOW - resumed))
    problem = rules.overdue(judged(known, HOURLY))
    if waited is None:
        assert problem is None
        return
    text = f"No sync has started for 1 h 31 min, since {since} UTC; usually one starts every 1 h; limit 1 h 30 min"
    deadline = minute(NOW - waited + 90)
    assert problem == Problem("overdue", Severity.CRITICAL, text, deadline, waited * 60.0, 5400.0)


OLD = sync(NOW - 121)
"""Finished two hours ago."""
LATER = sync(NOW - 60, UNKNOWN)


@pytest.mark.parametrize(
    ("syncs", "normal", "resumed", "begun"),
    [
        ((OLD,), Normal(), None, 120),
        ((OLD,), HOURLY, None, None),
        ((OLD, running(5)), Normal(), None, None),
        ((OLD, LATER), HOURLY, None, 120),
        ((OLD, LATER, running(5)), HOURLY, None, None),
        ((OLD,), Normal(), 61, 61),
        ((OLD,), Normal(), 60, None),
        ((OLD,), Normal(), 300, 120),
    ],
)
def test_by_a_learned_limit_an_old_success_counts_from_when_syncs_could_come(
    syncs: tuple[Sync, ...], normal: Normal, resumed: int | None, begun: int | None
) -> None:
    """That no sync starts, or that one takes long, is for other kinds; nothing syncs before it is resumed."""
    known = replace(state(*syncs), resumed_at=None if resumed is None else minute(NOW - resumed))
    problem = rules.success_too_old(judged(known, normal, Limit(3600.0, Source.LEARNED)))
    if begun is None:
        assert problem is None
        return
    text = "The last good sync finished 2 h ago; limit 1 h"
    since = minute(NOW - begun + 60)
    assert problem == Problem("success_too_old", Severity.CRITICAL, text, since, 7200.0, 3600.0)


def test_by_a_configured_limit_an_old_success_counts_from_its_finish() -> None:
    resumed = replace(state(OLD, running(5)), resumed_at=minute(NOW - 30))
    problem = rules.success_too_old(judged(resumed, HOURLY, Limit(3600.0, Source.CONFIGURED)))
    assert problem is not None
    assert problem.since == minute(NOW - 60)
