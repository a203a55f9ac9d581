"""
What happens during a simulated run, and when: faults, problems, kills, steps of the clock, syncs on demand.

An event says what and whom; `drive.py` lets it happen. Which faults are drawn depends on the kind of the seed.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from exporter.domain.settings import WorkspaceSettings
from exporter.simulator.behaviour import INTEGRATION_PROBLEMS
from exporter.simulator.workspace import WORKSPACE_PROBLEMS

PAGE_FAULTS = (
    *("http_500", "http_202", "http_301", "http_400", "http_401", "http_403", "http_404", "http_429", "http_503"),
    *("html_502", "html_429", "html", "cut_json", "empty_body", "no_utf8", "deep_json", "list_body"),
    *("results_missing", "results_null", "hang", "drip", "reset", "cut", "throttle_without_headers"),
    *("throttle_nonsense_headers", "throttle_past_reset", "throttle_far_reset", "throttle_retry_after"),
    "throttle_ratelimit_retry_after",
)
"""Each makes an answer useless, and says so."""
HARMLESS_FAULTS = ("limits_missing", "limits_nonsense", "limits_lie", "limits_used_up", "wrong_content_type")
RECORD_FAULTS = (
    *("malformed_start", "malformed_times", "numeric_times", "far_future_times", "null_start", "missing_fields"),
    *("null_everything", "capitalised_status", "duplicate_record", "same_start", "no_object"),
)
"""Each hides a record for a while, or words it differently: nothing is lost once it is over."""
FIELD_FAULTS = (
    *("negative_rows", "huge_rows", "fractional_rows", "text_rows", "nan_rows", "finish_before_start"),
    *("unknown_status", "novel_status", "odd_status_type"),
)
"""Each costs a field of the sync that it strikes."""
HIDING_FAULTS = (
    *("link_lost", "link_to_itself", "link_cursor_refused", "link_garbage", "empty_results", "http_400", "hang"),
)
"""Each hides history, and nothing tells it from a history that is gone."""
HICCUPS = (
    *(("empty_results", page) for page in (None, 0, 1, 2)),
    *(("short_history", page) for page in (0, 1)),
    *(("link_lost", page) for page in (0, 1)),
    *((name, page) for name in ("short_page", "page_with_a_hole") for page in (0, 1, 2)),
    ("latest_missing", 0),
)
"""Each hides history for one answer, on a page: nothing is lost, for the next answer shows it."""

What = Literal["fault", "problem", "workspace_problem", "kill", "clock_step", "sync", "revise"]
Moment = Literal["now", "at_request", "before_commit", "after_commit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at_seconds: float
    what: What
    name: str = ""
    """Of a fault or problem."""
    workspace: str | None = None
    integration_id: str | None = None
    seconds: float = 0.0
    """How long it lasts; for a kill until the next start."""
    step_seconds: float = 0.0
    """How far the clock is off meanwhile."""
    page: int | None = None
    record: int | None = 0
    times: int | None = None
    needs_sight: bool = False
    """Only if the integration, or all, have been seen before: else it would falsify what their past is."""
    moment: Moment = "now"
    countdown: int = 0
    """Of a kill: after so many requests, or commits."""
    leaves_out: str | None = None
    """Of a kill: this integration is not in the configuration of the next start."""


def draw_timeline(
    random: Random, *, kind: str, workspaces: tuple[WorkspaceSettings, ...], duration_seconds: float, utc_times: bool
) -> tuple[Event, ...]:
    """Return the events in their order."""
    draw = _Draw(random, workspaces, duration_seconds)
    events = draw.page_faults() + draw.problems() + draw.workspace_problems() + draw.kills() + draw.clock_steps()
    events += draw.syncs() + draw.record_faults(RECORD_FAULTS, 6, page=0, record=0)
    if utc_times:
        events += draw.record_faults(("times_without_offset",), 2, page=None, record=None)
    if kind == "exact":
        events += draw.revisions()
    if kind == "odd":
        events += draw.record_faults(FIELD_FAULTS, 10, page=None, record=None)
    if kind == "harsh":
        events += draw.hiding_faults()
    events += draw.hiccups()
    return tuple(sorted(events, key=lambda event: event.at_seconds))


class _Draw:
    def __init__(self, random: Random, workspaces: tuple[WorkspaceSettings, ...], duration_seconds: float) -> None:
        self._random = random
        self._workspaces = workspaces
        self._duration = duration_seconds
        self._ids = [each.integration_id for workspace in workspaces for each in workspace.integrations]
        self._unspoilt = list(self._ids)
        """Integrations without a fault of their records: two on one record would not be a simulation of Braze."""

    def _when(self) -> float:
        """Now and then at the very beginning, so that first sights are disturbed too."""
        return self._random.choice((0.0, *(self._random.uniform(0, self._duration) for _ in range(7))))

    def _hours(self, most: float) -> float:
        return 3600 * self._random.uniform(0.01, most)

    def page_faults(self) -> list[Event]:
        """
        Answers that are of no use.

        On the first page for hours; on later ones less often than a walk may break off, or it would be given up.
        """
        events = []
        for _ in range(12):
            target = self._random.choice((None, *self._random.sample(self._ids, 3)))
            name = self._random.choice(PAGE_FAULTS + HARMLESS_FAULTS)
            event = Event(at_seconds=self._when(), what="fault", name=name, integration_id=target)
            events.append(replace(event, seconds=self._hours(4), page=0))
        for target in self._random.sample(self._ids, 12):
            event = Event(at_seconds=self._when(), what="fault", name=self._random.choice(PAGE_FAULTS))
            times = self._random.randint(1, 3)
            page = self._random.choice((None, 1, 1, 2))
            events.append(replace(event, integration_id=target, seconds=self._duration, page=page, times=times))
        return events

    def record_faults(self, names: tuple[str, ...], count: int, *, page: int | None, record: int | None) -> list[Event]:
        events = []
        for _ in range(min(count, len(self._unspoilt))):
            target = self._unspoilt.pop(self._random.randrange(len(self._unspoilt)))
            event = Event(at_seconds=self._when(), what="fault", name=self._random.choice(names), needs_sight=True)
            events.append(replace(event, integration_id=target, seconds=self._hours(8), page=page, record=record))
        return events

    def hiding_faults(self) -> list[Event]:
        events = []
        for _ in range(8):
            event = Event(at_seconds=self._when(), what="fault", needs_sight=True)
            name, page = self._random.choice(HIDING_FAULTS), self._random.choice((None, 0, 1, 2))
            target = self._random.choice(self._ids)
            events.append(replace(event, name=name, integration_id=target, page=page, seconds=self._hours(12)))
        return events

    def hiccups(self) -> list[Event]:
        """Once for each of the targets, so that together with the page faults no walk is given up."""
        events = []
        for target in self._random.sample(self._ids, 12):
            name, page = self._random.choice(HICCUPS)
            event = Event(at_seconds=self._when(), what="fault", name=name, page=page, times=1, needs_sight=True)
            events.append(replace(event, integration_id=target, seconds=self._duration))
        return events

    def problems(self) -> list[Event]:
        return [
            Event(
                at_seconds=self._when(),
                what="problem",
                name=self._random.choice(sorted(INTEGRATION_PROBLEMS)),
                integration_id=self._random.choice(self._ids),
                seconds=self._hours(20),
            )
            for _ in range(12)
        ]

    def workspace_problems(self) -> list[Event]:
        names = sorted(WORKSPACE_PROBLEMS)
        return [
            Event(
                at_seconds=self._when(),
                what="workspace_problem",
                name=self._random.choice(names),
                workspace=self._random.choice(self._workspaces).name,
                seconds=self._hours(5),
            )
            for _ in range(4)
        ]

    def kills(self) -> list[Event]:
        """Between any two steps: at any moment, while a request is under way, and on either side of a commit."""
        moments: tuple[Moment, ...] = ("now", "at_request", "before_commit", "after_commit")
        return [
            Event(
                at_seconds=self._when(),
                what="kill",
                seconds=self._hours(5) if self._random.random() < 0.3 else self._random.uniform(0, 60),
                moment=self._random.choice(moments),
                countdown=self._random.randint(0, 30),
                leaves_out=self._random.choice((None, None, self._random.choice(self._ids))),
            )
            for _ in range(8)
        ]

    def clock_steps(self) -> list[Event]:
        """Never days ahead: then the past of what never ran would reach into the future."""
        sizes = (-3 * 86400.0, -3 * 3600.0, -300.0, -2.0, 2.0, 300.0, 3 * 3600.0)
        events = []
        for _ in range(2):
            size = self._random.choice(sizes)
            event = Event(at_seconds=self._when(), what="clock_step", seconds=self._hours(10), step_seconds=size)
            events.append(replace(event, needs_sight=abs(size) > 86400))
        return events

    def syncs(self) -> list[Event]:
        return [
            Event(at_seconds=self._when(), what="sync", integration_id=self._random.choice(self._ids))
            for _ in range(25)
        ]

    def revisions(self) -> list[Event]:
        return [
            Event(at_seconds=self._when(), what="revise", integration_id=self._random.choice(self._ids))
            for _ in range(10)
        ]
