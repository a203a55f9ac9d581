"""What a state tells of itself, and that limits are worked out once."""

from dataclasses import replace

import pytest

from exporter.domain.integration_state import IntegrationState, Since, Watch
from exporter.domain.learned import Learned
from exporter.domain.ledger import Ledger
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, SyncStatus
from exporter.domain.normal import Normal
from exporter.domain.settings import PollSettings
from exporter.domain.summary import Summary
from tests.histories import ended, latest_first, minute, running
from tests.states import state_of

LEDGER = Ledger(minute(0), recent=latest_first(ended(10), ended(20)))
LISTED = ListedIntegration("i", last_job_start_time=minute(20), last_job_status=SyncStatus.SUCCESS)


def state(ledger: Ledger | None = LEDGER, listed: ListedIntegration | None = LISTED) -> IntegrationState:
    return state_of(ledger, listed, judged_at=minute(50))


@pytest.mark.parametrize(("status", "is_draft"), [("Draft (new)", True), ("in DRAFT", True), ("active", False)])
def test_a_draft_is_whatever_braze_calls_so(status: str, is_draft: bool) -> None:
    assert state(listed=replace(LISTED, integration_status=status)).is_draft is is_draft
    assert state(listed=None).is_draft is False


@pytest.mark.parametrize(("start", "is_paused"), [(20, True), (40, True), (40.5, False)])
def test_a_pause_ends_with_a_sync_that_starts_after_it(start: float, is_paused: bool) -> None:
    known = state(replace(LEDGER, recent=latest_first(ended(10), ended(start))))
    assert replace(known, paused=Since(minute(40))).is_paused is is_paused
    assert replace(known, paused=None).is_paused is False
    assert replace(state(ledger=None, listed=None), paused=Since(minute(40))).is_paused is True


def test_the_latest_counted_sync_is_that_of_the_ledger() -> None:
    listed = replace(LISTED, last_job_start_time=minute(30), last_job_status=SyncStatus.RUNNING)
    known = state(listed=listed)
    assert (known.latest_counted, known.summary.latest) == (ended(20), running(30))
    assert state(ledger=Ledger(minute(0))).latest_counted is None
    assert state(ledger=None).latest_counted is None


def test_the_list_tells_the_latest_sync_while_it_shows_one_no_older_than_the_ledger() -> None:
    assert state().is_told_by_list is True
    assert state(listed=replace(LISTED, last_job_start_time=minute(10))).is_told_by_list is False
    assert replace(state(), session=state(listed=None).session).is_told_by_list is False
    assert replace(state(listed=None), session=state().session).is_told_by_list is False


def test_limits_are_worked_out_once_for_the_same_syncs() -> None:
    learned = Learned(Normal(lag_seconds=(60.0, 120.0, 0.0, 0.0, 0.0, 0.0, 0.0)))
    watch = Watch(Integration("w", "i", "i"), PollSettings(), learned)
    monday, tuesday = (Summary(latest_finished=ended(day * 1440)) for day in (1, 2))
    limits = watch.limits(monday)
    assert limits.lag.value == 60
    assert watch.limits(replace(monday)) is limits
    assert watch.limits(tuesday).lag.value == 120
