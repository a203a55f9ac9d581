"""
The status page for people: values in, HTML out. The template beside this file decides the looks.

No script, no foreign asset, no inline style attribute: the one style sheet is part of the page, and the content
security policy allows exactly it, by its hash. The template escapes everything; foreign text is clipped before.
"""

import base64
import functools
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from importlib.resources import files
from itertools import groupby
from typing import Any

import jinja2
from markupsafe import Markup

from exporter.domain.dashboard import link_integration, row_errors_until
from exporter.domain.health_trends import rounded
from exporter.domain.limits import LIMITS, Limit, Source, Unit
from exporter.domain.model import Sync, SyncStatus
from exporter.domain.problem import Severity
from exporter.domain.view import View
from exporter.domain.wording import clip, word_share, word_span
from exporter.web.selection import PAGE_SIZE, REFRESH_CHOICES, Judged, Selection, judge, select
from exporter.web.view import ExporterStatus, WorkspaceStatus, next_poll_at, without_broken
from exporter.web.words import LONGEST_MESSAGE, LONGEST_NAME, word_age, word_rfc3339, word_utc

_TEMPLATES = files("exporter.web") / "templates"
_STYLE = (_TEMPLATES / "status.css").read_text("utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

_MARKS = 20
_ATTENTION = 12
"""So many problems are listed at the top; the rest is one click away."""

_STATUS_WORDS = {
    SyncStatus.RUNNING: "running",
    SyncStatus.SUCCESS: "success",
    SyncStatus.PARTIAL: "partial",
    SyncStatus.ERROR: "error",
    SyncStatus.CONFIG_ERROR: "config error",
    SyncStatus.LIMIT_EXCEEDED: "limit exceeded",
    SyncStatus.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class _Mark:
    """One sync in the row of marks; *x* counts from the left."""

    x: int
    status: str
    title: str


@functools.cache
def _load_template() -> jinja2.Template:
    """Read and compiled once: the files belong to the package and do not change."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (_TEMPLATES / name).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        age=_unbroken_age,
        utc=word_utc,
        rfc3339=word_rfc3339,
        span=_unbroken_span,
        name=lambda text: clip(text, LONGEST_NAME),
        message=lambda text: clip(text, LONGEST_MESSAGE),
        word=_word_status,
        number=lambda value: f"{value:,}",
        rounded=lambda rows: f"{rounded(rows):,.0f}",
    )
    environment.globals.update(
        style=Markup(_STYLE),  # noqa: S704 - our own file
        refresh_choices=REFRESH_CHOICES,
        marks=_marks,
        limits=_limits,
        next_poll_at=next_poll_at,
        link_integration=link_integration,
        row_errors_until=row_errors_until,
    )
    return environment.get_template("status.html")


class StatusPage:
    """Renders the page; *telemetry_path* is where it links to for the metrics."""

    def __init__(self, *, telemetry_path: str) -> None:
        self._telemetry_path = telemetry_path.lstrip("/")  # relative: a proxy may have put us under a path of its own
        self._template = _load_template()

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
        page_count = max(1, -(-len(matching) // PAGE_SIZE))
        page = min(selection.page, page_count)
        shown = matching[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        concerned = sorted((judged for judged in matching if judged.needs_attention), key=lambda one: -one.rank)
        html = self._template.render(
            telemetry_path=self._telemetry_path,
            status=status,
            now=status.now,
            selection=selection,
            total=len(everything),
            worst_severity=_word(max((judged.rank for judged in everything), default=0)),
            problem_count=sum(judged.needs_attention for judged in everything),
            matching_count=len(matching),
            concerned=concerned[:_ATTENTION],
            concerned_left_out=max(0, len(concerned) - _ATTENTION),
            groups=_group(shown),
            anchors={judged: f"i{place}" for place, judged in enumerate(shown)},
            empty_workspaces=[] if selection.narrowed else [w for w in status.workspaces if not w.views],
            page=page,
            page_count=page_count,
        )
        return html.encode("utf-8", "replace")  # a name given by hand can hold half a surrogate, too


def _word(rank: int) -> str:
    return Severity(rank).word if rank else "ok"


def _word_status(sync: Sync) -> str:
    word = clip(sync.unknown_word, LONGEST_NAME)
    return f"unknown ({word})" if word else _STATUS_WORDS[sync.job_status]


def _unbroken_span(seconds: float) -> str:
    return word_span(seconds).replace(" ", "\N{NO-BREAK SPACE}")


def _unbroken_age(at: datetime, now: datetime) -> str:
    return word_age(at, now).replace(" ", "\N{NO-BREAK SPACE}")


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
    return [_Mark(_MARKS - 1 - place, sync.job_status.value, _mark_title(sync)) for place, sync in enumerate(latest)]


_UNITS = {key.name: key.unit for key in LIMITS}


def _limits(view: View) -> list[tuple[str, str, str]]:
    """Name, value and source of each limit in effect."""
    return [
        (name.replace("_", " "), _limit(name, limit), f"{limit.source}")
        for name, limit in view.limits
        if limit.source is not Source.DEFAULT or limit.value is not None
    ]


def _limit(name: str, limit: Limit) -> str:
    if limit.value is None:
        return "off"
    unit = _UNITS.get(name, Unit.COUNT)
    if unit is Unit.SHARE:
        return word_share(limit.value)
    return _unbroken_span(limit.value) if unit is Unit.SECONDS else f"{rounded(limit.value):,.0f}"


def _mark_title(sync: Sync) -> str:
    parts = [_word_status(sync), f"{sync.sync_start_time:%Y-%m-%d %H:%M:%S} UTC"]
    if sync.duration_seconds is not None:
        parts.append(f"took {word_span(sync.duration_seconds)}")
    if sync.rows_synced is not None:
        parts.append(f"{sync.rows_synced:,} rows")
    if sync.rows_failed_with_errors:
        parts.append(f"{sync.rows_failed_with_errors:,} failed")
    return ", ".join(parts)
