"""
JSON value -> model, field by field. An odd value becomes an anomaly, never an exception.

One bad record costs that record, one bad field costs that field; the rest is used. The kinds of anomalies are a closed
set, so that they can be a label; nothing that Braze sent ever becomes part of a kind. A field that is null or missing
is no anomaly: Braze's pages promise no field while a sync runs, after an error, or for S3. Only the start time must be
there, because it is the sync's identity.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from exporter.domain.model import Sync, SyncStatus

PAGE_SIZE = 10
"""Records on a page that others follow, as documented."""
MAX_RECORDS = 1000
"""Records beyond this number are not read, so that a broken response cannot block us."""
MAX_ROWS = 2**53
"""Beyond it a float, which every sample is, is no longer exact."""
START_TOLERANCE = timedelta(days=1)
"""How far in the future a sync may seem to start or finish before the record is doubted rather than our clock."""
_FIRST_YEAR = 1970
"""Earlier times are never data, and the calendar's first moments leave no room for arithmetic."""
_MAX_TEXT = 64
"""Of a time or status; a longer one is not read."""
_MAX_WORD = 40
_PATH_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}")


@dataclass(frozen=True, slots=True)
class DecodedSyncs:
    """The syncs of one page in Braze's order, and its anomalies."""

    syncs: tuple[Sync, ...] = ()
    anomalies: Mapping[str, int] = field(default_factory=dict)
    """How often each kind occurred."""
    problem: str | None = None
    """Why the page as a whole is unusable; None when it is usable."""
    full: bool = False
    """Whether it holds as many records, readable or not, as a page that others follow."""


_STATUSES = {status.value.replace("_", ""): status for status in SyncStatus} | {"partialsuccess": SyncStatus.PARTIAL}
"""By Braze's words without case, blanks, hyphens and underscores."""
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


def decode_job_sync_status(body: Any, now: datetime) -> DecodedSyncs:
    """
    Decode one page of `GET /cdi/integrations/{integration_id}/job_sync_status`.

    Args:
        body: Any JSON value.
        now: A sync that starts more than a day later than this is odd.

    """
    records, problem = decode_results(body)
    if problem is not None:
        return DecodedSyncs(problem=problem)
    anomalies: Counter[str] = Counter()
    if len(records) > MAX_RECORDS:
        anomalies["too_many_records"] = 1
        records = records[:MAX_RECORDS]
    latest = now + START_TOLERANCE
    syncs = tuple(sync for record in records if (sync := _decode_sync(record, latest, anomalies)) is not None)
    if any(one.sync_start_time > before.sync_start_time for before, one in pairwise(syncs)):
        anomalies["not_latest_first"] = 1
    # Taken for an empty history, a page of which nothing can be read would be a gap or, later, count as new.
    problem = f"none of the {len(records)} records in the answer can be read" if records and not syncs else None
    return DecodedSyncs(syncs, anomalies, problem, full=len(records) >= PAGE_SIZE)


def is_path_segment(integration_id: str) -> bool:
    """Whether an id can be asked for: one path segment of unreserved characters, at most 128."""
    return _PATH_SEGMENT.fullmatch(integration_id) is not None


def decode_results(body: Any) -> tuple[list[Any], str | None]:
    """Return the records of a page, and why there are none when it is no page at all."""
    if not isinstance(body, dict):
        return [], f"the answer is a JSON {type(body).__name__}, not an object"
    results = body.get("results")
    if not isinstance(results, list):
        missing = "has no list `results`" if "results" in body else "has no field `results`"
        return [], f"the answer {missing}"
    return results, None


def _decode_sync(record: Any, latest: datetime, anomalies: Counter[str]) -> Sync | None:
    if not isinstance(record, dict):
        anomalies["record_not_an_object"] += 1
        return None
    start = _start(record, latest, anomalies)
    if start is None:
        return None
    word = record.get("job_status")
    status = decode_status(word, "job_status", anomalies)
    return Sync(
        start,
        status,
        _finish(record, start, latest, anomalies),
        decode_time(record, "last_timestamp_synced", anomalies),
        _rows(record, "rows_synced", anomalies),
        _rows(record, "rows_failed_with_errors", anomalies),
        unknown_word=word[:_MAX_WORD] if status is SyncStatus.UNKNOWN and isinstance(word, str) else "",
    )


def _start(record: Mapping[str, Any], latest: datetime, anomalies: Counter[str]) -> datetime | None:
    if record.get("sync_start_time") in (None, ""):
        anomalies["sync_start_time_missing"] += 1
        return None
    start = decode_time(record, "sync_start_time", anomalies)
    if start is not None and start > latest:
        anomalies["sync_start_time_in_future"] += 1
        return None
    return start


def _finish(record: Mapping[str, Any], start: datetime, latest: datetime, anomalies: Counter[str]) -> datetime | None:
    finish = decode_time(record, "sync_finish_time", anomalies)
    if finish is not None and finish > latest:
        anomalies["sync_finish_time_in_future"] += 1  # it would add years to the time spent in syncs, for good
        return None
    if finish is not None and finish < start:
        anomalies["sync_finish_time_before_start"] += 1
    return finish


def decode_status(value: Any, name: str, anomalies: Counter[str]) -> SyncStatus:
    """Return the documented status, however its words are capitalised and parted; else UNKNOWN."""
    if isinstance(value, str) and len(value) <= _MAX_TEXT:
        known = _STATUSES.get(_BETWEEN_WORDS.sub("", value).lower())
        if known is not None:
            return known
    anomalies[f"{name}_unknown"] += 1
    return SyncStatus.UNKNOWN


def decode_time(record: Mapping[str, Any], name: str, anomalies: Counter[str]) -> datetime | None:
    """Return an ISO 8601 time in UTC; without an offset it is UTC. Digits beyond microseconds are cut off."""
    value = record.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= _MAX_TEXT:
        try:
            return _utc(value)
        except (ValueError, OverflowError):
            pass
    anomalies[f"{name}_invalid"] += 1
    return None


def _utc(text: str) -> datetime:
    """
    Parse, and reject years in which no sync can have run.

    Raises:
        ValueError: Not a time, or before the first year.
        OverflowError: A time that its offset moves out of the calendar.

    """
    text = text.strip()
    if text[-3:] in {"UTC", "utc"}:
        text = text[:-3].rstrip()
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    elif time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    if time.year < _FIRST_YEAR:
        raise ValueError
    return time


def _rows(record: Mapping[str, Any], name: str, anomalies: Counter[str]) -> int | None:
    """Return a count of rows. JSON knows no integers, so 3.0 is one; -1, true and "3" are not."""
    value = record.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ROWS:
        return value
    anomalies[f"{name}_invalid"] += 1
    return None
