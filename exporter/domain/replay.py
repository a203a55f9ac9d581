"""
What would have been reported of an integration in the past: its syncs, run through the judge of the daemon.

At each moment only what had happened by then is known, and limits are those learned by then, at the moments at which
the daemon learns them. A sync counts as running between its start and its finish. What only the list or the way to
Braze can show is left out. Between two events the judge looks again when a deadline or a limit passes. Pure.
"""

from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from exporter.domain.integration_state import NEVER, IntegrationState, Moment, Session, Watch
from exporter.domain.learned import compare, learn_past
from exporter.domain.ledger import EMPTY_PAST, Ledger, Page, Walk, absorb
from exporter.domain.limits import Limits
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Sync, SyncStatus, Totals
from exporter.domain.normal import REFIT, is_refit_due, moment_of_learning, refit_at
from exporter.domain.past import MOST, Run, to_run
from exporter.domain.problem import Problem
from exporter.domain.settings import PollSettings
from exporter.domain.summary import summarize
from exporter.domain.transitions import on_gone, on_listing, with_expected
from exporter.domain.view import View, build_view

WORSE = {"failing": "failed", "stuck": "running_long"}
"""The worse name of one problem -> the name under which it begins."""
_MOMENT = timedelta(seconds=1)
"""How long after a deadline it has passed."""
Event = Sync | ListedIntegration | None
_NEVER_STALE = PollSettings(stale_after_seconds=1e9)


