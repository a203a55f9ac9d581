"""
One workspace: watch its integrations by polls and by the list, and apply what follows.

Takes events in, lets the domain decide what each means for an integration, and hands the change to the shell, which
lets it take effect; then it is logged. Decides what concerns the whole workspace: whether the list and the endpoint can
be relied on, and which integrations there are. One that is taken away while a poll is in flight stays away.
"""

from collections.abc import Mapping

from structlog.typing import FilteringBoundLogger

from exporter.braze.api import Api
from exporter.braze.endpoints import Endpoint
from exporter.domain.asked import Asked, why_asked
from exporter.domain.discovery import Discovery
from exporter.domain.errors import PollError
from exporter.domain.integration_state import IntegrationState, PollResult
from exporter.domain.interval import Interval, interval_by_list, interval_by_polls
from exporter.domain.listing import ListedIntegration
from exporter.domain.model import Integration
from exporter.domain.poll_queue import interval_in_effect, phase
from exporter.domain.settings import WorkspaceSettings
from exporter.domain.transitions import on_gone, on_list_lost, on_listing, on_no_list, on_replaced
from exporter.domain.view import View
from exporter.metrics.page import Page
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.coverage import Coverage
from exporter.poller.history_reader import HistoryReader
from exporter.poller.learning import Learner, Work, at_once
from exporter.poller.list_reader import EndpointHealth, ListHealth, ListReader
from exporter.poller.loop import POLLS_AT_A_TIME, Loops, PollLoop, Readiness, Supervised
from exporter.poller.report import Reporter
from exporter.poller.shell import Shell, Watched
from exporter.poller.walk import Walker
from exporter.state.store import Store


