"""
What would have been reported of an integration in the past: its syncs, run through the judge of the daemon.

At each moment only what had happened by then is known, and limits are those learned by then, at the moments at which
the daemon learns them. A sync counts as running between its start and its finish. What only the list or the way to
Braze can show is left out. Between two events the judge looks again when a deadline or a limit passes. Pure.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import itemgetter

from exporter.domain.health_rules import turning_points
from exporter.domain.integration_state import IntegrationState, Moment, Session, Watch
from exporter.domain.learned import compare, learn_past
from exporter.domain.ledger import Ledger, Page, Walk, absorb
from exporter.domain.limits import Limits
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Sync, SyncStatus, Totals
from exporter.domain.normal import REFIT, is_refit_due, moment_of_learning, refit_at
from exporter.domain.past import MOST, Run, to_run
from exporter.domain.problem import Problem, Severity
from exporter.domain.settings import PollSettings
from exporter.domain.summary import summarize
from exporter.domain.transitions import on_gone, on_listing, with_expected
from exporter.domain.view import View, build_case, build_view

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
        self._integration = integration
        self._since = since
        self._until = until
        self._history = history
        self._syncs = syncs
        self._events = _in_order(syncs, listings)
        self._watch = Watch(integration, _NEVER_STALE)
        first = min((sync.sync_start_time for sync in syncs), default=since)
        self._ledger = Ledger(min(first, since))
        # Where its first sync is later than *since*, nobody knows whether it was there before.
        self._state = IntegrationState(first, session=Session(awaits_list=False))
        self._runs: list[Run] = []
        """Those that have finished, oldest first."""
        self._learned_at: datetime | None = None
        self._learned_from = 0
        """How many of them limits were learned from."""

    @property
    def syncs(self) -> int:
        """How many finish within the time."""
        return sum(sync.finished and self._since < sync.finished_at <= self._until for sync in self._syncs)

    def moments(self) -> Iterator[tuple[datetime, View]]:
        """
        Yield what is shown after each event, and whenever time alone has changed it, in the order of time.

        Counters begin at 0 at the first moment: what had finished by then is past.
        """
        self._go_to(self._since)
        self._ledger = replace(self._ledger, totals=Totals())
        now = self._since
        while now < self._until:
            view = self._look(now)
            yield now, view
            now = self._next_moment(now)
            self._go_to(now)
        yield self._until, self._look(self._until)

    def run(self) -> Replayed:
        """Return what would have been reported."""
        open_: dict[str, PastProblem] = {}
        ended: list[PastProblem] = []
        for now, view in self.moments():
            held = {WORSE.get(problem.kind, problem.kind): problem for problem in view.problems}
            over = [name for name in open_ if name not in held]
            ended += [replace(open_.pop(name), ended_at=now) for name in over]
            for name, problem in held.items():
                known = open_.get(name, PastProblem(problem, now))
                open_[name] = replace(known, problem=max(known.problem, problem, key=_badness))
        problems = sorted([*ended, *open_.values()], key=lambda one: (one.began_at, one.problem.kind))
        return Replayed(tuple(problems), view.limits or Limits(), self.syncs)

    def _go_to(self, now: datetime) -> None:
        """Take in what happens up to a moment, and learn from it."""
        finished = len(self._runs)
        while self._events and self._events[0][0] <= now:
            self._take(*self._events.popleft())
        if len(self._runs) > finished or self._is_due(now):
            self._learn(now)

    def _take(self, now: datetime, event: Event) -> None:
        if not isinstance(event, Sync):
            self._list(now, event)
            return
        # Beside it the page shows the latest sync that is known, so that none seems to have been missed.
        page = Page((event, *self._ledger.recent[:1]), last=False)
        self._ledger = absorb(self._ledger, Walk(), page, now=now, max_pages=1).ledger
        if event.finished:
            insort(self._runs, to_run(event), key=lambda run: run.start)

    def _list(self, now: datetime, listed: ListedIntegration | None) -> None:
        state = replace(self._state, ledger=self._ledger)
        if listed is None:
            change = on_gone(state, self._watch, now)
        else:
            change = on_listing(state, self._watch, listed, Moment(now, now.timestamp()), list_is_short=True)
        self._state = change.state

    def _learn(self, now: datetime) -> None:
        """Learn again where that is due; else compare the latest syncs with what is normal."""
        if not self._history:
            return
        runs, sensitivity = self._runs[-MOST:], self._integration.limits.sensitivity
        if self._is_due(now):
            moment = moment_of_learning(self._integration.integration_id, runs, now)
            zone = self._integration.timezone
            learned = learn_past(runs, moment, sensitivity, history=self._history, zone=zone)
            self._learned_at, self._learned_from = moment, len(self._runs)
        else:
            learned = compare(runs, self._watch.learned.normal, sensitivity)
        self._watch = replace(self._watch, learned=learned)

    def _is_due(self, now: datetime) -> bool:
        key, known = self._integration.integration_id, len(self._runs)
        return known > self._learned_from and is_refit_due(key, self._learned_at, known, new=True, now=now)

    def _look(self, now: datetime) -> View:
        state = replace(self._state, ledger=self._ledger, judged_at=now, summary=summarize(self._ledger, None))
        self._state = with_expected(state, self._watch, now)
        return build_view(self._state, self._watch)

    def _next_moment(self, now: datetime) -> datetime:
        """Return when something happens, or time alone may change the verdict; the end at the latest."""
        due = refit_at(self._integration.integration_id, now) + REFIT
        points = (due, *turning_points(build_case(self._state, self._watch)))
        passed = [look + _MOMENT for look in points if look < self._until]
        following = self._events[0][0] if self._events else self._until
        return min(following, self._until, *(at for at in passed if at > now))


def _in_order(
    syncs: Sequence[Sync], listings: Sequence[tuple[datetime, ListedIntegration | None]]
) -> deque[tuple[datetime, Event]]:
    """Return starts, finishes and listings in the order of time."""
    events: list[tuple[datetime, Event]] = [
        (sync.sync_start_time, Sync(sync.sync_start_time, SyncStatus.RUNNING)) for sync in syncs
    ]
    events += [(sync.finished_at, sync) for sync in syncs if sync.finished]
    return deque(sorted([*events, *listings], key=itemgetter(0)))


def _badness(problem: Problem) -> tuple[bool, Severity]:
    return problem.kind in WORSE, problem.severity
