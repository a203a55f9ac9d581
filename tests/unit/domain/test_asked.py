"""Why an integration's own endpoint is asked, in words; `transitions.py` takes the decisions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from exporter.domain.asked import why_asked
from exporter.domain.integration_state import IntegrationState, Session, Since
from exporter.domain.ledger import Ledger
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Failure, Polls, Sync, SyncStatus

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DONE = Sync(NOW, SyncStatus.SUCCESS, NOW + timedelta(minutes=1))
RUNS = Sync(NOW, SyncStatus.RUNNING)
LATER = NOW + timedelta(hours=1)
FAILURE = Failure("timeout", "no answer", NOW)
NOT_LISTED = "the list does not show it, so it is asked every interval"
NO_SYNC = "the list does not show its latest sync, so it is asked every interval"


def state(
    latest: Sync | None = DONE, shown: tuple[datetime | None, SyncStatus | None] | None = None
) -> IntegrationState:
    """An integration whose own endpoint has told *latest*, and of which the list shows this start and status."""
    start, status = shown or (None, None)
    listed = ListedIntegration("a", last_job_start_time=start, last_job_status=status) if shown else None
    recent = () if latest is None else (latest,)
    ledger = Ledger(NOW - timedelta(days=1), NOW, recent)
    session = Session(listed_at=1.0) if shown else Session()
    return IntegrationState(NOW, ledger, listed, session=session)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        (replace(state(), gone=Since(NOW)), "it is gone, which is checked again every hour"),
        (replace(state(), polls=Polls(NOW, None, FAILURE, NOW)), "the previous poll failed (timeout)"),
        (replace(state(), ledger=None), "it has not been polled before"),
        (state(), NOT_LISTED),
        (replace(state(DONE, (NOW, SyncStatus.SUCCESS)), session=Session()), NOT_LISTED),
        (state(DONE, (None, None)), NO_SYNC),
        (state(DONE, (NOW - timedelta(hours=1), SyncStatus.SUCCESS)), NO_SYNC),
        (state(DONE, (NOW, SyncStatus.SUCCESS)), "nothing new in the list; checked anyway (verify_after)"),
        (state(RUNS, (NOW, SyncStatus.RUNNING)), "its latest sync was running"),
        (state(RUNS, (NOW, SyncStatus.SUCCESS)), "the list shows another status of its latest sync"),
        (state(DONE, (LATER, SyncStatus.SUCCESS)), "the list shows a newer start"),
        (state(None, (LATER, SyncStatus.SUCCESS)), "the list shows a newer start"),
        (state(DONE, (LATER, SyncStatus.RUNNING)), "the list shows a running sync"),
    ],
)
def test_the_reason_is_what_the_list_and_the_last_poll_say(known: IntegrationState, why: str) -> None:
    assert why_asked(known) == why
