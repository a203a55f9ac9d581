"""
The past of one integration: its finished syncs, bounded, from which `domain/normal.py` learns limits.

Theory. Thousands of syncs are kept for each of thousands of integrations, so the past is a string of bytes: one record
a sync, oldest first, each a flag byte and a few variable-length integers, about nine bytes. Starts are differences to
the record before, so that a later sync is appended without reading the others. Times are whole seconds: nothing that
is learned needs more, and no integration starts two syncs in one second.

A past holds at most MOST syncs and a tenth more, so that it is cut seldom; `runs` gives exactly those that count.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple, Self

from exporter.domain.model import Sync, SyncStatus

MOST = 2500
"""Syncs that are learned from: 26 days of a sync every 15 minutes, 90 days of an hourly one."""
SLACK = MOST // 10
HISTORY = timedelta(days=90)
VERSION = 1
"""First byte of `encode`; another one is refused."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_OLDEST = tuple(map(SyncStatus, ("running", "success", "partial", "error", "config_error", "unknown")))
_STATUSES = (*_OLDEST, *(status for status in SyncStatus if status not in _OLDEST))
_CODES = {status: code for code, status in enumerate(_STATUSES)}
"""On disk, three bits: a status that is added gets the next number."""
_TOOK, _LAG, _ROWS, _FAILED_ROWS = 8, 16, 32, 64
_LONGEST = 4_000_000
"""Bytes of a decoded past, at the most; what unpacks to more was not written by us."""


class Run(NamedTuple):
    """A finished sync as it is learned from. What is not known is None."""

    start: int
    """Seconds since 1970, UTC."""
    status: SyncStatus
    took: int | None = None
    """From start to finish, in seconds; negative where Braze has it so."""
    lag: int | None = None
    """From `last_timestamp_synced` to the finish, or to the start while no finish is known, in seconds."""
    rows_synced: int | None = None
    rows_failed: int | None = None

    @property
    def finish(self) -> int:
        return self.start + self.took if self.took is not None and self.took > 0 else self.start

    @property
    def watermark(self) -> int | None:
        """Seconds since 1970."""
        return None if self.lag is None else self.finish - self.lag

    @property
    def failed(self) -> bool:
        return self.status in _FAILED


_FAILED = frozenset(status for status in _STATUSES if Sync(_EPOCH, status).failed)


