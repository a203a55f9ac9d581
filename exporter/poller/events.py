"""
The log's events about integrations: a sync has finished, a problem or an outage begins or ends.

Decides what is worth a line, once, and for one cause one line: polls that fail together are an outage of the workspace,
logged without the name of the one that failed first. docs/logging.md lists every event.
Knows nothing of how polling works.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from structlog.typing import FilteringBoundLogger

from exporter.domain.errors import AuthError, ForbiddenError, NetworkError, RateLimitedError, ServerError, TimedOutError
from exporter.domain.model import Sync
from exporter.domain.problem import Problem, Severity
from exporter.domain.view import View

SHARED = frozenset(
    error.reason for error in (AuthError, ForbiddenError, RateLimitedError, TimedOutError, NetworkError, ServerError)
)
"""Reasons that as a rule meet all integrations of a workspace at once."""
MANY = 5
"""This many integrations that fail for one reason are an outage, or half of them where there are fewer."""
DENIED = {
    AuthError.reason: ("key refused", "key accepted again"),
    ForbiddenError.reason: ("permission refused", "permission granted again"),
}
"""The shared reasons that have words of their own: Braze answers, and says no to all."""
NAMED = 10
"""At most this many new integrations are logged by name for each read of the list."""
OUTAGE_WORDS = ("outage began", "outage ended")
BEGAN = {"paused": "integration paused", "gone": "integration gone"}
ENDED = {"paused": "integration resumed", "gone": "integration is back"}
"""The problems that have words of their own, for what they are is what has happened in Braze."""


class Events:
    """Tells what happens to the integrations of one workspace. *log* is bound to it."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._told: dict[str, dict[str, tuple[Problem, datetime]]] = {}
        """The problems of each integration that has some, and since when they hold as far as is known."""
        self._found: set[str] = set()
        """What discovery has found and the list has yet to describe."""
        self._shown = 0
        """How many this list has shown for the first time so far."""

    def admitted(self, view: View, now: datetime, *, found: bool) -> None:
        """Take what holds as logged, as it was before a restart; what is *found* is logged once it has a name."""
        if found:
            self._found.add(_key(view))
        self._told[_key(view)] = {
            problem.kind: (problem, problem.since or now)
            for problem in view.problems_at(now)
            if problem.kind != "poll_failing"
        }

    def forgotten(self, view: View) -> None:
        """Drop what was logged of an integration that is no longer watched."""
        self._told.pop(_key(view), None)
        self._found.discard(_key(view))

    def list_ended(self) -> None:
        """Log how many more a list, read whole or not, has shown for the first time than were logged by name."""
        if self._shown > NAMED:
            self._log.info("more integrations found", integrations=self._shown - NAMED)
        self._shown = 0

    def finished(self, view: View, syncs: Iterable[tuple[Sync, float | None]]) -> None:
        """Tell syncs that were counted, each with the number of rows that is usual."""
        for sync, usual_rows in sorted(syncs, key=lambda each: each[0].sync_start_time):
            self._log.info(
                "sync finished",
                **_about(view),
                status=str(sync.job_status),
                started=_time(sync.sync_start_time),
                **_known(
                    seconds=sync.duration_seconds,
                    usual_seconds=view.usual_duration_seconds,
                    rows=sync.rows_synced,
                    usual_rows=None if usual_rows is None else round(usual_rows),
                    rows_failed=sync.rows_failed_with_errors,
                ),
            )

    def judged(self, view: View, now: datetime, *, outage: bool) -> None:
        """Log which problems have begun, changed their severity or ended; an *outage* stands for its polls."""
        key, problems = _key(view), view.problems_at(now)
        if key in self._found:
            self._found.remove(key)
            self._shown += 1
            if self._shown <= NAMED:
                self._log.info("integration found", **_about(view))
        before = self._told.pop(key, {})
        if not problems and not before:
            return
        known = {problem.kind: problem for problem in problems if problem.kind != "poll_failing"}
        if outage and "stale" not in before:
            known.pop("stale", None)
        still = {"still": ",".join(known)} if known else {}
        for kind, (problem, since) in before.items():
            if kind not in known:
                figures = _known(seconds=_seconds(since, now), value=problem.value, limit=problem.limit)
                about = {**_about(view), "problem": kind, "severity": problem.severity.word}
                self._log.info(ENDED.get(kind, "problem ended"), **about, **figures, **still)
        for kind, problem in known.items():
            said = before.get(kind)
            if said is None or said[0].severity is not problem.severity:
                say = self._log.warning if problem.severity > Severity.INFO else self._log.info
                fields = {**_about(view), **_words(problem)}
                say(BEGAN.get(kind, "problem began") if said is None else "problem changed", **fields)
        if known:
            self._told[key] = {
                kind: (problem, problem.since or (before[kind][1] if kind in before else now))
                for kind, problem in known.items()
            }


