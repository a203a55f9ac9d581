"""
When an integration is due to be polled, and in which order.

Decides due times only, not what a poll does or whether the rate limit allows it now. All times are monotonic seconds.
Each integration has a phase of its own within the interval, so that polls are spread evenly and stay so.
"""

import heapq
import zlib
from dataclasses import dataclass

from exporter.domain.rate_limit import WINDOW_SECONDS

HEAD_START_SECONDS = 300.0
"""Added to the time that an expedited integration has been due."""
LATEST_RETRY_SECONDS = 60.0
"""After a failure the next try comes within a minute (contract 6)."""
_MOST_DOUBLINGS = 10
"""Far more than a minute takes; without a limit a float would overflow some day."""


def phase(key: str) -> float:
    """Where in the interval an integration has its turn, from 0 to below 1; the same after every restart."""
    return zlib.crc32(key.encode(errors="replace")) / 2**32


def next_turn(now: float, interval: float, offset: float) -> float:
    """Return the first moment after *now* that lies at share *offset* of some *interval*."""
    turns = (now / interval - offset) // 1 + 1
    turn = (turns + offset) * interval
    return turn if turn > now else turn + interval


def retry_delay(failures: int, interval: float) -> float:
    """
    Return the seconds to wait after the *failures*-th failed poll in a row.

    Up to an interval of a minute: doubled from the interval, at most a minute. With a longer interval the first retry
    comes after a minute, and the turn after it is delayed by as much, so that failures never make us ask more often
    than success does (contract 6).
    """
    if interval <= LATEST_RETRY_SECONDS:
        return min(LATEST_RETRY_SECONDS, interval * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
    return LATEST_RETRY_SECONDS if failures % 2 else 2 * interval - LATEST_RETRY_SECONDS


@dataclass(slots=True)
class _Turn:
    due: float
    priority: float
    failures: int = 0
    polling: bool = False
    polled_at: float | None = None
    """When its latest poll ended."""
    expedited: bool = False
    """Whether it was expedited while it was being polled."""


class PollQueue:
    """
    The due times of one workspace's integrations.

    Due integrations are taken in order of priority: their due time, or `HEAD_START_SECONDS` earlier when expedited. So
    expedited ones go first, and yet none starves.
    """

    def __init__(self, interval: float) -> None:
        self.interval = interval
        """Seconds; the interval in effect. A change acts from each integration's next turn on."""
        self._turns: dict[str, _Turn] = {}
        self._heap: list[tuple[float, str]] = []
        self._held: set[str] = set()
        """Those whose last poll failed before anything was sent."""

    def __len__(self) -> int:
        return len(self._turns)

    def __contains__(self, key: str) -> bool:
        return key in self._turns

    def dues(self) -> dict[str, float]:
        """When each integration has its turn, leaving out those that are being polled."""
        return {key: turn.due for key, turn in self._turns.items() if not turn.polling}

    def add(self, key: str, due: float) -> None:
        """Add a new integration; one that is known keeps its turn."""
        if key not in self._turns:
            self._turns[key] = _Turn(due, due)
            heapq.heappush(self._heap, (due, key))

    def remove(self, key: str) -> None:
        self._turns.pop(key, None)
        self._held.discard(key)

    def reschedule(self, key: str, due: float) -> float:
        """Move the turn of an integration that is not being polled, and that did not fail last; return its turn."""
        turn = self._turns[key]
        if not turn.polling and not turn.failures and (turn.due, turn.priority) != (due, due):
            self._set(key, turn, due, due)
        return turn.due

    def bring_forward(self, key: str, due: float) -> float:
        """Move the turn as `reschedule` does, but never to a later time; return its turn."""
        turn = self._turns[key]
        return self.reschedule(key, due) if due < turn.due else turn.due

    def expedite(self, key: str, now: float) -> None:
        """Make an integration due now, ahead of others; one that failed last keeps its turn (contract 6)."""
        turn = self._turns[key]
        if turn.polling:
            turn.expedited = True
        elif not turn.failures and turn.priority > now - HEAD_START_SECONDS:
            self._set(key, turn, now, now - HEAD_START_SECONDS)

    def next_due(self) -> float | None:
        """When the next integration is due, which may be past; None while none is waiting."""
        while self._heap:
            priority, key = self._heap[0]
            turn = self._turns.get(key)
            if turn is not None and not turn.polling and turn.priority == priority:
                return priority
            heapq.heappop(self._heap)
        return None

    def longest_wait(self, now: float) -> float:
        """How long the last poll is over of the integration that waits longest for one that is due; 0 if none is."""
        due = (turn for turn in self._turns.values() if turn.due <= now and not turn.polling)
        return max((now - turn.polled_at for turn in due if turn.polled_at is not None), default=0.0)

    def take(self) -> str:
        """
        Return the integration that goes first; it has no turn until `done` is called.

        Raises:
            IndexError: None is waiting; `next_due` returns None.

        """
        self.next_due()
        _, key = heapq.heappop(self._heap)
        self._turns[key].polling = True
        return key

    def done(self, key: str, now: float, *, succeeded: bool, due: float | None = None) -> float:
        """
        Give an integration that was taken its next turn, and return it.

        Args:
            key: Of the integration.
            now: The end of the poll.
            succeeded: After a failure the next turn is a retry.
            due: The next turn where it is known: a success may let an integration rest, and a failure for which
                nothing was sent is no reason to wait any longer than that lasts.

        """
        turn = self._turns[key]
        turn.polling, turn.polled_at = False, now
        expedited, turn.expedited = turn.expedited, False
        self._held.discard(key)
        if succeeded:
            turn.failures = 0
            due = now if expedited else due or next_turn(now, self.interval, phase(key))
        elif due is None:
            turn.failures += 1
            due = now + retry_delay(turn.failures, self.interval)
        else:
            turn.failures = max(1, turn.failures)
            self._held.add(key)
        self._set(key, turn, due, due)
        return due

    def release(self, now: float) -> None:
        """Make due those for which nothing was sent, now that it would be: they have missed their turns."""
        for key in self._held:
            turn = self._turns[key]
            if not turn.polling:
                due = min(turn.due, now)
                self._set(key, turn, due, due)
        self._held.clear()

    def _set(self, key: str, turn: _Turn, due: float, priority: float) -> None:
        turn.due, turn.priority = due, priority
        heapq.heappush(self._heap, (priority, key))

    def give_back(self, key: str, now: float) -> None:
        """Treat a poll that ended without `done` as failed, so that its integration is due again."""
        turn = self._turns.get(key)
        if turn is not None and turn.polling:
            self.done(key, now, succeeded=False)


def interval_in_effect(wanted: float, requests: int, allowed_per_minute: int) -> float:
    """
    Return the interval that the rate limit allows: the wanted one, or longer.

    Args:
        wanted: Seconds, as configured.
        requests: How many each interval needs.
        allowed_per_minute: Our share of the limit.

    """
    return max(wanted, requests * WINDOW_SECONDS / allowed_per_minute)
