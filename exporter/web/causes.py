"""
What needs attention, one line for one cause: a refused key or a dead network is one line for a whole workspace.

Decides what is the same cause: polls of one workspace that fail for the same reason, or that all come too rarely.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from exporter.web.selection import Judged, Selection

_POLLING = frozenset({"poll_failing", "stale"})
"""Kinds of problem that say nothing of a sync, but of the way to Braze."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One line of what needs attention."""

    judged: tuple[Judged, ...]
    """The integrations, the worst first; more than one where their polls have the same cause."""

    @property
    def first(self) -> Judged:
        return self.judged[0]

    @property
    def failing_since(self) -> datetime | None:
        """Since when the first of several could not be polled."""
        views = (one.view for one in self.judged)
        return min((at for one in views if (at := one.failing_since or one.last_poll_success_at)), default=None)

    @property
    def link(self) -> str:
        """Where all of several are listed."""
        return Selection(workspace=self.first.workspace.name, problem=self.first.problems[0].kind).link(1)


def find_concerns(judged: Iterable[Judged]) -> list[Concern]:
    """Return what needs attention, the worst first."""
    causes: dict[object, list[Judged]] = {}
    for one in sorted((one for one in judged if one.needs_attention), key=lambda one: -one.rank):
        failure, kind = one.view.failure, one.problems[0].kind
        cause = (one.workspace.name, kind, failure and failure.reason) if kind in _POLLING else id(one)
        causes.setdefault(cause, []).append(one)
    return [Concern(tuple(members)) for members in causes.values()]
