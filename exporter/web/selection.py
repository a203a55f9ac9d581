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

PAGE_SIZE = 250
"""Integrations on one page: a browser lays them out at once, and making it costs a fraction of a second."""

REFRESH_CHOICES = (5, 15, 60)
"""Seconds between two automatic reloads of the page."""

_LONGEST_QUERY = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """What the query string asks for."""

    workspace: str = ""
    """Empty: all."""
    query: str = ""
    """Part of a name or id, whatever its case."""
    only_problems: bool = False
    refresh_seconds: int = 0
    """0: the page does not reload automatically."""
    page: int = 1

    def link(self, page: int) -> str:
        """The address of another page of the same, relative: a proxy may have put us under a path of its own."""
        wanted = replace(self, page=page)
        pairs: list[tuple[str, str]] = []
        if wanted.workspace:
            pairs.append(("workspace", wanted.workspace))
        if wanted.query:
            pairs.append(("q", wanted.query))
        if wanted.only_problems:
            pairs.append(("only", "problems"))
        if wanted.refresh_seconds:
            pairs.append(("refresh", str(wanted.refresh_seconds)))
        if wanted.page > 1:
            pairs.append(("page", str(wanted.page)))
        return "./?" + urlencode(pairs) if pairs else "./"

    @property
    def narrowed(self) -> bool:
        return bool(self.workspace or self.query or self.only_problems)


def read_selection(parameters: Mapping[str, str]) -> Selection:
    refresh = _read_number(parameters.get("refresh", ""))
    return Selection(
        workspace=parameters.get("workspace", "")[:_LONGEST_QUERY],
        query=parameters.get("q", "").strip()[:_LONGEST_QUERY],
        only_problems=parameters.get("only") == "problems",
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
    needle = selection.query.casefold()
    return tuple(
        judged
        for judged in everything
        if selection.workspace in {"", judged.workspace.name}
        and (judged.problems or not selection.only_problems)
        and (
            needle in judged.view.integration.integration_name.casefold()
            or needle in judged.view.integration.integration_id.casefold()
        )
    )


def _judge_workspace(workspace: WorkspaceStatus, now: datetime) -> list[Judged]:
    judged = [Judged(workspace, view, view.problems_at(now)) for view in workspace.views]
    return sorted(judged, key=lambda one: -one.rank)


def _read_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0  # noqa: PLR2004 - plenty
