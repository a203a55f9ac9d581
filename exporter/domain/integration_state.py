"""
All that is known of one integration, and the only ways in which it changes.

`IntegrationState` is a frozen value. Each event (a page of the list, a poll's end, a list that no longer shows it) has
one pure transition, which returns a `Change`: the new state, whether it must be committed before it is shown, and when
the integration's own endpoint is asked next. The poller applies a change in one order: commit, publish, reschedule,
log. Nothing else patches a state, the store keeps exactly this value, and pages show a view computed from it.

What the list reports stays known when the list cannot be read, and beyond a restart. What holds for this process only,
in monotonic seconds, is in `Session` and is not kept.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from exporter.domain.errors import NotFoundError, PollError
from exporter.domain.expected_run import ExpectedRun, Schedule, expect
from exporter.domain.ledger import Ledger
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Failure, Integration, Polls, Sync, SyncStatus
from exporter.domain.poll_queue import phase
from exporter.domain.settings import PollSettings
from exporter.domain.summary import Summary, summarize

RUNNING_INTERVALS = 10
"""A sync that the list shows running is looked up itself after this number of intervals, since another may have
finished before it began; and again each time it has been running for twice as long."""
VERIFY_SPREAD = 0.25
"""Verifications are put off by up to this part of `verify_after`: not all at once, nor just before a regular sync."""
GONE_SECONDS = 3600.0
"""A configured integration that answers 404 is asked this seldom."""
COMMIT_SHARE = 4
"""A state that does not change is committed again after this part of `stale_after`."""

_PAUSED = ("paused", "inactive", "disabled", "stopped", "archived")
NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on two clocks: the time of day, and monotonic seconds."""

    now: datetime
    monotonic: float


@dataclass(frozen=True, slots=True)
class Since:
    """When a fact of Braze's list was first seen."""

    at: datetime
    at_first_sight: bool = False
    """Whether it was so when the integration was first seen, so that nobody knows since when."""


@dataclass(frozen=True, slots=True)
class Session:
    """What holds since the process began. All times are monotonic seconds."""

    listed_at: float = NEVER
    """When the list last showed it; NEVER also once that is too long ago."""
    awaits_list: bool = True
    """Whether the list may yet report what is announced; until then the run that was expected before stays so."""
    asked_at: float = NEVER
    """When its own endpoint last answered."""
    asked_newest: tuple[datetime | None, SyncStatus | None] | None = None
    """What the list showed before its own endpoint last answered."""
    asked_newest_at: float = NEVER
    """When its own endpoint first answered while the list showed that."""
    begun_at: float = NEVER
    """When the list first showed the running sync."""


@dataclass(frozen=True, slots=True)
class IntegrationState:
    """Everything known of one integration. The transitions below are its only writers."""

    first_seen_at: datetime
    ledger: Ledger | None = None
    """None until its own endpoint has answered."""
    listed: ListedIntegration | None = None
    """As the list last described it; a name or status that the list has lost stays."""
    expected: ExpectedRun | None = None
    had_schedule: bool = False
    """Whether the list has ever announced a run."""
    paused: Since | None = None
    """While the list says so; a sync that starts later ends what it means."""
    unscheduled: Since | None = None
    """While the list says that there is no next run, after it had announced one."""
    gone: Since | None = None
    renamed_to: str = ""
    """The name that the filters of discovery no longer let through; `listed` keeps the one that they did."""
    resumed_at: datetime | None = None
    judged_at: datetime | None = None
    """Up to when it is known how the integration fares: the latest good poll, by whichever endpoint."""
    polls: Polls = field(default_factory=Polls)
    summary: Summary = field(default_factory=Summary)
    """What ledger and list say of its syncs; derived."""
    session: Session = field(default_factory=Session, compare=False)

    @property
    def is_listed(self) -> bool:
        """Whether the list shows it at present."""
        return self.session.listed_at > NEVER

    @property
    def known_newest(self) -> Sync | None:
        """The newest sync in the ledger."""
        return self.ledger.recent[0] if self.ledger is not None and self.ledger.recent else None

    @property
    def is_paused(self) -> bool:
        """Whether it is paused in Braze and no sync has started since."""
        if self.paused is None:
            return False
        newest = self.summary.newest
        return newest is None or newest.sync_start_time <= self.paused.at

    @property
    def is_draft(self) -> bool:
        """Whether Braze calls it a draft, which never syncs."""
        return self.listed is not None and "draft" in self.listed.integration_status.lower()

    @property
    def list_suffices(self) -> bool:
        """Whether the list tells its newest sync, so that its own endpoint may rest."""
        return self.is_listed and self.listed is not None and not self.listed.leaves_open(self.known_newest)


class Ask(Enum):
    """When an integration's own endpoint is asked next."""

    AS_PLANNED = auto()
    AT_ONCE = auto()
    REGULARLY = auto()
    """Not later than its regular turn."""
    AT = auto()
    """At the moment that `Change.ask_at` names."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an event has changed, and what the poller must do about it."""

    state: IntegrationState
    commit: bool
    """Whether the state must be committed before it is shown."""
    ask: Ask = Ask.AS_PLANNED
    ask_at: float | None = None
    """Monotonic seconds."""
    polled: bool = False
    """Whether the event counts as a poll of the integration."""


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one poll of an integration's own endpoint has read."""

    ledger: Ledger | None
    """As the pages read have left it; the very same object as before when they changed nothing."""
    counted: tuple[Sync, ...] = ()
    error: PollError | None = None
    """Why the poll failed, or its walk broke off; None when all went well."""
    pages: int = 0
    """Pages read; none when nothing was learned about the integration."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What the transitions need to know of the configuration."""

    integration: Integration
    poll: PollSettings


def on_start(state: IntegrationState, moment: Moment) -> IntegrationState:
    """Return a state that was kept, as a process that has just begun takes it up."""
    # What is known from before a restart is verified in its time; the list shows sooner whether it has changed.
    asked_at = moment.monotonic if state.ledger is not None else NEVER
    return replace(state, session=Session(asked_at=asked_at), summary=summarize(state.ledger, None))


def on_listing(
    state: IntegrationState, watch: Watch, listed: ListedIntegration, moment: Moment, *, list_is_short: bool
) -> Change:
    """
    Take in the record that a page of the list has of the integration.

    Args:
        state: As it was.
        watch: Its configuration.
        listed: The record.
        moment: When the page came.
        list_is_short: Whether the list is read every interval, so that it may stand for polls of the integration.

    """
    newest = state.known_newest
    same, unknown = _compare(state, listed)
    begun = listed.newly_running(state.summary.newest) is not None
    session = replace(
        state.session, listed_at=moment.monotonic, begun_at=moment.monotonic if begun else state.session.begun_at
    )
    after = _with_facts(replace(state, session=session, gone=None, renamed_to=""), listed, moment.now)
    after = _with_expected(after, watch, moment.now)
    if after.ledger is None or after.polls.failure is not None:
        return _change(state, after, watch)
    if unknown or not (same or list_is_short or _is_changed(state, listed, newest)):
        return _change(state, after, watch, ask=Ask.REGULARLY)
    if not same and _is_changed(state, listed, newest):
        return _change(state, after, watch, ask=Ask.AT_ONCE)
    if not list_is_short:
        return _change(state, after, watch, ask=Ask.REGULARLY)
    polls = Polls(moment.now, moment.now)
    after = replace(after, judged_at=moment.now, polls=polls)
    return _change(state, after, watch, ask=Ask.AT, ask_at=rests_until(after, watch), polled=True)
