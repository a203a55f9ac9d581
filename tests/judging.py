"""Cases for the judge: an integration with a few syncs, as a good poll ten days after the morning has left it."""

from dataclasses import replace
from datetime import timedelta

from exporter.domain.expected_run import ExpectedRun
from exporter.domain.health import assess
from exporter.domain.integration_state import IntegrationState
from exporter.domain.ledger import Ledger, Tail
from exporter.domain.limits import LimitSettings, Setting, limits_in_effect
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Sync, SyncStatus
from exporter.domain.problem import Case, Problem
from tests.histories import latest_first, minute
from tests.states import state_of

SUCCESS, PARTIAL, ERROR = SyncStatus.SUCCESS, SyncStatus.PARTIAL, SyncStatus.ERROR
CONFIG_ERROR, LIMIT_EXCEEDED, UNKNOWN = SyncStatus.CONFIG_ERROR, SyncStatus.LIMIT_EXCEEDED, SyncStatus.UNKNOWN
HOUR, DAY = 60, 24 * 60
NOW = 10 * DAY
"""In minutes, as in `tests.histories`: when the latest good poll was."""


def sync(
    start: float,
    status: SyncStatus = SUCCESS,
    *,
    rows: int | None = 100,
    failed: int | None = 0,
    lag: float | None = 0,
) -> Sync:
    """A sync that took a minute; *lag* are the minutes that its watermark is behind its finish."""
    watermark = None if lag is None else minute(start + 1 - lag)
    return Sync(minute(start), status, minute(start + 1), watermark, rows, failed)


def running(minutes: float) -> Sync:
    """A sync that has been running for so long at NOW."""
    return Sync(minute(NOW - minutes), SyncStatus.RUNNING)


def state(*syncs: Sync, listed: ListedIntegration | None = None, tail: Tail | None = None) -> IntegrationState:
    """What is known after a good poll at NOW that has shown these syncs; first seen at minute 0."""
    ledger = Ledger(minute(0), recent=latest_first(*syncs), tail=tail or Tail(), history_known=True)
    return replace(state_of(ledger, listed, judged_at=minute(NOW)), first_seen_at=minute(0))


def case(known: IntegrationState, **limits: Setting) -> Case:
    at = known.judged_at or known.first_seen_at
    return Case(known, limits_in_effect(LimitSettings(limits)), at + timedelta(minutes=10))


def problems(known: IntegrationState, **limits: Setting) -> dict[str, str]:
    """Kind and severity of what is wrong."""
    return {problem.kind: problem.severity.word for problem in assess(case(known, **limits)).problems}


def the(kind: str, known: IntegrationState, **limits: Setting) -> Problem:
    """The one problem there is."""
    (problem,) = assess(case(known, **limits)).problems
    assert problem.kind == kind
    return problem


def expecting(known: IntegrationState, at: float) -> IntegrationState:
    return replace(known, expected=ExpectedRun(minute(at), announced=True))


HEALTHY = state(sync(NOW - 90), sync(NOW - 30))
