"""
The exposition page: lines are rendered when a view changes and joined when the page is scraped.

Theory of operation. Each family of the catalogue is a column of ready lines, each integration a slot in all columns.
`publish` compares the new view with the old, field by field, renders the families that read a changed field, and
only then puts the lines in place; there is no await in it, so a scrape sees all of a view or nothing of it.
`render` takes the pieces of the columns as they are at that moment; they are joined while the answer is being sent.

What a page shows is a function of the published views and of *now* alone, which may differ by workspace: each is
judged on the clock of its Braze. Staleness is the only thing that comes with time and without a publish, so the page
remembers for each workspace between which two moments nothing can change, and looks at the slots only outside.

Families follow the order of the catalogue, integrations the order in which they first came, with the place of a
withdrawn one going to the next newcomer; both formats have the same sample lines.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

from exporter.domain.view import View
from exporter.metrics.catalogue import CATALOGUE
from exporter.metrics.columns import Column, LagColumn, render_lines
from exporter.metrics.family import Family, integration_labels
from exporter.metrics.pieces import Piece, in_chunks
from exporter.metrics.self_metrics import SelfMetrics
from exporter.metrics.text import clean, render_header, render_labels

TEXT_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
_ALWAYS = datetime.min.replace(tzinfo=UTC)


def _field(family: Family, *, stale: bool) -> str | None:
    return family.when_stale if stale else family.reads


_FIELDS = {
    stale: tuple(sorted({field for family in CATALOGUE if (field := _field(family, stale=stale))}))
    for stale in (False, True)
}
"""What is read of a view, by whether it is stale."""
_read_fields: Mapping[bool, Callable[[View], tuple[Any, ...]]] = {
    stale: attrgetter(*fields) for stale, fields in _FIELDS.items()
}


@dataclass(frozen=True, slots=True)
class Exposition:
    """A page of one moment."""

    content_type: str
    length: int
    """Bytes of all pieces together."""
    pieces: Iterable[Piece]

    @property
    def chunks(self) -> Iterator[bytes]:
        """The page as it is, joined chunk by chunk."""
        return (b"".join([piece.data for piece in group]) for group in in_chunks(self.pieces))


@dataclass(slots=True)
class _Slot:
    """What the page knows of one integration."""

    number: int
    view: View
    labels: str
    hidden: bool = False
    """Whether the families that expire are taken off the page."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A view with the lines that it changes, to be put in place of *old*."""

    key: tuple[str, str]
    view: View
    old: _Slot | None
    labels: str
    hidden: bool
    lines: list[tuple[Column, bytes]]


@dataclass(slots=True)
class _Span:
    """The time in which nothing of a workspace becomes stale, or fresh again."""

    fresh_until: datetime = _NEVER
    """No slot shown goes stale before this moment."""
    stale_since: datetime = _ALWAYS
    """Every hidden slot is stale from this moment on."""


