"""
Integrations over a few hours, minute by minute: drawn states, and what is wrong with each by contract 7.

What is wrong is worked out here once more, from the facts that were drawn and from the contract's table in
`tests/problems.py`, without the judge: a judge, a page or a rule that is broken differs from it. Every limit is
configured, because what is learned has tests of its own. Times are minutes since BEGIN.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from exporter.domain.expected_run import ExpectedRun
from exporter.domain.integration_state import IntegrationState, Since, Watch
from exporter.domain.ledger import Ledger
from exporter.domain.limits import LIMITS, Alerts, Keyword, LimitSettings, Setting, limits_in_effect
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import FINISHED_STATUSES, Failure, Integration, Polls, Sync, SyncStatus
from exporter.domain.problem import Case, Severity
from exporter.domain.settings import PollSettings
from exporter.domain.summary import summarize
from exporter.domain.view import View, build_view
from tests.problems import hidden_by

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTES = 120
DAY = 24 * 60
STALE_AFTER = 10
FAILED = {SyncStatus.ERROR, SyncStatus.CONFIG_ERROR, SyncStatus.LIMIT_EXCEEDED}
SETTINGS: Mapping[str, tuple[float, ...]] = {
    "failed_syncs": (0, 1, 2),
    "failed_rows": (0.01, 0.05),
    "start_delay": (0, 600, 1200),
    "sync_duration": (600, 1800),
    "lag": (1800, 7200),
    "success_age": (1800, 7200),
    "rows_synced": (50, 100),
}
"""What each limit is drawn from; a fifth of them are off."""
OUTAGE = "outage"
"""The workspace of which nothing can be polled for a while."""


class Wrong(NamedTuple):
    """One problem of one integration."""

    integration: str
    kind: str
    severity: str


@dataclass(frozen=True)
class Facts:
    """What is true of an integration for a while. Moments are minutes; an age is as of *begins*."""

    begins: int
    status: SyncStatus
    """Of the latest finished syncs, *streak* of them, ten minutes apart; before that all was well."""
    streak: int
    finished: int
    rows: int | None
    failed_rows: int | None
    lag: int
    running_since: int | None
    expected: int | None
    paused: Since | None
    gone: Since | None
    unscheduled: Since | None
    synced: bool
    draft: bool

    def syncs(self) -> tuple[Sync, ...]:
        """Latest first."""
        if not self.synced:
            return ()
        ends = [self.finished - 10 * n for n in range(self.streak + 2)]
        syncs = [
            Sync(at(end - 1), self.status, at(end), at(end - self.lag), self.rows, self.failed_rows)
            if n < self.streak
            else Sync(at(end - 1), SyncStatus.SUCCESS, at(end), at(end), 1000, 0)
            for n, end in enumerate(ends)
        ]
        if self.running_since is not None:
            syncs.insert(0, Sync(at(self.running_since), SyncStatus.RUNNING))
        return tuple(syncs)


@dataclass(frozen=True)
class Timeline:
    """What happens to one integration."""

    integration: Integration
    limits: Mapping[str, float | None]
    """In effect; None is off."""
    first_seen: int
    facts: tuple[Facts, ...]
    blind: range
    """The minutes in which no poll succeeds."""

    @property
    def watch(self) -> Watch:
        poll = PollSettings(stale_after_seconds=STALE_AFTER * 60)
        return Watch(self.integration, poll)

    def seen_at(self, minute: int) -> int:
        """The minute of the latest good poll."""
        return self.blind.start - 1 if minute in self.blind else minute

    def facts_at(self, minute: int) -> Facts:
        return next(facts for facts in reversed(self.facts) if facts.begins <= minute)


def at(minute: float) -> datetime:
    return BEGIN + timedelta(minutes=minute)


# Drawing


def draw_timelines(seed: int) -> tuple[Timeline, ...]:
    """Return what the seed gives, always the same."""
    rng = Random(seed)
    return tuple(
        _draw_timeline(rng, workspace, f"{workspace}-{number}")
        for workspace in ("calm", "busy", OUTAGE)
        for number in range(12)
    )


def _draw_timeline(rng: Random, workspace: str, name: str) -> Timeline:
    limits = {key.name: rng.choice([*SETTINGS[key.name] * 2, None]) for key in LIMITS}
    settings: dict[str, Setting] = {key: Keyword.OFF if value is None else value for key, value in limits.items()}
    integration = Integration(
        workspace,
        name,
        f"name of {name}",
        labels=rng.choice([(), (("team", "crm"),)]),
        limits=LimitSettings(settings),
        alerts=rng.choice([Alerts.ALL, Alerts.ALL, Alerts.NO_PAGE, Alerts.OFF]),
        expected_interval_seconds=rng.choice([None, None, None, 3600.0]),
    )
    begins, facts = 0, list[Facts]()
    while begins < MINUTES:
        facts.append(_draw_facts(rng, begins))
        begins += rng.randint(3, 35)
    start = rng.randint(35, 38) if workspace == OUTAGE else rng.randint(2, 2 * MINUTES)
    blind = range(start, start + rng.randint(36, 40) if workspace == OUTAGE else start + rng.randint(1, 40))
    return Timeline(integration, limits, -rng.choice([5, DAY - 20, 9 * DAY]), tuple(facts), blind)


def _draw_facts(rng: Random, begins: int) -> Facts:
    def seldom(share: float = 0.15) -> bool:
        return rng.random() < share

    def since() -> Since:
        return Since(at(begins - rng.choice([0, 3 * DAY - 9, 9 * DAY])), at_first_sight=seldom())

    finished = begins - rng.choice([1, 9, 29, 119])
    paused, gone = since() if seldom(0.08) else None, since() if seldom(0.05) else None
    if paused is not None and not seldom():
        finished = min(finished, int((paused.at - BEGIN) / timedelta(minutes=1)) - 1)
    running = finished + rng.choice([1, 8, 20]) if seldom(0.25) and paused is None else None
    return Facts(
        begins,
        rng.choice([*FINISHED_STATUSES, *[SyncStatus.SUCCESS] * 4]),
        streak=rng.randint(1, 4),
        finished=finished,
        rows=rng.choice([None, 0, 60, 1000]) if seldom(0.4) else 1000,
        failed_rows=rng.choice([None, 20, 500]) if seldom(0.3) else 0,
        lag=rng.choice([45, 200, -30, -90, -600]) if seldom(0.4) else 0,
        running_since=running if running is None or running <= begins else None,
        expected=begins + rng.choice([-60, -15, -5, 2, 20]) if seldom(0.4) else None,
        paused=paused,
        gone=gone,
        unscheduled=since() if seldom(0.2) else None,
        synced=not seldom(0.12),
        draft=seldom(0.03),
    )


# What the exporter makes of it


def state_at(timeline: Timeline, minute: int) -> IntegrationState:
    seen = timeline.seen_at(minute)
    facts = timeline.facts_at(seen)
    listed = ListedIntegration("i", integration_status="draft" if facts.draft else "active")
    polls = Polls(at(minute), at(seen))
    if minute != seen:
        failing_since = at(timeline.blind.start)
        polls = Polls(at(minute), at(seen), Failure("timeout", "no answer", at(minute)), failing_since)
    ledger = Ledger(at(timeline.first_seen), recent=facts.syncs(), history_known=True)
    state = IntegrationState(
        at(timeline.first_seen),
        ledger,
        listed,
        None if facts.expected is None else ExpectedRun(at(facts.expected), announced=True),
        paused=facts.paused,
        unscheduled=facts.unscheduled,
        gone=facts.gone,
        judged_at=at(seen),
        polls=polls if facts.gone is None else Polls(),
        summary=summarize(ledger, None),
    )
    return replace(state, session=replace(state.session, listed_at=0.0))


def view_at(timeline: Timeline, minute: int) -> View:
    return build_view(state_at(timeline, minute), timeline.watch)


def case_at(timeline: Timeline, minute: int) -> Case:
    stale_at = at(timeline.seen_at(minute) + STALE_AFTER)
    integration = timeline.integration
    interval = integration.expected_interval_seconds
    state, limits = state_at(timeline, minute), limits_in_effect(integration.limits)
    return Case(state, limits, stale_at, integration.alerts, expected_interval_seconds=interval)


# What contract 7 says


def is_up(timeline: Timeline, minute: int) -> bool | None:
    """Whether the integration can be polled; None where it is polled no more."""
    if timeline.facts_at(timeline.seen_at(minute)).gone is not None:
        return None
    return minute not in timeline.blind


def wrong_at(timeline: Timeline, minute: int) -> Iterator[Wrong]:
    """What must be reported at that minute."""
    seen = timeline.seen_at(minute)
    facts = timeline.facts_at(seen)
    if facts.draft:
        return
    raw = dict(_by_facts(timeline, facts, seen))
    if minute - seen >= STALE_AFTER:
        raw["stale"] = Severity.CRITICAL
    if minute != seen and facts.gone is None:
        raw["poll_failing"] = Severity.WARNING

    def is_shown(kind: str) -> bool:
        return not any(kind in hidden_by(other) and is_shown(other) for other in raw if other != kind)

    for kind, severity in raw.items():
        if is_shown(kind):
            most = {Alerts.ALL: severity, Alerts.NO_PAGE: Severity.WARNING, Alerts.OFF: Severity.INFO}
            yield Wrong(
                timeline.integration.integration_id, kind, min(severity, most[timeline.integration.alerts]).word
            )


def _by_facts(timeline: Timeline, facts: Facts, now: int) -> Iterator[tuple[str, Severity]]:
    """Each kind that holds by itself, whatever else does."""
    limits, critical, warning = timeline.limits, Severity.CRITICAL, Severity.WARNING
    syncs = facts.syncs()
    resumed = facts.paused is not None and bool(syncs) and syncs[0].sync_start_time > facts.paused.at
    has_interval = timeline.integration.expected_interval_seconds is not None
    for kind, since in (
        ("paused", None if resumed else facts.paused),
        ("gone", facts.gone),
        ("unscheduled", None if has_interval else facts.unscheduled),
    ):
        if since is not None:
            loud = not since.at_first_sight and at(now) - since.at < timedelta(days=3)
            yield kind, warning if loud else Severity.INFO
    delay = limits["start_delay"]
    deadline = None if delay is None or facts.expected is None else facts.expected + delay / 60
    runs_for = now - facts.running_since if facts.synced and facts.running_since is not None else None
    if runs_for is None and deadline is not None and now > deadline:
        yield "overdue", critical
    if not facts.synced:
        first_run_by = timeline.first_seen + DAY
        if deadline is not None:
            first_run_by = min(first_run_by, max(timeline.first_seen, int(deadline)))
        if now > first_run_by:
            yield "never_synced", warning
        return
    longest = limits["sync_duration"]
    if runs_for is not None and longest is not None:
        if runs_for * 60 > 3 * longest:
            yield "stuck", critical
        if runs_for * 60 > longest:
            yield "running_long", warning
    yield from _by_latest(limits, facts, now)


def _by_latest(limits: Mapping[str, float | None], facts: Facts, now: int) -> Iterator[tuple[str, Severity]]:
    """What the latest finished syncs show."""
    critical, warning = Severity.CRITICAL, Severity.WARNING
    status, streak = facts.status, facts.streak
    few, tolerated, oldest = limits["rows_synced"], limits["failed_syncs"], limits["success_age"]
    if status is SyncStatus.CONFIG_ERROR:
        yield "config_error", critical
    if status is SyncStatus.UNKNOWN:
        yield "unknown_status", warning
    if status in FAILED:
        too_many = tolerated is not None and streak > tolerated
        yield ("failing", critical) if too_many else ("failed", warning)
    lost = _rows_lost(facts, limits["failed_rows"])
    if lost is not None:
        yield "rows_failed", lost
    if few is not None and status not in FAILED and facts.rows is not None and facts.rows < few:
        yield "rows_low", critical if facts.rows == 0 and streak >= 3 else warning
    if limits["lag"] is not None and facts.lag * 60 > limits["lag"]:
        yield "behind", critical if facts.lag * 60 >= 3 * limits["lag"] else warning
    if facts.finished - facts.lag > now + 5:
        yield "future_watermark", critical
    good = status is SyncStatus.SUCCESS or (status is SyncStatus.PARTIAL and lost is None)
    last_good = facts.finished - (0 if good else 10 * streak)
    if oldest is not None and (now - last_good) * 60 > oldest:
        yield "success_too_old", critical


def _rows_lost(facts: Facts, limit: float | None) -> Severity | None:
    if limit is None:
        return None
    if facts.rows is None or facts.failed_rows is None:
        return Severity.WARNING if facts.status is SyncStatus.PARTIAL else None
    share = facts.failed_rows / max(1, facts.rows + facts.failed_rows)
    if share <= limit:
        return None
    return Severity.CRITICAL if share >= max(10 * limit, 0.2) else Severity.WARNING
