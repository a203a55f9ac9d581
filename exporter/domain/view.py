"""
What metrics, page and JSON show of an integration: its state, the limits in effect, and what is wrong with it.

A view is computed from a state, never changed. What depends on the moment of looking alone is prepared here for both
sides of it: from `stale_at` on, the gauges about syncs are gone and `stale_problems` hold.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from exporter.domain.dashboard import rows_failed_at
from exporter.domain.health import assess
from exporter.domain.integration_state import IntegrationState, Watch
from exporter.domain.limits import Limits
from exporter.domain.model import Failure, Integration, Sync, Totals
from exporter.domain.problem import Case, Problem


@dataclass(frozen=True, slots=True)
class View:
    """One integration at one moment. A value that is not known is None."""

    integration: Integration
    up: bool | None = None
    """Whether the latest poll succeeded; None before the first."""
    last_poll_at: datetime | None = None
    last_poll_success_at: datetime | None = None
    stale_at: datetime | None = None
    """From then on it counts as unknown how the integration fares, unless a poll succeeds before."""
    failure: Failure | None = None
    failing_since: datetime | None = None
    latest: Sync | None = None
    """The latest sync, running included."""
    latest_finished: Sync | None = None
    last_success_at: datetime | None = None
    last_timestamp_synced: datetime | None = None
    consecutive_failed_syncs: int | None = None
    integration_status: str | None = None
    next_scheduled_run: datetime | None = None
    expected_run_at: datetime | None = None
    totals: Totals | None = None
    """None until its own endpoint has answered."""
    history_gaps: int | None = 0
    history: tuple[Sync, ...] = field(default=(), repr=False)
    """The latest syncs known, latest first, bounded."""
    rows_failed_at: datetime | None = None
    """When the latest sync of which rows failed has finished."""
    problems: tuple[Problem, ...] = ()
    """Until `stale_at`."""
    stale_problems: tuple[Problem, ...] = ()
    """From `stale_at` on."""
    limits: Limits | None = field(default_factory=Limits)
    """None once it is gone: nothing is measured against them any more."""
    usual_duration_seconds: float | None = None
    usual_rows: float | None = None
    """For the time of the week of the latest finished sync."""
    learned_syncs: int | None = None
    """How many syncs the learned values rest on."""
    changes: tuple[str, ...] = ()
    """What has become usual for good lately, in words."""
    start_deadline_at: datetime | None = None
    failed_rows_ratio: float | None = None
    last_sync_lag_seconds: float | None = None

    @property
    def verdict(self) -> tuple[tuple[str, str], ...]:
        """Which problems there are, and how bad."""
        return tuple((problem.kind, problem.severity.word) for problem in self.problems)

    @property
    def is_gone(self) -> bool:
        """Whether Braze no longer knows it."""
        return self.limits is None

    def is_stale(self, now: datetime) -> bool:
        return self.stale_at is not None and now >= self.stale_at

    def problems_at(self, now: datetime) -> tuple[Problem, ...]:
        """What is wrong *now*, worst first."""
        return self.stale_problems if self.is_stale(now) else self.problems


def build_case(state: IntegrationState, watch: Watch) -> Case:
    """Return what is judged of a state."""
    integration = watch.integration
    return Case(
        state,
        watch.limits(state.summary),
        (state.judged_at or state.first_seen_at) + timedelta(seconds=watch.poll.stale_after_seconds),
        integration.alerts,
        watch.learned,
        integration.limits.sensitivity,
        integration.expected_interval_seconds,
        integration.timezone,
    )


def build_view(state: IntegrationState, watch: Watch) -> View:
    """Return what is shown of a state; it does not depend on the moment of looking."""
    integration, case = described(state, watch.integration), build_case(state, watch)
    learned, limits, stale_at = case.learned, case.limits, case.stale_at
    problems, stale_problems = assess(case)
    polls, ledger, summary = state.polls, state.ledger, state.summary
    history = ledger.recent if ledger is not None else ()
    view = partial(
        View,
        integration=integration,
        up=polls.up,
        last_poll_at=polls.last_at,
        last_poll_success_at=polls.succeeded_at,
        stale_at=stale_at,
        failure=polls.failure,
        failing_since=polls.failing_since,
        history=history,
        rows_failed_at=rows_failed_at(history) or learned.rows_failed_at,
        problems=problems,
        stale_problems=stale_problems,
    )
    if state.gone is not None:
        # Only what still holds: its figures are those of an integration that is no more.
        return view(history_gaps=None, limits=None)
    listed = state.listed if state.is_listed else None
    finished, success = summary.latest_finished, summary.last_success
    return view(
        latest=summary.latest,
        latest_finished=finished,
        last_success_at=success.sync_finish_time if success is not None else None,
        last_timestamp_synced=summary.last_timestamp_synced,
        consecutive_failed_syncs=summary.consecutive_failed_syncs,
        integration_status=(listed.integration_status or None) if listed is not None else None,
        next_scheduled_run=listed.next_scheduled_run if listed is not None else None,
        expected_run_at=state.expected.at if state.expected is not None else None,
        totals=ledger.totals if ledger is not None else None,
        history_gaps=ledger.gaps if ledger is not None else 0,
        limits=limits,
        usual_duration_seconds=learned.usual_duration_seconds,
        usual_rows=learned.usual_rows(finished),
        learned_syncs=learned.normal.learned_syncs or None,
        changes=learned.changes,
        start_deadline_at=case.start_deadline,
        failed_rows_ratio=finished.failed_rows_ratio if finished is not None else None,
        last_sync_lag_seconds=finished.lag_seconds if finished is not None else None,
    )


def described(state: IntegrationState, configured: Integration) -> Integration:
    """Return the integration as the list describes it; the configuration's name wins."""
    listed = state.listed
    if listed is None:
        return configured
    named = configured.integration_name != configured.integration_id
    return Integration(
        configured.workspace,
        configured.integration_id,
        configured.integration_name if named else listed.integration_name or configured.integration_name,
        configured.labels,
        listed.integration_type,
        listed.warehouse_type,
        listed.app_group_id,
        configured.expected_interval_seconds,
        configured.limits,
        configured.alerts,
        configured.timezone,
    )