@dataclass(frozen=True, slots=True)
class PastProblem:
    """One problem, from when it would have been reported until it ended."""

    problem: Problem
    """Under its worst name and severity, with the value and the limit of that moment."""
    began_at: datetime
    ended_at: datetime | None = None
    """None while it holds at the end."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """All that would have been reported of an integration."""

    problems: tuple[PastProblem, ...]
    """In the order in which they began."""
    limits: Limits
    """In effect at the end."""
    syncs: int
    """Finished within the time."""


class Replay:
    """
    Runs through the past of one integration.

    Args:
        integration: As configured, with its limits.
        syncs: Its syncs, in any order, from *history* before the first moment that is judged.
        since: From when on problems are reported.
        until: Up to when.
        history: How far back is learned from; nothing where it is zero.
        listings: What Braze's list showed from when on, where that is known; None where it showed the integration no
            more.

    """

    def __init__(
        self,
        integration: Integration,
        syncs: Sequence[Sync],
        since: datetime,
        until: datetime,
        history: timedelta,
        *,
        listings: Sequence[tuple[datetime, ListedIntegration | None]] = (),
    ) -> None:
        self._listings = listings
        self._integration = integration
        self._since = since
        self._until = until
        self._history = history
        self._syncs = [sync for sync in syncs if sync.sync_start_time <= until]
        self._watch = Watch(integration, _NEVER_STALE)
        self._learned_at: datetime | None = None
        first = min((sync.sync_start_time for sync in syncs), default=since)
        self._first_seen_at = first
        """Where its first sync is later than *since*, nobody knows whether it was there before."""
        page = Page((), last=True)
        begun_at = min(first, since) + EMPTY_PAST
        self._ledger: Ledger = absorb(None, Walk(), page, now=begun_at, max_pages=1).ledger
        self._state = IntegrationState(self._first_seen_at, session=Session(listed_at=NEVER, awaits_list=False))
        self._runs: list[Run] = []
        """Those that have finished, oldest first."""
        self._grown = False
        """Whether there are more since limits were learned."""

    @property
    def syncs(self) -> int:
        """How many finish within the time."""
        return sum(sync.finished and self._since < sync.finished_at <= self._until for sync in self._syncs)

    def moments(self) -> Iterator[tuple[datetime, View]]:
        """
        Yield what is shown after each event, and whenever time alone has changed it, in the order of time.

        Counters begin at 0 at the first moment: what had finished by then is past.
        """
        events = self._events()
        pending = next(events, None)
        while pending is not None and pending[0] < self._since:
            self._take(*pending)
            pending = next(events, None)
        now = self._since
        self._ledger = replace(self._ledger, totals=Totals())
        self._learn(now)
        while True:
            view = self._look(now)
            yield now, view
            look_at = self._next_look(view, now)
            if pending is not None and pending[0] <= min(look_at, self._until):
                now, finished = max(now, pending[0]), False
                while pending is not None and pending[0] <= now:
                    self._take(*pending)
                    finished |= isinstance(pending[1], Sync) and pending[1].finished
                    pending = next(events, None)
                if finished:
                    self._learn(now)
            elif look_at <= self._until:
                now = look_at
            else:
                break
            if self._grown and self._is_due(now):
                self._learn(now)
        yield self._until, self._look(self._until)

    def run(self) -> Replayed:
        """Return what would have been reported."""
        open_: dict[str, PastProblem] = {}
        ended: list[PastProblem] = []
        view: View | None = None
        for now, view in self.moments():
            held = {WORSE.get(problem.kind, problem.kind): problem for problem in view.problems}
            over = [name for name in open_ if name not in held]
            ended += [replace(open_.pop(name), ended_at=now) for name in over]
            for name, problem in held.items():
                known = open_.get(name)
                open_[name] = PastProblem(problem, now) if known is None else worst(known, problem)
        problems = sorted([*ended, *open_.values()], key=lambda one: (one.began_at, one.problem.kind))
        return Replayed(tuple(problems), view.limits if view is not None else Limits(), self.syncs)

    def _events(self) -> Iterator[tuple[datetime, Event]]:
        """Yield starts and finishes with their syncs, and listings, in the order of time; a finish before a start."""
        events: list[tuple[datetime, int, Event]] = [(at, 2, listed) for at, listed in self._listings]
        for sync in self._syncs:
            if sync.finished and sync.finished_at <= self._until:
                events.append((sync.finished_at, 0, sync))
            if not sync.finished or sync.finished_at > sync.sync_start_time:
                events.append((sync.sync_start_time, 1, Sync(sync.sync_start_time, SyncStatus.RUNNING)))
        for at, _, event in sorted(events, key=lambda event: event[:2]):
            yield at, event

    def _take(self, now: datetime, event: Event) -> None:
        if not isinstance(event, Sync):
            self._list(now, event)
            return
        self._ledger = absorb(self._ledger, Walk(), Page((event,), last=True), now=now, max_pages=1).ledger
        if event.finished:
            insort(self._runs, to_run(event), key=lambda run: run.start)
            self._grown = True

    def _list(self, now: datetime, listed: ListedIntegration | None) -> None:
        moment = Moment(now, now.timestamp())
        state = replace(self._state, ledger=self._ledger, summary=summarize(self._ledger, listed))
        if listed is None:
            change = on_gone(state, self._watch, now)
        else:
            change = on_listing(state, self._watch, listed, moment, list_is_short=True)
        self._state = change.state

    def _learn(self, now: datetime) -> None:
        """Learn again where that is due; else compare the latest syncs with what is normal."""
        if not self._history or not self._runs:
            return
        runs, sensitivity = self._runs[-MOST:], self._integration.limits.sensitivity
        if self._is_due(now):
            moment = moment_of_learning(self._integration.integration_id, runs, now)
            zone = self._integration.timezone
            learned = learn_past(runs, moment, sensitivity, history=self._history, zone=zone)
            self._learned_at, self._grown = moment, False
        else:
            learned = compare(runs, self._watch.learned.normal, sensitivity)
        self._watch = replace(self._watch, learned=learned)

    def _is_due(self, now: datetime) -> bool:
        key = self._integration.integration_id
        return is_refit_due(key, self._learned_at, len(self._runs), new=self._grown, now=now)

    def _look(self, now: datetime) -> View:
        state = replace(self._state, ledger=self._ledger, judged_at=now, summary=summarize(self._ledger, None))
        self._state = with_expected(state, self._watch, now)
        return build_view(self._state, self._watch)

    def _next_look(self, view: View, now: datetime) -> datetime:
        """Return when time alone may change the verdict."""
        looks = [self._first_seen_at + timedelta(days=1), refit_at(self._integration.integration_id, now) + REFIT]
        if view.start_deadline_at is not None:
            looks.append(view.start_deadline_at)
        running, limit = view.latest, view.limits.sync_duration.value
        if running is not None and not running.finished and limit is not None:
            looks += [running.sync_start_time + timedelta(seconds=limit * factor) for factor in (1, 3)]
        good, age = view.last_success_at, view.limits.success_age.value
        if good is not None and age is not None:
            looks.append(good + timedelta(seconds=age))
        return min(look + _MOMENT for look in looks if look + _MOMENT > now)


def worst(known: PastProblem, problem: Problem) -> PastProblem:
    """Return a problem that goes on, under its worst name and severity."""
    named_worse = problem.kind in WORSE and known.problem.kind not in WORSE
    rises = problem.severity > known.problem.severity and not (
        known.problem.kind in WORSE and problem.kind not in WORSE
    )
    return replace(known, problem=problem) if named_worse or rises else known