class WorkspacePoller:
    """
    Polls the integrations of one workspace while its `loops` run.

    Before they start it shows nothing and takes nothing of a limit, so that it can be dropped without a trace.
    """

    def __init__(
        self,
        *,
        settings: WorkspaceSettings,
        api: Api,
        store: Store,
        page: Page,
        self_metrics: SelfMetrics,
        log: FilteringBoundLogger,
        carried: Mapping[str, IntegrationState] | None = None,
        work: Work = at_once,
        polls_at_once: int = POLLS_AT_A_TIME,
    ) -> None:
        self.settings = settings
        self.readiness = Readiness()
        self._api = api
        self.clock = clock = api.clock
        discovers = settings.discovery.enabled
        self._report = Reporter(settings.name, self_metrics, log, clock.monotonic, needs_list=discovers)
        self._shell = Shell(settings, store, page, clock, self._report, carried=carried or {})
        self.turns, self.detail, self.trail = self._shell.turns, self._shell.detail, self._shell.trail
        api.note_asked = self._note_asked
        self._walker = Walker(api, clock, settings.poll.max_pages, self._report.anomalies(Endpoint.JOB_SYNC_STATUS))
        self._queue = self._shell.queue
        bound = log.bind(workspace=settings.name)
        self._loop = PollLoop(self._queue, api, self.poll, clock, bound, at_once=polls_at_once)
        self._list_reader = ListReader(
            api=api,
            clock=clock,
            watcher=self,
            interval_seconds=settings.poll.interval_seconds,
            offset=phase(settings.name),
            worth_pages=None if discovers else len(settings.integrations),
            note_anomalies=self._report.anomalies(Endpoint.INTEGRATIONS),
        )
        self.history = HistoryReader(
            settings, api, self._shell, store, clock=clock, report=self._report, polled=self.readiness.all
        )
        loops = {"poll": self._loop.run, "listing": self._list_reader.run}
        if settings.history_seconds:
            learner = self._shell.learner = Learner(
                settings, self._shell, store, clock=clock, work=work, polled=self.readiness.all
            )
            loops |= {"history": self.history.run, "learning": learner.run}
        supervised = (Supervised(*loop, bound) for loop in loops.items())
        self.loops = Loops(*supervised, at_start=self._begin, at_halt=self._halt)
        self._discovery, self._list = Discovery(), ListHealth()
        self._coverage = Coverage()
        self._endpoint = EndpointHealth()
        kept = self._shell.kept
        clock.resume(one.judged_at for one in kept.values() if one.judged_at and one.polls.failure is None)
        for integration in settings.integrations:
            self._shell.admit(integration, configured=True)
            self.readiness.expect(integration.integration_id)
        for integration_id, state in kept.items():
            if state.listed is not None:
                self._admit_discovered(integration_id, state.listed.integration_name)

    def _begin(self) -> None:
        self._shell.show()
        self._report.begin()
        self._plan()

    def _halt(self) -> None:
        self._loop.halt()
        self._report.list_ended()

    def _note_asked(self, integration_id: str, asked: Asked) -> None:
        self._shell.trail.note(integration_id, asked)
        self._report.asked(integration_id, asked)

    def unhealthy(self) -> tuple[str, ...]:
        """Why the loops are not healthy; nothing when they are."""
        reasons = (*self.loops.unhealthy(), self._loop.unhealthy())
        return tuple(f"workspace {self.settings.name}: {reason}" for reason in reasons if reason)

    @property
    def states(self) -> dict[str, IntegrationState]:
        """The present one of each integration."""
        return {one.key: one.state for one in self._shell}

    @property
    def views(self) -> tuple[View, ...]:
        """What is shown of each integration."""
        return tuple(one.view for one in self._shell)

    @property
    def interval(self) -> Interval:
        """How often integrations are polled."""
        wanted, outstanding = self.settings.poll.interval_seconds, len(self.readiness.outstanding)
        if self._list.interval is None:
            now, share = self.clock.monotonic(), self._loop.throttled_share
            return interval_by_polls(wanted, self._queue.interval, self._queue.longest_wait(now), throttled_share=share)
        allowed = self._api.allowed(Endpoint.JOB_SYNC_STATUS)
        return interval_by_list(wanted, self._list.interval, outstanding, allowed, is_limited=self._list.is_limited)

    def succeeded(self) -> bool:
        """Whether the latest poll of every integration, and of the list where it is needed, was good."""
        return not (self._list.failing and self.settings.discovery.enabled) and all(
            one.state.polls.up or one.state.gone is not None for one in self._shell
        )

    def notes(self) -> tuple[str, ...]:
        """Remarks on the whole workspace for the status page."""
        return self._report.notes(self.interval, self.clock.skew_seconds)

    async def poll(self, integration_id: str, turn_taken: bool) -> None:
        """Poll one integration; *turn_taken* when its first request's turn has been taken."""
        one = self._shell.get(integration_id)
        if one is None:
            return  # withdrawn between being scheduled and this moment
        asking, began = one.state.listed if one.state.is_listed else None, self.clock.monotonic()
        try:
            why = why_asked(one.state)
            result = await self._walker.poll(integration_id, one.state.ledger, asking, why, turn_taken=turn_taken)
        except Exception as error:  # noqa: BLE001 - a defect must cost this poll and nothing else
            result = PollResult(one.state.ledger, error=self._report.defect(integration_id, error))
        if self._shell.get(integration_id) is not one or integration_id not in self._queue:
            return
        moment, stale_after = self._shell.moment(), self.settings.poll.stale_after_seconds
        self._note_endpoint(result, moment.monotonic)
        if one.state.is_listed and self._list.forgets(one.state.session.listed_at, moment.monotonic, stale_after):
            self._shell.apply(one, on_list_lost, moment.now)
        before = one.view
        covers = not self._endpoint.in_doubt and self._list.covers(one.state.session.listed_at, moment.monotonic)
        result = self._shell.end_poll(one, result, asking, moment, list_covers=covers)
        self.readiness.note(integration_id)
        self._report.poll(before, one.view, result, moment.monotonic - began, moment.now)

    def _note_endpoint(self, result: PollResult, monotonic: float) -> None:
        """Note whether the endpoint of all integrations answers; what was held back or rests is polled accordingly."""
        error = result.error
        if error is None:
            self._endpoint.succeed()
            self._catch_up(monotonic)
            return
        shared = error.held_seconds is None and self._report.is_shared(error)
        if shared and self._endpoint.fail(retryable=error.retryable):
            self._rely_on_polls()

    def _catch_up(self, monotonic: float) -> None:
        """Poll what the open circuit breaker held back, once a good answer has closed it."""
        if not self._api.is_open(Endpoint.JOB_SYNC_STATUS):
            self._queue.release(monotonic)

    def listed(self, integrations: tuple[ListedIntegration, ...]) -> None:
        """Take in one page of the list."""
        moment = self._shell.moment()
        stands = self._list.pays and not self._endpoint.in_doubt
        for listed in integrations:
            key = listed.integration_id
            one = self._shell.get(key)
            if one is None:
                one = self._admit_discovered(key, listed.integration_name)
            elif not one.configured and not self._discovers(
                listed.integration_name or one.view.integration.integration_name
            ):
                self._discovery.forget(key)
                self._leave(one, renamed_to=listed.integration_name)
                continue
            if one is None:
                self._coverage.note(listed)
                continue
            self._discovery.observe((key,))
            self._queue.add(key, moment.monotonic)  # it may have been gone
            change = self._shell.apply(one, on_listing, listed, moment, list_is_short=stands)
            if change is None:
                continue
            self._report.followed(key)
            if change.polled:
                self.readiness.note(key)
                self._report.sighting()
        self._catch_up(moment.monotonic)
        self._loop.wake()

    def listing_complete(self, integration_ids: frozenset[str], interval: float, *, pays: bool, limited: bool) -> None:
        """Take in that the list was read to its end."""
        for key in self._discovery.complete_listing(integration_ids):
            one = self._shell.get(key)
            if one is not None and one.configured:
                self._shell.apply(one, on_list_lost, self.clock.now())
            elif one is not None:
                self._leave(one)
        for one in self._shell.still_gone(integration_ids):
            self._leave(one, renamed_to=one.state.renamed_to)
        for one, heir in self._coverage.heirs(self._shell, integration_ids):
            self._shell.apply(one, on_replaced, heir)
        self._report.unwatched(self._coverage.complete())
        self._list.complete(interval, pays=pays, limited=limited)
        self._expect_no_list()
        self._report.listing_complete(self.clock.now())
        self._end_listing()

    def listing_failed(self, error: PollError) -> None:
        """Take in that the list could not be read; after some times its own endpoint is asked for each integration."""
        given_up = self._list.fail(retryable=error.retryable)
        self._report.listing_failed(error, given_up=given_up)
        if given_up:
            self._expect_no_list()
            self._rely_on_polls()
        self._end_listing()

    def listing_too_long(self) -> None:
        """Take in that the list has too many pages for the few integrations that are watched to rely on it."""
        self._list.give_up()
        self._report.listing_too_long()
        self._expect_no_list()
        self._rely_on_polls()
        self._end_listing()

    def _rely_on_polls(self) -> None:
        """Let no integration rest, not even one that the pages before the failure have shown."""
        for one in self._shell:
            self._shell.ask_regularly(one)
        self._loop.wake()

    def _expect_no_list(self) -> None:
        """Let those that the list does not show rely on `expected_interval`."""
        for one in self._shell:
            self._shell.apply(one, on_no_list, self.clock.now())

    def _end_listing(self) -> None:
        self.readiness.note_list()
        self._report.clock(self.clock.skew_seconds)
        self._plan()

    def _admit_discovered(self, key: str, name: str) -> Watched | None:
        """Watch what discovery has found, now or before the process began, if it is wanted and new."""
        if key in self._shell or not self._discovers(name or key):
            return None
        integration = Integration(self.settings.name, key, key, limits=self.settings.limits)
        one = self._shell.admit(integration, configured=False)
        if one.state.gone is None:
            self._discovery.observe((key,))
            self.readiness.expect(key)
        return one

    def _discovers(self, name: str) -> bool:
        return self.settings.discovery.enabled and self.settings.discovery.names.takes(name)

    def _leave(self, one: Watched, *, renamed_to: str = "") -> None:
        """Keep what is known of a discovered integration that is gone, and poll it no more."""
        self._queue.remove(one.key)
        self._report.left(one.view, self.clock.now())
        self._shell.apply(one, on_gone, self.clock.now(), renamed_to=renamed_to)
        self.readiness.note(one.key)

    def _plan(self) -> None:
        """Fit the interval to the number of integrations, and show both."""
        self._queue.interval = interval_in_effect(
            self.settings.poll.interval_seconds, len(self._queue), self._api.allowed(Endpoint.JOB_SYNC_STATUS)
        )
        configured = sum(one.configured for one in self._shell)
        discovered = sum(not one.configured and one.state.gone is None for one in self._shell)
        self._report.plan(self.interval, configured, discovered)
