"""
The integrations that a workspace watches, and the one place where what has changed takes effect.

`apply` acts in one order: commit → publish → reschedule. There is no await in it, so no two events mix, no page is
torn, and what a page has shown is on disk. Decides nothing: the transitions of the domain do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from exporter.braze.clock import BrazeClock
from exporter.domain.integration_state import Ask, Change, IntegrationState, Moment, Watch
from exporter.domain.limits import limits_in_effect
from exporter.domain.model import Integration
from exporter.domain.poll_queue import PollQueue, next_turn, phase
from exporter.domain.settings import WorkspaceSettings
from exporter.domain.transitions import on_start
from exporter.domain.view import View, build_view
from exporter.metrics.page import Page
from exporter.state.store import Store


@dataclass(slots=True)
class Watched:
    """An integration that is watched; only `Shell.apply` replaces its state."""

    watch: Watch
    configured: bool
    """Whether the configuration names it; else discovery found it."""
    state: IntegrationState
    view: View

    @property
    def key(self) -> str:
        return self.watch.integration.integration_id


class Shell:
    """Keeps, shows and schedules the integrations of one workspace."""

    def __init__(self, settings: WorkspaceSettings, store: Store, page: Page, clock: BrazeClock) -> None:
        self.queue = PollQueue(settings.poll.interval_seconds)
        self._settings = settings
        self._store = store
        self._page = page
        self._clock = clock
        self._watched: dict[str, Watched] = {}
        self._seen_by_our_clock: set[str] = set()
        """What was first seen before Braze has told the time."""
        clock.on_found = self._set_first_seen

    def __iter__(self) -> Iterator[Watched]:
        return iter(tuple(self._watched.values()))

    def __contains__(self, key: str) -> bool:
        return key in self._watched

    def get(self, key: str) -> Watched | None:
        return self._watched.get(key)

    def kept(self) -> Mapping[str, IntegrationState]:
        """What the store has of the workspace, by integration id."""
        return self._store.load(self._settings.name)

    def admit(self, integration: Integration, kept: IntegrationState | None, *, configured: bool) -> Watched:
        """Watch an integration: show what is known of it from before, and make it due unless it is gone."""
        key, moment = integration.integration_id, self.moment()
        if kept is None and self._clock.skew_seconds is None:
            self._seen_by_our_clock.add(key)
        watch = Watch(integration, self._settings.poll, limits_in_effect(integration.limits))
        state = on_start(kept or IntegrationState(first_seen_at=moment.now), moment)
        one = self._watched[key] = Watched(watch, configured, state, build_view(state, watch))
        if configured or state.gone is None:
            self.queue.add(key, moment.monotonic)
        self._page.publish(one.view)
        return one

    def withdraw(self, one: Watched) -> None:
        """Forget an integration for good."""
        del self._watched[one.key]
        self.queue.remove(one.key)
        self._page.withdraw(self._settings.name, one.key)
        self._store.forget(self._settings.name, one.key)

    def apply(self, one: Watched, change: Change) -> None:
        """Let what an event has changed take effect."""
        self._show(one, change)
        if one.key not in self.queue:
            return
        if change.ask is Ask.AT_ONCE:
            self.queue.expedite(one.key, self._clock.monotonic())
        elif change.ask is Ask.REGULARLY:
            self.ask_regularly(one)
        elif change.ask is Ask.AT and change.ask_at is not None:
            self.queue.reschedule(one.key, change.ask_at)

    def end_poll(self, one: Watched, change: Change) -> None:
        """Let what a poll has changed take effect, and give the integration its next turn."""
        self._show(one, change)
        rests = change.state.polls.failure is None or change.state.gone is not None
        self.queue.done(one.key, self._clock.monotonic(), succeeded=rests, due=change.ask_at)

    def ask_regularly(self, one: Watched) -> None:
        """Let an integration rest no longer than until its regular turn; one that Braze does not know rests."""
        if one.key in self.queue and one.state.gone is None:
            turn = next_turn(self._clock.monotonic(), self.queue.interval, phase(one.key))
            self.queue.bring_forward(one.key, turn)

    def moment(self) -> Moment:
        return Moment(self._clock.now(), self._clock.monotonic())

    def _set_first_seen(self, ahead: timedelta) -> None:
        """Put what our clock has dated on Braze's, which is *ahead* of it."""
        for one in self:
            if one.key in self._seen_by_our_clock:
                state = replace(one.state, first_seen_at=one.state.first_seen_at + ahead)
                self._show(one, Change(state, commit=False))
        self._seen_by_our_clock.clear()

    def _show(self, one: Watched, change: Change) -> None:
        state = change.state
        view = build_view(state, one.watch)
        if change.commit or view.verdict != one.view.verdict:
            state = replace(state, session=replace(state.session, committed_at=state.judged_at))
            self._store.commit(self._settings.name, one.key, state)
        one.state, one.view = state, view
        self._page.publish(view)
