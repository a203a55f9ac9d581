"""
What one workspace's polling says to the outside: its own metrics, its log lines, its notes on the status page.

Decides what is worth a line about the workspace: a change for the worse or the better is; a poll that went as the one
before is for debugging. What happens to integrations is in `events.py`. Knows nothing of how polling works.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime

from structlog.typing import FilteringBoundLogger

from exporter.braze.endpoints import Endpoint
from exporter.domain.asked import Asked
from exporter.domain.errors import ForbiddenError, PayloadError, PollError
from exporter.domain.integration_state import NEVER, PollResult
from exporter.domain.interval import Interval
from exporter.domain.model import Sync
from exporter.domain.view import View
from exporter.domain.wording import word_span
from exporter.metrics.self_metrics import SelfMetrics
from exporter.poller.events import SHARED, Events, Failures

_MOST_NAMES = 10
SKEWED_SECONDS = 60.0
"""A clock that is off by more is worth a note and, after a while, an alert."""
ODD_SECONDS = 3600.0
"""An anomaly is news once an hour, and a note for as long."""
LATE_SECONDS = 300.0
"""For this long a start, or a burst of syncs, may ask for more than can be served before it is logged."""
LATE = _BY_LIMIT, _OTHERWISE = "the rate limit is too low for the interval", "polls come less often than configured"
DEFECTS = _POLL, _FOLLOW, _SHOW = "poll crashed", "reading a record of the list crashed", "integration cannot be shown"
_CONFIG, _DISCOVERY = "config", "discovery"


class Reporter:
    """Speaks for one workspace; *needs_list* when the configuration asks for discovery."""

    def __init__(
        self,
        workspace: str,
        self_metrics: SelfMetrics,
        log: FilteringBoundLogger,
        monotonic: Callable[[], float],
        *,
        needs_list: bool,
    ) -> None:
        self._monotonic = monotonic
        self._odd_at: dict[str, float] = {}
        """When each kind of anomaly was last seen, in monotonic seconds."""
        self._workspace = workspace
        self._needs_list = needs_list
        self._self_metrics = self_metrics
        self._log = log.bind(workspace=workspace)
        self._listing_trouble: PollError | None = None
        self._unwatched: list[str] = []
        self._skewed = False
        self._events = Events(self._log)
        self._failures = Failures(self._log)
        self._late, self._late_since, self._late_told = "", monotonic(), ""
        """Why polls come too seldom, since when, and what was logged of it; empty while they do not."""
        self._defects: set[tuple[str, str]] = set()
        """What fails of which integration because of a defect of ours."""
        self._history_begun = self._history_ended = False

    def begin(self) -> None:
        """Let the workspace's counters begin."""
        self._self_metrics.prepare_workspace(self._workspace)
        self._self_metrics.history_read(self._workspace, None)

    def anomalies(self, endpoint: Endpoint) -> Callable[[Mapping[str, int]], None]:
        """Return who notes what was odd in the answers of *endpoint*."""

        def note(anomalies: Mapping[str, int]) -> None:
            for kind, count in anomalies.items():
                self._self_metrics.anomalies(self._workspace, endpoint, kind, count)
            now = self._monotonic()
            new = any(now - self._odd_at.get(kind, NEVER) > ODD_SECONDS for kind in anomalies)
            self._odd_at.update(dict.fromkeys(anomalies, now))
            say = self._log.info if new else self._log.debug
            say("unexpected values in Braze's answer", endpoint=endpoint.value, **anomalies)

        return note

    def defect(self, integration_id: str, error: Exception) -> PayloadError:
        """Log a defect of ours, when it begins, and return it as the failure of that poll."""
        self._defect(_POLL, integration_id, error)
        return PayloadError(f"a defect of the exporter ({type(error).__name__}), shown in its log; please report it")

    def followed(self, integration_id: str, error: Exception | None = None) -> None:
        """Note whether what the list says of an integration could be taken in."""
        self._defect(_FOLLOW, integration_id, error)

    def shown(self, integration_id: str, error: Exception | None = None) -> None:
        """Note whether an integration could be shown."""
        self._defect(_SHOW, integration_id, error)

    def _defect(self, what: str, integration_id: str, error: Exception | None = None) -> None:
        if error is None:
            self._defects.discard((what, integration_id))
        elif (what, integration_id) not in self._defects:
            self._defects.add((what, integration_id))
            self._log.error(what, integration_id=integration_id, exc_info=error)

    def asked(self, integration_id: str, asked: Asked) -> None:
        """Log a request for debugging."""
        about = {"integration_id": integration_id} if integration_id else {}
        self._log.debug(
            "asked Braze",
            **about,
            endpoint=str(asked.endpoint),
            page=asked.page,
            outcome=asked.outcome,
            milliseconds=round(asked.seconds * 1000),
            remaining=asked.remaining,
            limit=asked.limit,
            why=asked.why,
        )

    def poll(self, before: View, after: View, result: PollResult, seconds: float, now: datetime) -> None:
        """Say how the poll of one integration ended."""
        sent = result.error is None or result.error.held_seconds is None
        if sent:
            self._self_metrics.poll_finished(self._workspace, result.error.reason if result.error else None)
        log = self._log.bind(
            integration_id=after.integration.integration_id,
            integration_name=after.integration.integration_name,
            pages=result.pages,
            counted=len(result.counted),
            seconds=round(seconds, 3),
        )
        if (after.history_gaps or 0) > (before.history_gaps or 0):
            log.warning("the last known sync was not found; the counters may be short", gaps=after.history_gaps)
        if after.failure is None:
            self._defect(_POLL, after.integration.integration_id)
            log.debug("poll finished")
            self._failures.succeeded(after, now)
            return
        log.debug("poll finished" if sent else "poll held back", reason=after.failure.reason)
        self._failures.failed(after, sent=sent)

    @staticmethod
    def is_shared(error: PollError) -> bool:
        """Whether the reason as a rule concerns all integrations of a workspace."""
        return error.reason in SHARED

    def judged(self, view: View, now: datetime) -> None:
        """Say what has become of an integration's problems."""
        self._events.judged(view, now, outage=self._failures.in_outage(view))

    def admitted(self, view: View, now: datetime, *, found: bool) -> None:
        """Take in an integration that is watched from now on."""
        self._events.admitted(view, now, found=found)

    def forgotten(self, view: View) -> None:
        """Take in that an integration is no longer watched."""
        self._events.forgotten(view)

    def finished(self, view: View, syncs: Iterable[tuple[Sync, float | None]]) -> None:
        """Say which syncs have finished."""
        self._events.finished(view, syncs)

    def left(self, view: View, now: datetime) -> None:
        """Take in that an integration is polled no more."""
        self._failures.forget(view, now)
        self._defect(_POLL, view.integration.integration_id)

    def clock(self, skew_seconds: float | None) -> None:
        """Say that our clock is wrong, or right again."""
        skewed = skew_seconds is not None and abs(skew_seconds) > SKEWED_SECONDS
        if skewed and not self._skewed:
            self._log.warning(
                "the clock of this machine is wrong; check that NTP is running", seconds=round(skew_seconds or 0)
            )
        elif self._skewed and not skewed:
            self._log.info("the clock of this machine is right again")
        self._skewed = skewed

    def sighting(self) -> None:
        """Count a poll that the list has answered."""
        self._self_metrics.poll_finished(self._workspace, None)

    def list_ended(self) -> None:
        """Say of those that the list has shown how many were not named, as nothing else of it will be read."""
        self._events.list_ended()

    def listing_complete(self, now: datetime) -> None:
        """Say that the list was read to its end."""
        self._events.list_ended()
        self._self_metrics.discovery_succeeded(self._workspace, now.timestamp())
        if self._listing_trouble is not None:
            self._log.info("the list of integrations can be read again")
        self._listing_trouble = None

    def unwatched(self, names: Collection[str] | None) -> None:
        """Show what the key sees and nobody watches, by Braze's names; None where that is not known."""
        self._self_metrics.unwatched(self._workspace, None if names is None else len(names))
        self._unwatched = sorted(names or ())

    def listing_failed(self, error: PollError, *, given_up: bool) -> None:
        """Say once why the list cannot be read; once it is *given up*, nothing of it is shown."""
        if given_up:
            self.unwatched(None)
        self._events.list_ended()
        if self._listing_trouble is None or self._listing_trouble.reason != error.reason:
            # A key without this permission is a good key where nothing is to be discovered.
            minor = isinstance(error, ForbiddenError) and not self._needs_list
            say = self._log.info if minor else self._log.warning
            say("the list of integrations cannot be read", reason=error.reason, error=_explain(error))
        self._listing_trouble = error

    def listing_too_long(self) -> None:
        """Say that the list is not used."""
        self.unwatched(None)
        self._listing_trouble = None
        self._log.debug("the list of integrations costs more than it saves; each integration is polled directly")

    def history(self, ratio: float | None, integrations: int) -> None:
        """Show how much of the history has been read, 0 to 1; say when that begins and ends, once."""
        self._self_metrics.history_read(self._workspace, ratio)
        if ratio is None:
            return
        if ratio < 1 and not self._history_begun:
            self._log.info("reading the history to learn what is normal", integrations=integrations)
            self._history_begun = True
        elif ratio == 1 and self._history_begun and not self._history_ended:
            self._log.info("the history has been read", integrations=integrations)
            self._history_ended = True

    def plan(self, interval: Interval, configured: int, discovered: int) -> None:
        """Show how many integrations there are, and how often they are polled; say when that is too seldom, and why."""
        self._failures.integrations = configured + discovered
        self._tell_interval(interval)
        self._self_metrics.poll_interval(self._workspace, interval.seconds, interval.wanted_seconds)
        self._self_metrics.integrations(self._workspace, _CONFIG, configured)
        self._self_metrics.integrations(self._workspace, _DISCOVERY, discovered)

    def _tell_interval(self, interval: Interval) -> None:
        """Log a change that has lasted for a while; one cause after the other, and none beside an outage."""
        now = self._monotonic()
        cause = (_BY_LIMIT if interval.is_limited else _OTHERWISE) if interval.is_longer else ""
        if cause != self._late or self._failures.explain_late_polls:
            self._late, self._late_since = cause, now
        if cause == self._late_told or now - self._late_since < LATE_SECONDS:
            return
        self._late_told, wanted_seconds = cause, round(interval.wanted_seconds)
        if cause:
            self._log.warning(cause, interval_seconds=round(interval.seconds), wanted_seconds=wanted_seconds)
        else:
            self._log.info("polls come as often as configured again", interval_seconds=wanted_seconds)

    def notes(self, interval: Interval, skew_seconds: float | None) -> tuple[str, ...]:
        """Return remarks for the status page, one sentence each."""
        notes = []
        if skew_seconds is not None and abs(skew_seconds) > SKEWED_SECONDS:
            notes.append(_word_skew(skew_seconds))
        if interval.is_longer and not self._failures.explain_late_polls:
            every, wanted = word_span(interval.seconds), word_span(interval.wanted_seconds)
            served = f"every {every}, not every {wanted} as configured"
            notes.append(
                f"The rate limit allows polls {served}."
                if interval.is_limited
                else f"Polls come {served}: Braze answers slowly, or this process is overloaded."
            )
        if self._listing_trouble is not None:
            notes.append(f"The list of integrations cannot be read: {_explain(self._listing_trouble)}.")
        now = self._monotonic()
        if odd := sorted(kind for kind, at in self._odd_at.items() if now - at <= ODD_SECONDS):
            notes.append(f"Unexpected values in Braze's answers in the last hour, worked around: {_name(odd)}.")
        if self._defects:
            ids = sorted({integration_id for _, integration_id in self._defects})
            notes.append(f"Cannot be polled or shown because of a defect of the exporter: {_name(ids)}.")
        if self._unwatched:
            shown = f"{len(self._unwatched)} ({_name(self._unwatched)})"
            notes.append(f"Integrations that the key sees and nobody watches: {shown}.")
        return tuple(notes)


def _name(words: Sequence[str]) -> str:
    return ", ".join(words[:_MOST_NAMES]) + (", …" if len(words) > _MOST_NAMES else "")


def _word_skew(seconds: float) -> str:
    way = "ahead of" if seconds > 0 else "behind"
    return (
        f"The clock of this machine is {word_span(abs(seconds))} {way} Braze's. Ages and deadlines are judged by "
        "Braze's clock, but times in the log are wrong. Check that NTP is running (timedatectl, chronyc tracking)."
    )


def _explain(error: PollError) -> str:
    if isinstance(error, ForbiddenError):
        return (
            "the key lacks the permission cdi.integration_list, or its IP allow list lacks this host, so each "
            "integration is polled directly and nothing can be discovered; change the key in the Braze dashboard"
        )
    return str(error)