@dataclass(slots=True)
class _Failing:
    reason: str
    since: datetime
    polls: int = 0
    """Sent and failed, in a row."""
    told: bool = False


@dataclass(slots=True)
class _Outage:
    since: datetime
    most: int
    """Integrations that failed at the same time."""


class Failures:
    """Tells failing polls of one workspace: of the integration alone, or as an outage. *log* is bound to it."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._failing: dict[str, _Failing] = {}
        self._count: Counter[str] = Counter()
        """Integrations that fail, by reason."""
        self._outages: dict[str, _Outage] = {}
        self.integrations = 0
        """That are polled."""

    def failed(self, view: View, *, sent: bool) -> None:
        """Tell a poll that failed, or that was not *sent* because one before was refused."""
        failure, key = view.failure, _key(view)
        if failure is None:
            return
        one = self._failing.get(key)
        if one is None or one.reason != failure.reason:
            self._leave(key, failure.at)
            one = self._failing[key] = _Failing(failure.reason, view.failing_since or failure.at)
            self._count[one.reason] += 1
        one.polls += sent
        if one.reason in SHARED:
            self._look_for_outage(one.reason, failure.message)
        # Alone so far; where others may follow, it has a second try before it is logged.
        patient = one.reason in SHARED and self.integrations > 1
        if sent and not one.told and not self.in_outage(view) and one.polls > patient:
            one.told = True
            self._log.warning("poll failed", **_about(view), reason=one.reason, error=failure.message)

    def succeeded(self, view: View, now: datetime) -> None:
        """Tell a poll that succeeded after others that failed."""
        if (one := self._leave(_key(view), now)) is not None and one.told:
            seconds = _seconds(one.since, now)
            self._log.info("poll succeeded again", **_about(view), reason=one.reason, seconds=seconds)

    def forget(self, view: View, now: datetime) -> None:
        """Take an integration for one that never failed."""
        self._leave(_key(view), now)

    def in_outage(self, view: View) -> bool:
        """Whether its polls fail as those of others do."""
        one = self._failing.get(_key(view))
        return one is not None and one.reason in self._outages

    @property
    def explain_late_polls(self) -> bool:
        """Whether there is an outage that is no refusal by the rate limit: polls that fail are late, too."""
        return bool(self._outages.keys() - {RateLimitedError.reason})

    def _look_for_outage(self, reason: str, error: str) -> None:
        count, outage = self._count[reason], self._outages.get(reason)
        if outage is None:
            if count < self._enough(reason):
                return
            since = min(one.since for one in self._failing.values() if one.reason == reason)
            self._outages[reason] = _Outage(since, count)
            about = {"failing": count, "integrations": self.integrations, "since": _time(since), "error": error}
            self._log.warning(DENIED.get(reason, OUTAGE_WORDS)[0], reason=reason, **about)
            return
        if outage.most < count == self.integrations and reason not in DENIED:
            self._log.warning("outage of the whole workspace", reason=reason, failing=count)
        outage.most = max(outage.most, count)

    def _leave(self, key: str, now: datetime) -> _Failing | None:
        """Count an integration no longer; what fails by its reason may then be no outage any more."""
        one = self._failing.pop(key, None)
        if one is None:
            return None
        self._count[one.reason] -= 1
        outage = self._outages.get(one.reason)
        if outage is not None and self._count[one.reason] <= self._enough(one.reason) // 2:
            del self._outages[one.reason]
            seconds, ended = _seconds(outage.since, now), DENIED.get(one.reason, OUTAGE_WORDS)[1]
            self._log.info(ended, reason=one.reason, failing=outage.most, seconds=seconds)
        return one

    def _enough(self, reason: str) -> int:
        """How many failing integrations are an outage; a single one has no outage, but Braze may refuse its key."""
        if reason in DENIED and self.integrations <= 1:
            return 1
        return max(2, min(MANY, (self.integrations + 1) // 2))


def _key(view: View) -> str:
    return view.integration.integration_id


def _about(view: View) -> dict[str, str]:
    one = view.integration
    return {"integration_id": one.integration_id, "integration_name": one.integration_name}


def _words(problem: Problem) -> dict[str, Any]:
    since = {} if problem.since is None else {"since": _time(problem.since)}
    figures = _known(value=problem.value, limit=problem.limit)
    return {"problem": problem.kind, "severity": problem.severity.word, **figures, **since, "text": problem.text}


def _seconds(since: datetime, now: datetime) -> int:
    return round((now - since).total_seconds())


def _known(**figures: float | None) -> dict[str, float]:
    """Return the figures that there are, without digits that say nothing."""
    return {name: round(value, 6) if value % 1 else int(value) for name, value in figures.items() if value is not None}


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
