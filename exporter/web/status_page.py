"""
The status page for people: values in, HTML out. The template beside this file decides the looks.

What is the same for all pages is in `templating.py`.
"""

from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

from exporter.domain.problem import Severity
from exporter.domain.view import View
from exporter.web.causes import find_concerns
from exporter.web.selection import PAGE_SIZE, REFRESH_CHOICES, Judged, Selection, judge, select, team_of
from exporter.web.templating import HtmlPage, word_sync
from exporter.web.view import ExporterStatus, WorkspaceStatus, next_poll_at, without_broken

_MARKS = 20
_ATTENTION = 12
"""This many problems are listed at the top; the rest is one click away."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """One sync in the row of marks; *x* counts from the left."""

    x: int
    status: str
    title: str


class StatusPage:
    """Renders the page; *telemetry_path* is where it links to for the metrics."""

    def __init__(self, *, telemetry_path: str) -> None:
        self._telemetry_path = telemetry_path.lstrip("/")  # relative: a proxy may have put us under a path of its own
        self._page = HtmlPage("status.html", "status.css", marks=_marks, next_poll_at=next_poll_at)
        self.policy = self._page.policy

    def render(self, status: ExporterStatus, selection: Selection) -> bytes:
        """The page as HTML in UTF-8. Takes about a millisecond for four integrations: call it in a thread."""
        try:
            return self._render(status, selection)
        except Exception:  # noqa: BLE001 - one odd integration must not cost the page of all
            workspaces = tuple(without_broken(one, partial(self._can_show, status, one)) for one in status.workspaces)
            return self._render(replace(status, workspaces=workspaces), selection)

    def _can_show(self, status: ExporterStatus, workspace: WorkspaceStatus, view: View) -> bool:
        try:
            self._render(replace(status, workspaces=(replace(workspace, views=(view,)),)), Selection())
        except Exception:  # noqa: BLE001 - as above
            return False
        return True

    def _render(self, status: ExporterStatus, selection: Selection) -> bytes:
        everything = judge(status)
        matching = select(everything, selection)
        unfolded = matching
        if len(matching) > PAGE_SIZE and not selection.narrowed and not selection.unfold:
            unfolded = tuple(judged for judged in matching if judged.problems)
        page_count = max(1, -(-len(unfolded) // PAGE_SIZE))
        page = min(selection.page, page_count)
        shown = unfolded[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        concerns = find_concerns(matching)
        return self._page.render(
            telemetry_path=self._telemetry_path,
            status=status,
            now=status.now,
            selection=selection,
            total=len(everything),
            worst_severity=_word(max((judged.rank for judged in everything), default=0)),
            problem_count=sum(judged.needs_attention for judged in everything),
            matching_count=len(matching),
            folded_count=len(matching) - len(unfolded),
            unfold=replace(selection, unfold=True).link(1),
            concerns=concerns[:_ATTENTION],
            concerns_left_out=max(0, len(concerns) - _ATTENTION),
            choices=_choices(everything),
            groups=_group(shown),
            empty_workspaces=[] if selection.narrowed else [w for w in status.workspaces if not w.views],
            page=page,
            page_count=page_count,
            refresh_choices=REFRESH_CHOICES,
        )


def _choices(everything: tuple[Judged, ...]) -> dict[str, list[str]]:
    """Return what the list can be narrowed to, besides workspaces; nothing where there is no choice."""
    found = {
        "status": {"none" if one.view.latest is None else one.view.latest.job_status.value for one in everything},
        "problem": {problem.kind for one in everything for problem in one.problems},
        "team": {team for one in everything if (team := team_of(one.view))},
    }
    return {name: sorted(values) for name, values in found.items() if values}


def _word(rank: int) -> str:
    return Severity(rank).word if rank else "ok"


def _group(shown: tuple[Judged, ...]) -> list[tuple[Any, list[Judged]]]:
    """Neighbours of one workspace together; they are neighbours already."""
    return [
        (members[0].workspace, members) for members in (list(group) for _, group in groupby(shown, _workspace_name))
    ]


def _workspace_name(judged: Judged) -> str:
    return judged.workspace.name


def _marks(view: View) -> list[_Mark]:
    """The latest syncs, oldest at the left, so that the latest of all rows stand below each other at the right."""
    latest = view.history[:_MARKS]
    return [_Mark(_MARKS - 1 - place, sync.job_status.value, word_sync(sync)) for place, sync in enumerate(latest)]