@dataclass(slots=True, eq=False)
class Past:
    """The finished syncs of one integration, oldest first. Its content never changes."""

    _packed: bytes | None = b""
    """None until somebody asks, for one that was made of runs."""
    count: int = 0
    latest: int = 0
    """Start of the latest sync, in seconds since 1970; 0 while there is none."""
    _runs: list[Run] | None = field(default=None, repr=False)
    """Of one that was just made of them, so that it need not be read back; twenty times as large."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Past) and self.packed == other.packed

    __hash__ = None  # type: ignore[assignment]  # the packed bytes come late

    @property
    def packed(self) -> bytes:
        if self._packed is None:
            self._packed = _pack(self._runs or (), 0)
        return self._packed

    @property
    def runs(self) -> list[Run]:
        """The syncs that are learned from, oldest first, each start once."""
        return (list(_unpack(self.packed)) if self._runs is None else self._runs)[-MOST:]

    @property
    def syncs(self) -> tuple[Sync, ...]:
        return tuple(to_sync(run) for run in self.runs)

    def extend(self, syncs: Iterable[Sync]) -> Self:
        """
        Return the past with more finished syncs, in any order; those that still run are left out.

        Of two with the same start the later in this order holds, and holds against what is known.
        """
        new = {run.start: run for run in (to_run(sync) for sync in syncs if sync.finished)}
        if not new:
            return self
        starts = sorted(new)
        if starts[0] > self.latest and self.count + len(new) <= MOST + SLACK:
            return type(self)(
                self.packed + _pack((new[start] for start in starts), self.latest), self.count + len(new), starts[-1]
            )
        known = {run.start: run for run in _unpack(self.packed)}
        return type(self).of((known | new).values()).compact()

    def compact(self) -> Self:
        """Return the same in few bytes, to be kept."""
        return type(self)(self.packed, self.count, self.latest)

    @classmethod
    def of(cls, runs: Iterable[Run]) -> Self:
        """Return the past that holds the latest of *runs*, which may come in any order, each start once."""
        kept = sorted(runs)[-MOST:]
        return cls(None, len(kept), kept[-1].start, kept) if kept else cls()


def encode(past: Past) -> bytes:
    """Return the past for the disk: a version byte, then the records, compressed."""
    return bytes((VERSION,)) + zlib.compress(past.packed)


def decode(data: bytes) -> list[Run]:
    """
    Return the syncs of the past that `encode` wrote, oldest first.

    Raises:
        ValueError: The version is another, or the bytes are damaged.

    """
    if data[:1] != bytes((VERSION,)):
        raise ValueError(f"version {data[0] if data else None} of a stored past is not known")
    expander = zlib.decompressobj()
    try:
        packed = expander.decompress(data[1:], _LONGEST)
        runs = list(_unpack(packed)) if expander.eof else []
    except (zlib.error, IndexError, OverflowError) as error:
        raise ValueError(f"a stored past is damaged: {error}") from error
    if not expander.eof or any(a.start >= b.start for a, b in pairwise(runs)):
        raise ValueError("a stored past is damaged")
    return runs


def to_run(sync: Sync) -> Run:
    start, finish = to_seconds(sync.sync_start_time), sync.sync_finish_time
    took = None if finish is None else to_seconds(finish) - start
    watermark = sync.last_timestamp_synced
    lag = None if watermark is None else start + (took or 0) - to_seconds(watermark)
    return Run(start, sync.job_status, took, lag, sync.rows_synced, sync.rows_failed_with_errors)


def to_sync(run: Run) -> Sync:
    start = _EPOCH + timedelta(seconds=run.start)
    finish = None if run.took is None else start + timedelta(seconds=run.took)
    watermark = None if run.lag is None else (finish or start) - timedelta(seconds=run.lag)
    return Sync(start, run.status, finish, watermark, run.rows_synced, run.rows_failed)


def to_seconds(at: datetime) -> int:
    return (at - _EPOCH) // _SECOND


def to_moment(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def _pack(runs: Iterable[Run], before: int) -> bytes:
    out = bytearray()
    for run in runs:
        values = ((_TOOK, run.took), (_LAG, run.lag), (_ROWS, run.rows_synced), (_FAILED_ROWS, run.rows_failed))
        out.append(_CODES[run.status] | sum(flag for flag, value in values if value is not None))
        _append(out, run.start - before)
        for _, value in values:
            if value is not None:
                _append(out, value)
        before = run.start
    return bytes(out)


def _append(out: bytearray, value: int) -> None:
    """Seven bits a byte, the lowest first; the sign is the lowest bit."""
    rest = value << 1 if value >= 0 else (-value << 1) - 1
    while rest > 0x7F:  # noqa: PLR2004 - seven bits
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)


def _unpack(packed: bytes) -> Iterator[Run]:
    at, end, start = 0, len(packed), 0
    values: list[int | None]
    while at < end:
        flags = packed[at]
        at += 1
        values = []
        for flag in (0, _TOOK, _LAG, _ROWS, _FAILED_ROWS):
            if flag and not flags & flag:
                values.append(None)
                continue
            byte = packed[at]
            at += 1
            value, shift = byte & 0x7F, 7
            while byte > 0x7F:  # noqa: PLR2004 - seven bits
                byte = packed[at]
                at += 1
                value |= (byte & 0x7F) << shift
                shift += 7
            values.append(~(value >> 1) if value & 1 else value >> 1)
        start += values[0] or 0
        yield Run(start, _STATUSES[flags & 7], *values[1:])