class Page:
    """The current views, and the page made of them."""

    def __init__(self, self_metrics: SelfMetrics) -> None:
        self._self_metrics = self_metrics
        self._slots: dict[tuple[str, str], _Slot] = {}
        self._free: list[int] = []
        self._columns = [LagColumn(family) if family.against_now else Column(family) for family in CATALOGUE]
        self._readers = {
            stale: {field: [c for c in self._columns if _field(c.family, stale=stale) == field] for field in fields}
            for stale, fields in _FIELDS.items()
        }
        self._moving = [c for c in self._columns if c.family.when_stale != c.family.reads]
        """The columns that change when a view becomes stale."""
        self._headers = {
            openmetrics: [Piece(render_header(f.name, f.kind, f.help, openmetrics=openmetrics)) for f in CATALOGUE]
            for openmetrics in (False, True)
        }
        self._spans: dict[str, _Span] = {}
        """By workspace."""
        self._homes: list[str] = []
        """The workspace of each slot."""

    def publish(self, view: View) -> None:
        """Show *view* in place of what its integration showed before. An error leaves the page as it was."""
        self._put(self._prepare(view))

    def exchange(self, views: Iterable[View], gone: Iterable[tuple[str, str]]) -> None:
        """Show *views*, but for those of which a defect makes no lines, and withdraw *gone*, by workspace and id."""
        ready = []
        for view in views:
            with contextlib.suppress(Exception):  # each is published once more, by one who can log
                ready.append(self._prepare(view))
        for workspace, integration_id in gone:
            self.withdraw(workspace, integration_id)
        for one in ready:
            still = self._slots.get(one.key) is one.old
            self._put(one if still else self._prepare(one.view))

    def _prepare(self, view: View) -> _Prepared:
        """Render what *view* changes; nothing is shown yet."""
        key = _key(view.integration.workspace, view.integration.integration_id)
        old = self._slots.get(key)
        # A view that is still stale is hidden again by the next scrape; only a new deadline can bring lines back.
        hidden = old is not None and old.hidden and old.view.stale_at == view.stale_at
        if old is None or old.view.integration != view.integration:
            labels, columns = render_labels(integration_labels(view.integration)), self._columns
        else:
            labels = old.labels
            columns = self._changed(old.view, view, stale=hidden) if old.hidden == hidden else self._columns
        return _Prepared(key, view, old, labels, hidden, [(c, _lines(c, labels, view, stale=hidden)) for c in columns])

    def _put(self, ready: _Prepared) -> None:
        number = self._add_slot() if ready.old is None else ready.old.number
        for column, lines in ready.lines:
            column.put(number, lines)
        self._slots[ready.key] = _Slot(number, ready.view, ready.labels, ready.hidden)
        workspace = ready.view.integration.workspace
        self._homes[number] = workspace
        span = self._spans.setdefault(workspace, _Span())
        if ready.view.stale_at is not None and not ready.hidden:
            span.fresh_until = min(span.fresh_until, ready.view.stale_at)

    def withdraw(self, workspace: str, integration_id: str) -> None:
        """Take an integration off the page with everything it showed; one that is not there is no error."""
        slot = self._slots.pop(_key(workspace, integration_id), None)
        if slot is None:
            return
        for column in self._columns:
            column.put(slot.number, b"")
        self._free.append(slot.number)

    def render(
        self, now: datetime, by_workspace: Mapping[str, datetime] | None = None, *, openmetrics: bool
    ) -> Exposition:
        """The page as of *now*, or of a workspace's own moment. What is published later does not reach it."""
        moments = {name: (by_workspace or {}).get(name, now) for name in self._spans}
        for name, span in self._spans.items():
            if not span.stale_since <= moments[name] < span.fresh_until:
                self._sweep(name, moments[name])
        microseconds = {name: (at - _EPOCH) // timedelta(microseconds=1) for name, at in moments.items()}
        nows = [microseconds[name] for name in self._homes]
        pieces: list[Piece] = []
        for column, header in zip(self._columns, self._headers[openmetrics], strict=True):
            if shown := [piece for piece in column.pieces(nows) if piece.data]:
                pieces += (header, *shown)
        pieces.append(Piece(self._self_metrics.render(openmetrics=openmetrics) + (b"# EOF\n" if openmetrics else b"")))
        return Exposition(
            content_type=OPENMETRICS_CONTENT_TYPE if openmetrics else TEXT_CONTENT_TYPE,
            length=sum([len(piece.data) for piece in pieces]),
            pieces=pieces,
        )

    def _changed(self, old: View, new: View, *, stale: bool) -> list[Column]:
        """The columns that read a field in which the two differ; what is read once they are *stale* does not matter."""
        read, readers = _read_fields[stale], self._readers[stale]
        fields = zip(readers, read(old), read(new), strict=True)
        changed = [field for field, before, after in fields if before is not after and before != after]
        return [column for field in changed for column in readers[field]]

    def _add_slot(self) -> int:
        if self._free:
            return self._free.pop()
        self._homes.append("")
        return len(self._slots)

    def _sweep(self, workspace: str, now: datetime) -> None:
        """Hide what is stale at *now*, show what is not (the clock may have been set back), and note until when."""
        span = self._spans[workspace] = _Span()
        for slot in self._slots.values():
            stale_at = slot.view.stale_at
            if stale_at is None or slot.view.integration.workspace != workspace:
                continue
            stale = now >= stale_at
            if stale:
                span.stale_since = max(span.stale_since, stale_at)
            else:
                span.fresh_until = min(span.fresh_until, stale_at)
            if stale != slot.hidden:
                slot.hidden = stale
                for column in self._moving:
                    column.put(slot.number, _lines(column, slot.labels, slot.view, stale=stale))


def _key(workspace: str, integration_id: str) -> tuple[str, str]:
    """As the page writes them: what looks the same there is one integration, or a series would be there twice."""
    return clean(workspace), clean(integration_id)


def _lines(column: Column, labels: str, view: View, *, stale: bool) -> bytes:
    field = _field(column.family, stale=stale)
    return render_lines(column.family, labels, getattr(view, field)) if field is not None else b""
