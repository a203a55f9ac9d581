"""
What a family of the catalogue is, and how a field of a view becomes its samples.

A family reads one field of the view and nothing else, so the page re-renders it only when that field has changed. A
field that is None gives no sample: what is not known is absent.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from exporter.domain.limits import Limits
from exporter.domain.model import FINISHED_STATUSES, Integration, Sync, SyncStatus, Totals
from exporter.domain.problem import Problem
from exporter.metrics.text import Kind

Pairs = tuple[tuple[str, str], ...]
Sample = tuple[Pairs, float]
"""The labels beyond those of the integration, and the value."""

INTEGRATION_LABELS = ("workspace", "integration_id", "integration_name")
"""The labels that every family of this table has."""

INFO_LABELS = ("integration_type", "warehouse_type", "app_group_id")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LABEL_NAME = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric of the catalogue."""

    name: str
    """The name of its samples, the same in both formats."""
    kind: Kind
    help: str
    """Plain ASCII without backslash, quote and newline: needs no escaping in either format."""
    reads: str
    """The one field of the View that the samples depend on."""
    samples: Callable[[Any], Iterable[Sample]]
    """Makes the samples from that field; never called with None."""
    labels: tuple[str, ...] = ()
    """The labels beyond INTEGRATION_LABELS."""
    when_stale: str | None = None
    """The field it reads once the view is stale; None: its samples disappear then."""
    against_now: bool = False
    """Its one sample is a moment in whole microseconds since 1970; the page shows now minus it, in seconds."""


def integration_labels(integration: Integration) -> Pairs:
    """The labels of INTEGRATION_LABELS with their values."""
    return (
        ("workspace", integration.workspace),
        ("integration_id", integration.integration_id),
        ("integration_name", integration.integration_name),
    )


def value(value: float) -> Iterator[Sample]:
    yield (), value


def timestamp(at: datetime) -> Iterator[Sample]:
    yield (), (at - _EPOCH).total_seconds()


def microseconds(at: datetime) -> Iterator[Sample]:
    yield (), (at - _EPOCH) // timedelta(microseconds=1)


def info(integration: Integration) -> Iterator[Sample]:
    fixed = tuple((name, getattr(integration, name)) for name in INFO_LABELS)
    taken = {*INTEGRATION_LABELS, *INFO_LABELS}
    # A name twice, or one no parser takes, would cost the whole page: whatever lets it through, it ends here.
    configured = {
        name: value for name, value in integration.labels if name not in taken and _LABEL_NAME.fullmatch(name)
    }
    yield (*fixed, *sorted(configured.items())), 1


def integration_status(status: str) -> Iterator[Sample]:
    yield (("integration_status", status),), 1


def sync_status(sync: Sync) -> Iterator[Sample]:
    for status in SyncStatus:
        yield (("status", status),), float(status is sync.job_status)


def problems(found: tuple[Problem, ...]) -> Iterator[Sample]:
    """One sample for each problem."""
    for problem in found:
        yield (("problem", problem.kind), ("severity", problem.severity.word)), 1


def problem_values(found: tuple[Problem, ...]) -> Iterator[Sample]:
    """The value of each problem that has one."""
    for problem in found:
        if problem.value is not None:
            yield (("problem", problem.kind),), problem.value


def problem_limits(found: tuple[Problem, ...]) -> Iterator[Sample]:
    """The limit of each problem that has one."""
    for problem in found:
        if problem.limit is not None:
            yield (("problem", problem.kind),), problem.limit


def limit(name: str) -> Callable[[Limits], Iterator[Sample]]:
    """The value of one limit in effect, if it has one."""

    def samples(limits: Limits) -> Iterator[Sample]:
        value: float | None = getattr(limits, name).value
        if value is not None:
            yield (), value

    return samples


def start(sync: Sync) -> Iterator[Sample]:
    return timestamp(sync.sync_start_time)


def of_sync(attribute: str, samples: Callable[[Any], Iterable[Sample]] = value) -> Callable[[Sync], Iterable[Sample]]:
    """The samples of one attribute of a sync, none while it is unknown."""

    def of_sync(sync: Sync) -> Iterable[Sample]:
        value = getattr(sync, attribute)
        return () if value is None else samples(value)

    return of_sync


def syncs_total(totals: Totals) -> Iterator[Sample]:
    for status, count in zip(FINISHED_STATUSES, totals.syncs, strict=True):
        yield (("status", status),), count


def total(attribute: str) -> Callable[[Totals], Iterator[Sample]]:
    def total(totals: Totals) -> Iterator[Sample]:
        yield (), getattr(totals, attribute)

    return total
