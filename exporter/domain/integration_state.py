"""
All that is known of one integration.

`IntegrationState` is a frozen value. Each event has one pure transition, in `transitions.py`, which returns a `Change`:
the new state, whether it must be committed before it is shown, and when the integration's own endpoint is asked next.
The poller applies a change in one order: commit, publish, reschedule, log. Nothing else changes a state, the store
keeps exactly this value, and pages show a view of it.

What the list reports stays known while the list cannot be read, and beyond a restart. What holds for this process only,
in monotonic seconds, is in `Session` and is not kept.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from exporter.domain.errors import PollError
from exporter.domain.expected_run import ExpectedRun
from exporter.domain.learned import Learned
from exporter.domain.ledger import Ledger
from exporter.domain.limits import Limits
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Polls, Sync, SyncStatus
from exporter.domain.settings import PollSettings
from exporter.domain.summary import Summary

NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on two clocks: the time of day, and monotonic seconds."""

    now: datetime
    monotonic: float


@dataclass(frozen=True, slots=True)
class Watch:
    """What transitions and judge need besides the state: configuration, and what was learned."""

    integration: Integration
    poll: PollSettings
    learned: Learned = field(default_factory=Learned)
    """From the integration's own past; replaced when that has grown or was learned from again."""
    _known: list[tuple[Summary, Limits]] = field(default_factory=list, init=False, compare=False, repr=False)

    def limits(self, summary: Summary) -> Limits:
        """Return the limits in effect; worked out once for the same syncs, which the list shows again and again."""
        if not self._known or self._known[0][0] != summary:
            self._known[:] = [(summary, self.learned.limits(self.integration.limits, summary))]
        return self._known[0][1]


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
    asked_latest: tuple[datetime | None, SyncStatus | None] | None = None
    """What the list showed before its own endpoint last answered."""
    asked_latest_at: float = NEVER
    """When its own endpoint first answered while the list showed that."""
    begun_at: float = NEVER
    """When the list first showed the running sync."""
    replaced_by: str = ""
    """The id of another integration that bears its name, which complete listings no longer show."""
    committed_at: datetime | None = None
    """`judged_at` as last committed."""


@dataclass(frozen=True, slots=True)
class IntegrationState:
    """Everything known of one integration. The transitions are its only writers."""

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
    """A name that the filters of discovery do not let through; `listed` keeps the one that they did."""
    resumed_at: datetime | None = None
    judged_at: datetime | None = None
    """Up to when it is known how the integration fares: the latest good poll, by whichever endpoint."""
    polls: Polls = field(default_factory=Polls)
    summary: Summary = field(default_factory=Summary, compare=False)
    """What ledger and list say of its syncs; derived from both."""
    session: Session = field(default_factory=Session, compare=False)

    @property
    def is_listed(self) -> bool:
        """Whether the list shows it at present."""
        return self.session.listed_at > NEVER

    @property
    def latest_counted(self) -> Sync | None:
        """The latest sync in the ledger."""
        return self.ledger.recent[0] if self.ledger is not None and self.ledger.recent else None

    @property
    def is_paused(self) -> bool:
        """Whether it is paused in Braze and no sync has started since."""
        latest = self.summary.latest
        return self.paused is not None and (latest is None or latest.sync_start_time <= self.paused.at)

    @property
    def is_draft(self) -> bool:
        """Whether Braze calls it a draft, which never syncs."""
        return self.listed is not None and self.listed.is_draft

    @property
    def is_told_by_list(self) -> bool:
        """Whether the list tells its latest sync, so that its own endpoint may rest."""
        return self.is_listed and self.listed is not None and not self.listed.leaves_open(self.latest_counted)


class Ask(Enum):
    """When an integration's own endpoint is asked next."""

    AS_PLANNED = auto()
    AT_ONCE = auto()
    REGULARLY = auto()
    """Not later than its regular turn."""
    AT = auto()
    """At `Change.ask_at`, or regularly where that is None."""


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
    """Whether the list has stood for a poll of the integration."""


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
