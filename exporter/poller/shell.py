"""
The integrations that a workspace watches, and the one place where what has changed takes effect.

`apply` acts in one order: commit → publish → reschedule. There is no await in it, so no two events mix, no page is
torn, and what a page has shown is on disk. Decides nothing: the transitions of the domain do. What cannot be shown
because of a defect stays as it was shown, and goes stale; it is committed and scheduled all the same. A poll
whose end cannot be taken in is a failed one: the ledger stays as it was, so that a later poll counts the rest.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Concatenate, ParamSpec, Protocol

from exporter.braze.clock import BrazeClock
from exporter.domain.detail import Detail
from exporter.domain.integration_state import Ask, Change, IntegrationState, Moment, PollResult, Watch
from exporter.domain.learned import Learned
from exporter.domain.ledger import Ledger
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration, Sync
from exporter.domain.poll_queue import PollQueue, next_turn, phase
from exporter.domain.settings import WorkspaceSettings
from exporter.domain.transitions import on_poll_end, on_start
from exporter.domain.view import View, build_view
from exporter.metrics.page import Page
from exporter.poller.report import Reporter
from exporter.poller.trail import Trail
from exporter.state.pasts import Progress
from exporter.state.store import KEPT_FOR, Store

P = ParamSpec("P")


class Learning(Protocol):
    """Who learns from the past."""

    def restore(self, integration: Integration, state: IntegrationState | None, /) -> Learned:
        """Return what was learned of an integration before it was watched here."""

    def grew(self, integration_id: str, /, *, whole: bool = False) -> None:
        """Take note that syncs were added to a past, and whether all of its history has been read with them."""

    def forget(self, integration_id: str, /) -> None:
        """Drop what is known of an integration that is no longer watched."""


class Unlearned:
    """Learns nothing."""

    def restore(self, _integration: Integration, _state: IntegrationState | None, /) -> Learned:
        return Learned()

    def grew(self, _integration_id: str, /, *, whole: bool = False) -> None:
        """Nothing follows."""

    def forget(self, _integration_id: str, /) -> None:
        """Nothing is known."""


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

    def __init__(
        self,
        settings: WorkspaceSettings,
        store: Store,
        page: Page,
        clock: BrazeClock,
        report: Reporter,
        *,
        carried: Mapping[str, IntegrationState],
    ) -> None:
        self.queue = PollQueue(settings.poll.interval_seconds)
        self._settings = settings
        self._store = store
        self._page = page
        self._clock = clock
        self._report = report
        self._watched: dict[str, Watched] = {}
        self.learner: Learning = Unlearned()
        self.trail = Trail()
        self._carried = dict(carried)
        self._kept = {key: state for key, state in store.load(settings.name).items() if key not in carried}
        self._seen_early: dict[str, float] = {}
        """What was first seen before Braze's time was known, and at which monotonic second."""

    def __iter__(self) -> Iterator[Watched]:
        return iter(tuple(self._watched.values()))

    def __contains__(self, key: str) -> bool:
        return key in self._watched

    def get(self, key: str) -> Watched | None:
        return self._watched.get(key)

    @property
    def kept(self) -> Mapping[str, IntegrationState]:
        """What is known from before of integrations that are not watched, by their ids."""
        return {**self._kept, **self._carried}

    def _take_up(self, key: str, state: IntegrationState) -> IntegrationState:
        """Return a state as a process takes it up that has just begun."""
        try:
            return on_start(state, self.moment())
        except Exception as error:  # noqa: BLE001 - a defect must cost no more than what follows from it
            self._report.followed(key, error)
            return state

    def admit(self, integration: Integration, *, configured: bool) -> Watched:
        """Watch an integration with what is known of it, and make it due unless it is gone; it is not shown yet."""
        key, moment = integration.integration_id, self.moment()
        carried, kept = self._carried.pop(key, None), self._kept.pop(key, None)
        state = carried or self._take_up(key, kept or IntegrationState(first_seen_at=moment.now))
        new = carried is None and kept is None
        if new and self._clock.skew_seconds is None:
            self._seen_early[key] = moment.monotonic
        watch = Watch(integration, self._settings.poll, self.learner.restore(integration, None if new else state))
        view = self._build(state, watch) or View(integration)
        one = self._watched[key] = Watched(watch, configured, state, view)
        self._report.admitted(one.view, moment.now, found=new and not configured)
        if configured or state.gone is None:
            self.queue.add(key, moment.monotonic)
        return one

    def show(self) -> None:
        """Show what is watched from now on. What is known of others stays; if not configured, a list brings it back."""
        self._kept, self._carried = dict(self.kept), {}
        for key, state in self._kept.items():
            if state.listed is not None:
                self._kept[key] = replace(state, listed=None)
                self._store.commit(self._settings.name, key, self._kept[key])
        self._clock.on_found = self._set_first_seen
        for one in self:
            self._publish(one.view)

    def relearn(self, one: Watched, learned: Learned) -> None:
        """Judge an integration by what has been learned now."""
        one.watch = replace(one.watch, learned=learned)
        self._show(one, Change(one.state, commit=False))

    def still_gone(self, listed: Container[str]) -> Iterator[Watched]:
        """Yield the discovered integrations that are gone and not *listed*; one gone for long is forgotten instead."""
        for one in self:
            if one.state.gone is None or one.configured or one.key in listed:
                continue
            if self._clock.now() - one.state.gone.at > KEPT_FOR:
                self.withdraw(one)
            else:
                yield one

    def withdraw(self, one: Watched) -> None:
        """Forget an integration for good."""
        self.trail.forget(one.key)
        self.learner.forget(one.key)
        self._report.forgotten(one.view)
        del self._watched[one.key]
        self.queue.remove(one.key)
        self._page.withdraw(self._settings.name, one.key)
        self._store.forget(self._settings.name, one.key)

    def apply(
        self,
        one: Watched,
        transition: Callable[Concatenate[IntegrationState, Watch, P], Change | None],
        /,
        *event: P.args,
        **about: P.kwargs,
    ) -> Change | None:
        """Let what an event has changed take effect. Returns that; None for nothing, or because of a defect."""
        try:
            change = transition(one.state, one.watch, *event, **about)
            if change is not None:
                self._show(one, change)
        except Exception as error:  # noqa: BLE001 - a defect must cost this event, not those behind it
            self._report.followed(one.key, error)
            self.ask_regularly(one)  # its own endpoint can tell what the list could not
            return None
        if change is not None and one.key in self.queue:
            self._reschedule(one, change)
        return change

    def _reschedule(self, one: Watched, change: Change) -> None:
        if change.ask is Ask.AT_ONCE:
            self.queue.expedite(one.key, self._clock.monotonic())
        elif change.ask is Ask.REGULARLY:
            self.ask_regularly(one)
        elif change.ask is Ask.AT and change.ask_at is not None:
            self.queue.reschedule(one.key, change.ask_at)

    def end_poll(
        self, one: Watched, result: PollResult, asking: ListedIntegration | None, moment: Moment, *, list_covers: bool
    ) -> PollResult:
        """Let what a poll has changed take effect, add to the past, and give the next turn. Returns how it ended."""
        try:
            self._end_poll(one, result, asking, moment, list_covers=list_covers)
        except Exception as error:  # noqa: BLE001 - a defect must fail this poll, and nothing else
            result = PollResult(one.state.ledger, error=self._report.defect(one.key, error))
            self._end_poll(one, result, asking, moment, list_covers=list_covers)
        return result

    def _end_poll(
        self, one: Watched, result: PollResult, asking: ListedIntegration | None, moment: Moment, *, list_covers: bool
    ) -> None:
        change = on_poll_end(one.state, one.watch, result, asking, moment, list_covers=list_covers)
        before, after = one.state.ledger, change.state.ledger
        if before is not None and after is not None and after.gaps > before.gaps:  # the past has a hole now
            self._store.add_to_past(self._settings.name, one.key, (), Progress(read_to=moment.now))
        syncs = (*result.counted, *_newly_seen(before, after))
        self._show(one, change, syncs, result.counted)
        if syncs:
            self.past_grew(one)
        rests = change.state.polls.failure is None or change.state.gone is not None
        self.queue.done(one.key, self._clock.monotonic(), succeeded=rests, due=change.ask_at)

    def ask_regularly(self, one: Watched) -> None:
        """Let an integration rest no longer than until its regular turn; one that Braze does not know rests."""
        if one.key in self.queue and one.state.gone is None:
            turn = next_turn(self._clock.monotonic(), self.queue.interval, phase(one.key))
            self.queue.bring_forward(one.key, turn)

    def turns(self) -> Callable[[str], datetime | None]:
        """Return a function from an id to the time its own endpoint is due, as of now; None for one without a turn."""
        dues, at = self.queue.dues(), self.moment()
        return lambda key: at.now + timedelta(seconds=dues[key] - at.monotonic) if key in dues else None

    def detail(self, integration_id: str) -> Detail | None:
        """Return one integration in depth; None where it is not watched. Reads its past from the disk."""
        one = self.get(integration_id)
        if one is None:
            return None
        past = self._store.load_past(self._settings.name, one.key).past
        return Detail(one.state, one.view, one.watch, past, self.trail.about(one.key), self.trail.for_list)

    def moment(self) -> Moment:
        return Moment(self._clock.now(), self._clock.monotonic())

    def _set_first_seen(self) -> None:
        """Date by Braze's clock what was first seen before it was known."""
        moment = self.moment()
        for one in self:
            if one.key in self._seen_early:
                seen = moment.now - timedelta(seconds=moment.monotonic - self._seen_early[one.key])
                self._show(one, Change(replace(one.state, first_seen_at=seen), commit=False))
        self._seen_early.clear()

    def past_grew(self, one: Watched, *, whole: bool = False) -> None:
        """Take in that syncs were added to the past of an integration, and whether its history is whole with them."""
        self.learner.grew(one.key, whole=whole)

    def _show(self, one: Watched, change: Change, syncs: tuple[Sync, ...] = (), counted: tuple[Sync, ...] = ()) -> None:
        state = change.state
        view = self._build(state, one.watch)
        if change.commit or syncs or view is None or view.verdict != one.view.verdict:
            state = replace(state, session=replace(state.session, committed_at=state.judged_at))
            self._store.commit(self._settings.name, one.key, state, syncs)
        one.state = state
        if view is not None:
            one.view = view
            self._publish(view)
            self._report.finished(view, ((sync, one.watch.learned.usual_rows(sync)) for sync in counted))
            self._report.judged(view, self._clock.now())

    def _build(self, state: IntegrationState, watch: Watch) -> View | None:
        try:
            return build_view(state, watch)
        except Exception as error:  # noqa: BLE001 - a defect must cost this view and nothing else
            self._report.shown(watch.integration.integration_id, error)
            return None

    def _publish(self, view: View) -> None:
        try:
            self._page.publish(view)
        except Exception as error:  # noqa: BLE001 - as above
            self._report.shown(view.integration.integration_id, error)
        else:
            self._report.shown(view.integration.integration_id)


def _newly_seen(before: Ledger | None, after: Ledger | None) -> list[Sync]:
    """Return finished syncs that are new, or that Braze has revised; at first sight none of them is counted."""
    if after is None or after is before:
        return []
    known = () if before is None else before.recent
    return [sync for sync in after.recent if sync.finished and sync not in known]
