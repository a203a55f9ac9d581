"""
Braze's clock, as the `Date` headers of its answers tell it: the one that ages and deadlines of syncs are judged on.

Decides what Braze's time is now, how far ours is off, and which headers are odd. Braze's time is kept against the
monotonic clock, so a step of our time of day moves nothing. A `Date` has whole seconds and is written somewhere between
sending and receiving, so single ones are off by half a second and half a request; the median of the latest is not.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from exporter.clock import Clock

_LATEST = 9
"""This many answers tell the time: four absurd ones among them do no harm."""
_AGREE_SECONDS = 30.0
"""An answer that differs by more from those before is odd, or a clock has moved."""
_SLOW_SECONDS = 5.0
"""An answer that took longer tells the time too roughly, where there are others."""
_UNCERTAIN_SECONDS = 1.0
_YEARS = range(2020, 2200)
_TRUNCATED = 0.5
"""A `Date` leaves out half a second on average."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """What one answer shows: seconds from our monotonic clock, and from our time of day, to Braze's time."""

    from_monotonic: float
    from_ours: float


class BrazeClock:
    """
    The time at one workspace's Braze; until Braze has answered, ours.

    Args:
        ours: The machine's clock.

    """

    def __init__(self, ours: Clock) -> None:
        self._ours = ours
        self._samples: deque[_Sample] = deque(maxlen=_LATEST)
        self._middle: list[float] = []
        """The middle one of the samples from monotonic, or both in the middle."""
        self._at_least: float | None = None
        """Seconds from monotonic to a moment that Braze's clock has passed; until the first answer or failure."""
        self.on_found: Callable[[], None] = lambda: None
        """Called when the first answer has shown Braze's time."""

    def now(self) -> datetime:
        """Braze's time, aware, in UTC."""
        ahead = self._from_monotonic()
        return self._ours.now() if ahead is None else datetime.fromtimestamp(self.monotonic() + ahead, UTC)

    def monotonic(self) -> float:
        return self._ours.monotonic()

    @property
    def skew_seconds(self) -> float | None:
        """Our time of day minus Braze's; None until an answer has shown it."""
        return (self._ours.now() - self.now()).total_seconds() if self._samples else None

    @property
    def uncertain_seconds(self) -> float:
        """By how much the time may be early: a moment that Braze names is waited for this much longer."""
        return _UNCERTAIN_SECONDS if self._samples else 0.0

    def resume(self, good_until: Iterable[datetime]) -> None:
        """
        Note until when, on Braze's clock, polls went well before the process began.

        Until the first answer the time goes on from there: a clock of ours that is ahead must not make stale what is
        only kept. What was failing is no evidence that it was polled until lately.
        """
        latest = max(good_until, default=None)
        if latest is not None and not self._samples:
            self._at_least = latest.timestamp() - self.monotonic()

    def note_no_answer(self) -> None:
        """Note that a request got no answer: until one comes, only our clock tells how long that lasts."""
        self._at_least = None

    def hear(self, headers: Mapping[str, str], sent_at: float, received_at: float) -> str | None:
        """
        Take in the `Date` of an answer; return the kind of anomaly it is, or None.

        Args:
            headers: Names in lower case.
            sent_at: When the request was sent, in monotonic seconds.
            received_at: When the answer was complete.

        """
        self._at_least = None
        told = _read_date(headers)
        if isinstance(told, str):
            return told
        if headers.get("age", "0").strip() != "0" or (self._samples and received_at - sent_at > _SLOW_SECONDS):
            return None  # a cache's Date is the past
        middle = (sent_at + received_at) / 2
        since = self._ours.now().timestamp() - (self.monotonic() - middle)
        sample = _Sample(told + _TRUNCATED - middle, told + _TRUNCATED - since)
        return self._add(sample)

    def _add(self, sample: _Sample) -> str | None:
        known = self._from_monotonic()
        odd = None
        if known is not None and abs(sample.from_monotonic - known) > _AGREE_SECONDS:
            if abs(sample.from_ours - min(_middle(one.from_ours for one in self._samples), key=abs)) <= _AGREE_SECONDS:
                self._samples.clear()  # the machine slept, and its monotonic clock with it
            else:
                odd = "date_odd"
        self._samples.append(sample)
        self._middle = _middle(one.from_monotonic for one in self._samples)
        if known is None:
            self.on_found()
        return odd

    def _from_monotonic(self) -> float | None:
        if not self._samples:
            return self._at_least
        if len(self._middle) == 1:
            return self._middle[0]
        # Of two that nearer to what our clock says, so that one absurd value in two loses.
        ours = self._ours.now().timestamp() - self.monotonic()
        return min(self._middle, key=lambda value: abs(value - ours))


def _middle(values: Iterable[float]) -> list[float]:
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]


def _read_date(headers: Mapping[str, str]) -> float | str:
    """Return the seconds since 1970 that a `Date` header has, or the kind of anomaly that it is."""
    text = headers.get("date", "")
    if not text:
        return "date_missing"
    try:
        date = parsedate_to_datetime(text[:100])
    except (ValueError, TypeError, OverflowError, IndexError):
        return "date_invalid"
    date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return date.timestamp() if date.year in _YEARS else "date_invalid"
