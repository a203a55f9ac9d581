"""
Which integrations a reader asked to see, and in which order: problems first, then as the workspaces list them.

A selection is read from the query string and written back into links. What cannot be read counts as not asked for:
a link somebody mistyped still shows a page.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from exporter.domain.problem import Problem, Severity
from exporter.domain.view import View
from exporter.web.view import ExporterStatus, WorkspaceStatus

PAGE_SIZE = 100
"""Integrations on one page: a browser lays them out at once, and making it costs a tenth of a second."""

REFRESH_CHOICES = (5, 15, 60)
"""Seconds between two automatic reloads of the page."""

_LONGEST_QUERY = 200
_TEAM = "team"


@dataclass(frozen=True, slots=True)
class Selection:
    """What the query string asks for."""

    workspace: str = ""
    """Empty: all; so it is for the next three."""
    status: str = ""
    """Of the latest sync, as the JSON words it."""
    problem: str = ""
    """The kind of one of the problems."""
    team: str = ""
    """The value of the label `team`."""
    query: str = ""
    """Part of a name or id, whatever its case."""
    only_problems: bool = False
    unfold: bool = False
    """Healthy ones too, where there are too many for one page."""
    refresh_seconds: int = 0
    """0: the page does not reload automatically."""
    page: int = 1

    def link(self, page: int) -> str:
        """The address of another page of the same, relative: a proxy may have put us under a path of its own."""
        wanted = replace(self, page=page)
        pairs: list[tuple[str, str]] = []
        exact = ("workspace", "status", "problem", "team")
        pairs += [(name, getattr(wanted, name)) for name in exact if getattr(wanted, name)]
        if wanted.query:
            pairs.append(("q", wanted.query))
        if wanted.only_problems:
            pairs.append(("only", "problems"))
        if wanted.unfold:
            pairs.append(("healthy", "shown"))
        if wanted.refresh_seconds:
            pairs.append(("refresh", str(wanted.refresh_seconds)))
        if wanted.page > 1:
            pairs.append(("page", str(wanted.page)))
        return "./?" + urlencode(pairs) if pairs else "./"

    @property
    def narrowed(self) -> bool:
        return replace(self, refresh_seconds=0, page=1, unfold=False) != Selection()

    def takes(self, workspace: str, view: View, problems: tuple[Problem, ...]) -> bool:
        """Whether an integration is asked for."""
        one, needle = view.integration, self.query.casefold()
        return (
            self.workspace in {"", workspace}
            and self.status in {"", "none" if view.latest is None else view.latest.job_status.value}
            and (not self.problem or any(self.problem == problem.kind for problem in problems))
            and self.team in {"", team_of(view)}
            and (bool(problems) or not self.only_problems)
            and (not needle or needle in one.integration_name.casefold() or needle in one.integration_id.casefold())
        )


def read_selection(parameters: Mapping[str, str]) -> Selection:
    refresh = _read_number(parameters.get("refresh", ""))
    return Selection(
        workspace=parameters.get("workspace", "")[:_LONGEST_QUERY],
        status=parameters.get("status", "")[:_LONGEST_QUERY],
        problem=parameters.get("problem", "")[:_LONGEST_QUERY],
        team=parameters.get("team", "")[:_LONGEST_QUERY],
        query=parameters.get("q", "").strip()[:_LONGEST_QUERY],
        only_problems=parameters.get("only") == "problems",
        unfold=parameters.get("healthy") == "shown",
        refresh_seconds=refresh if refresh in REFRESH_CHOICES else 0,
        page=max(1, _read_number(parameters.get("page", ""))),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """An integration with what is wrong with it. Compared by identity: hashing all those values would be slow."""

    workspace: WorkspaceStatus
    view: View
    problems: tuple[Problem, ...]

    @property
    def severity(self) -> Severity | None:
        """The worst; None when nothing is wrong."""
        return self.problems[0].severity if self.problems else None

    @property
    def needs_attention(self) -> bool:
        """Whether something is wrong that is more than information."""
        return self.rank > Severity.INFO

    @property
    def rank(self) -> int:
        """For sorting: the greater, the further up the page."""
        return self.severity or 0


def judge(status: ExporterStatus) -> tuple[Judged, ...]:
    """All integrations: the workspace with the worst problems first, and in it the worst integration."""
    groups = [_judge_workspace(workspace, workspace.now or status.now) for workspace in status.workspaces]
    groups.sort(key=lambda group: -max((judged.rank for judged in group), default=0))
    return tuple(judged for group in groups for judged in group)


def select(everything: tuple[Judged, ...], selection: Selection) -> tuple[Judged, ...]:
    """Those that match, all pages of them."""
    return tuple(one for one in everything if selection.takes(one.workspace.name, one.view, one.problems))


def narrow(status: ExporterStatus, selection: Selection) -> ExporterStatus:
    """Return *status* with the integrations that match; every workspace that is asked for stays, with its notes."""
    if not selection.narrowed:
        return status
    wanted = (one for one in status.workspaces if selection.workspace in {"", one.name})
    return replace(status, workspaces=tuple(_narrow(one, selection, one.now or status.now) for one in wanted))


def _narrow(workspace: WorkspaceStatus, selection: Selection, now: datetime) -> WorkspaceStatus:
    taken = (view for view in workspace.views if selection.takes(workspace.name, view, _problems(view, now)))
    return replace(workspace, views=tuple(taken))


def team_of(view: View) -> str:
    """The value of the label `team`; empty without one."""
    return next((value for name, value in view.integration.labels if name == _TEAM), "")


def _problems(view: View, now: datetime) -> tuple[Problem, ...]:
    try:
        return view.problems_at(now)
    except Exception:  # noqa: BLE001 - it will be counted as broken where it is shown
        return ()


def _judge_workspace(workspace: WorkspaceStatus, now: datetime) -> list[Judged]:
    judged = [Judged(workspace, view, view.problems_at(now)) for view in workspace.views]
    return sorted(judged, key=lambda one: -one.rank)


def _read_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0  # noqa: PLR2004 - plenty
