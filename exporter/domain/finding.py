"""What a field report says of one assumption: verdict, evidence, and what the simulator's style takes from it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import LiteralString

from exporter.domain.masks import render_age, render_count

_MOST_KINDS = 6
"""Of one tally; the rarer ones are summed up."""

DOCUMENTED_WORDS = (
    "running success partial error config_error limit_exceeded active paused draft inactive disabled archived "
    "snowflake redshift bigquery databricks fabric microsoft_fabric s3 "
    "job_status sync_start_time sync_finish_time last_timestamp_synced rows_synced rows_failed_with_errors "
    "integration_id app_group_id integration_name integration_type integration_status contact_emails last_updated_at "
    "warehouse_type last_job_start_time last_job_status next_scheduled_run "
    "missing null boolean string integer number array object job_sync_status integrations other "
    "cache-control age etag expires last-modified via x-cache cf-cache-status"
)
"""What a report may say in Braze's own words; anything else is masked."""
_DOCUMENTED = frozenset(DOCUMENTED_WORDS.split())


class Verdict(StrEnum):
    """What became of an assumption."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    NOT_SEEN = "not seen"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of evidence: fixed words with places for *values*, which are counts, ages, tallies or masks."""

    words: LiteralString
    values: tuple[int | timedelta | str, ...] = ()

    def __str__(self) -> str:
        return self.words.format(*map(_render, self.values))


@dataclass(frozen=True, slots=True)
class Finding:
    """An assumption's verdict and evidence; *style* names fields of the simulator's `Style`."""

    verdict: Verdict
    lines: tuple[Line, ...] = ()
    style: Mapping[str, str | int | bool] = field(default_factory=dict)


NOT_SEEN = Finding(Verdict.NOT_SEEN)


def judge(good: int, of: int) -> Verdict:
    """Return the verdict of *good* cases among all."""
    if not of:
        return Verdict.NOT_SEEN
    return Verdict.CONFIRMED if good == of else Verdict.REFUTED


def share(words: LiteralString, good: int, of: int) -> Line:
    """Return the line `words: 3 of 4`."""
    return Line(words + ": {} of {}", (good, of))


def tally(seen: Counter[str]) -> str:
    """Return how often each was seen: `3 string, 1 null`. The words must be masks or documented."""
    common = seen.most_common(_MOST_KINDS)
    parts = [f"{render_count(number)} {word}" for word, number in common]
    if rest := seen.total() - sum(number for _, number in common):
        parts.append(f"{render_count(rest)} other")
    return ", ".join(parts) or "none"


def is_documented(word: str) -> bool:
    """Whether a word may be shown as it is."""
    return word in _DOCUMENTED


def _render(value: int | timedelta | str) -> str:
    if isinstance(value, timedelta):
        return render_age(value)
    return render_count(value) if isinstance(value, int) else value
