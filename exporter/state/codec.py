"""
A ledger as the text of one row, and back: exact, explicit, and never more than data.

Times are whole microseconds since 1970, because a float would round them. Statuses are words, so that their order in
the code may change. A record that cannot be read is a ValueError with the reason; the caller decides what that costs.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from exporter.domain.ledger import Ledger, Tail
from exporter.domain.model import FINISHED_STATUSES, Sync, SyncStatus, Totals

FORMAT = 1
"""Changes whenever a record does: a reader takes its own format only, unless it is taught an older one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_compact = json.JSONEncoder(separators=(",", ":")).encode
_STATUSES = {status.value: status for status in SyncStatus}


def encode_ledger(ledger: Ledger) -> bytes:
    """Return the ledger as ASCII JSON."""
    tail, totals = ledger.tail, ledger.totals
    record = {
        "format": FORMAT,
        "baseline": encode_time(ledger.baseline),
        "anchor": encode_optional(ledger.anchor),
        "running": sorted(encode_time(start) for start in ledger.running),
        "tail": {
            "floor": encode_optional(tail.floor),
            "failed_streak": tail.failed_streak,
            "last_timestamp_synced": encode_optional(tail.last_timestamp_synced),
        },
        "totals": {
            "syncs": dict(zip(FINISHED_STATUSES, totals.syncs, strict=True)),
            "rows_synced": totals.rows_synced,
            "rows_failed_with_errors": totals.rows_failed_with_errors,
            "duration_seconds": totals.duration_seconds,
        },
        "gaps": ledger.gaps,
        "history_known": ledger.history_known,
        "vanished": ledger.vanished,
        "attempts": ledger.attempts,
        "searched_at": encode_optional(ledger.searched_at),
    }
    recent = ",".join(map(_encode_sync, ledger.recent))
    tail_success = "null" if tail.success is None else _encode_sync(tail.success)
    return f'{{"recent":[{recent}],"tail_success":{tail_success},{_compact(record)[1:]}'.encode("ascii")


def decode_ledger(text: bytes) -> Ledger:
    """
    Return the ledger that was encoded.

    Raises:
        ValueError: The text is no record of this format; the message says why.

    """
    try:
        return _decode(json.loads(text))
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError) as error:
        raise ValueError(f"not a record of a ledger: {error!r}") from error


def encode_time(time: datetime) -> int:
    """Return whole microseconds since 1970."""
    since = time - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def decode_time(microseconds: int) -> datetime:
    """
    Return the time in UTC.

    Raises:
        OverflowError: Beyond the calendar.
        TypeError: Not a number.

    """
    return _EPOCH + microseconds * _MICROSECOND


def encode_optional(time: datetime | None) -> int | None:
    return None if time is None else encode_time(time)


def decode_optional(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else decode_time(microseconds)


def _decode(record: Any) -> Ledger:
    if record["format"] != FORMAT:
        raise ValueError(f"format {record['format']} of a record, this version reads {FORMAT}")
    tail, success, totals = record["tail"], record["tail_success"], record["totals"]
    return Ledger(
        baseline=decode_time(record["baseline"]),
        anchor=decode_optional(record["anchor"]),
        recent=tuple([_decode_sync(fields) for fields in record["recent"]]),
        running=frozenset(map(decode_time, record["running"])),
        tail=Tail(
            decode_optional(tail["floor"]),
            tail["failed_streak"],
            None if success is None else _decode_sync(success),
            decode_optional(tail["last_timestamp_synced"]),
        ),
        totals=Totals(
            tuple(totals["syncs"].get(status.value, 0) for status in FINISHED_STATUSES),
            totals["rows_synced"],
            totals["rows_failed_with_errors"],
            totals["duration_seconds"],
        ),
        gaps=record["gaps"],
        history_known=record["history_known"],
        vanished=record["vanished"],
        attempts=record["attempts"],
        searched_at=decode_optional(record["searched_at"]),
    )


# From one commit to the next all recent syncs but one or two are the same, and a frozen sync's text never changes: with
# some thousands kept, about a megabyte, a commit costs half.
@lru_cache(maxsize=4096)
def _encode_sync(sync: Sync) -> str:
    word = f",{_compact(sync.unknown_word)}" if sync.unknown_word else ""
    return (
        f'[{encode_time(sync.sync_start_time)},"{sync.job_status}",{_time_text(sync.sync_finish_time)},'
        f"{_time_text(sync.last_timestamp_synced)},{_text(sync.rows_synced)},{_text(sync.rows_failed_with_errors)}{word}]"
    )


def _time_text(time: datetime | None) -> str:
    return "null" if time is None else str(encode_time(time))


def _text(number: int | None) -> str:
    return "null" if number is None else str(number)


def _decode_sync(fields: Sequence[Any]) -> Sync:
    start, status, finish, last_timestamp_synced, rows_synced, rows_failed_with_errors, *word = fields
    return Sync(
        decode_time(start),
        _STATUSES[status],
        decode_optional(finish),
        decode_optional(last_timestamp_synced),
        rows_synced,
        rows_failed_with_errors,
        *map(str, word),
    )
