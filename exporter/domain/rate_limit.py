"""
How many requests may be sent: one rate limiter for each workspace and endpoint, because that is what Braze limits.

Decides when the next request may go: never more than share x limit in any minute, later when Braze's headers show that
others use the limit too, and not before the reset that a 429 names. Knows nothing of callers or requests.

- The window slides and is exact: the times of our requests are kept. It is a little longer than a minute, because
  requests that leave a minute apart may arrive closer together.
- A new limiter counts as three quarters used, evenly over the past minute: the process may have restarted right after
  using the limit up. Where Braze grants less than is configured, that is three quarters of what it grants: the process
  before knew it, too.
- Headers can only lower the rate. Nonsense (a reset long ago or far off, a limit of 0) is ignored.
- Requests that nobody waits for take at most half of what all others have left free in the past window, evenly, and
  none where other programs use the limit up.
- Headers lag behind the requests in flight: each of ours is subtracted from what remained, and after a 429 one request
  probes ahead of the others.
"""

from collections import deque
from math import inf

WINDOW_SECONDS = 61.0
USED_AT_START = 0.75
SPREAD_BELOW = 0.2
"""Below this share of the limit, what remains is spread up to the reset."""
LONGEST_HOLD_SECONDS = 300.0
"""No response stops requests for longer: a reset further away is nonsense for a limit per minute."""
FIRST_HOLD_SECONDS = 15.0
"""After a 429 that names no sensible reset; doubled by each further one."""
LONGEST_BACKOFF_SECONDS = 60.0
"""The longest of these: a limit per minute is restored after a minute."""
PROBE_SECONDS = 5.0
"""After a 429 the other requests wait this long for the response to the first one."""
SPARE_BELOW = 2
"""Below this many times that share, what remains is left to requests that somebody waits for."""
LOOK_AGAIN_SECONDS = 2.0
"""When nothing is left free, there may be soon."""
_SAME_RESET_SECONDS = 2.0
"""Resets this close together are the same: they come in whole seconds, from clocks that differ."""


class RateLimiter:
    """Requests to one endpoint of one workspace. All times are monotonic seconds."""

    def __init__(self, per_minute: int, share: float, now: float) -> None:
        self._granted = inf
        """The limit in Braze's latest response."""
        self.configure(per_minute, share)
        self._started_at = now
        self._sent: deque[float] = deque()
        self._spare: deque[float] = deque()
        """Those of the requests sent that nobody waited for."""
        self._not_before = now
        self._next_hold = FIRST_HOLD_SECONDS
        self._held_until: float | None = None
        """After a 429, until a good response to a request sent later."""
        self._remaining, self._spread_below, self._resets_at = 0, 0.0, -inf
        """Until the reset *_remaining* requests are left for all clients; below *_spread_below* they are spread."""

    def configure(self, per_minute: int, share: float) -> None:
        """Apply another limit or share from now on; requests sent and Braze's headers still count."""
        self._configured = per_minute
        self._share = share
        self._allowed = max(1, int(min(per_minute, self._granted) * share + 1e-9))

    @property
    def allowed(self) -> int:
        """Requests in any minute: share x the lower of the configured limit and the one Braze grants, at least 1."""
        return self._allowed

    def wait_seconds(self, now: float) -> float:
        """How long until a request may be sent; 0 when it may be sent now."""
        sent, wait = self._in_window(now), max(0.0, self._not_before - now)
        if len(sent) >= self._allowed:
            wait = max(wait, sent[-self._allowed] + WINDOW_SECONDS - now)
        return wait

    def spare_wait_seconds(self, now: float) -> float:
        """How long until a request may be sent that nobody waits for; 0 when it may be sent now."""
        wait = self.wait_seconds(now)
        half = (self._allowed - (len(self._in_window(now)) - len(self._spare))) / 2
        in_use = now < self._resets_at and self._remaining < self._spread_below * SPARE_BELOW
        if half <= 0 or in_use or self._held_until is not None:
            return max(wait, LOOK_AGAIN_SECONDS)
        if len(self._spare) >= half:
            wait = max(wait, self._spare[0] + WINDOW_SECONDS - now)
        return max(wait, self._spare[-1] + WINDOW_SECONDS / half - now) if self._spare else wait

    def take(self, now: float, *, spare: bool = False) -> None:
        """Record that a request is being sent. Call it only when `wait_seconds` or `spare_wait_seconds` returns 0."""
        self._sent.append(now)
        if spare:
            self._spare.append(now)
        self._remaining -= 1
        self._spread(now)
        if self._held_until is not None:
            self._not_before = max(self._not_before, now + PROBE_SECONDS)

    def adjust(self, now: float, *, limit: int | None, remaining: int | None, reset_in: float | None) -> None:
        """
        Adjust to the headers of a response other than 429.

        Args:
            now: Monotonic seconds.
            limit: Requests a minute that Braze grants.
            remaining: How many of them are left, for all clients of the workspace.
            reset_in: Seconds until `limit` requests are available again.

        """
        self._next_hold = FIRST_HOLD_SECONDS
        if self._held_until is not None and now >= self._held_until:
            self._held_until, self._not_before = None, now
        if limit is not None and limit > 0:
            self._granted = limit
            self.configure(self._configured, self._share)
        if remaining is None or reset_in is None or not _is_sensible(reset_in):
            return
        same = abs(now + reset_in - self._resets_at) <= _SAME_RESET_SECONDS
        self._remaining = min(self._remaining, remaining) if same else remaining
        self._spread_below = (limit or self._configured) * SPREAD_BELOW
        self._resets_at = now + reset_in
        self._spread(now)

    def back_off(self, now: float, *, reset_in: float | None) -> float:
        """
        Stop all requests after a 429, and return for how many seconds.

        Args:
            now: Monotonic seconds.
            reset_in: Seconds until the reset that the response names; None when it names none.

        """
        if reset_in is not None and _is_sensible(reset_in):
            hold = reset_in
        elif self._held_until is not None and now < self._held_until:
            return self._held_until - now  # it was in flight together with the first one rejected
        else:
            hold, self._next_hold = self._next_hold, min(LONGEST_BACKOFF_SECONDS, 2 * self._next_hold)
        self._held_until = now + hold
        self._not_before = max(self._not_before, self._held_until)
        return hold

    def pause(self, now: float, seconds: float) -> None:
        """Send nothing for *seconds* from *now*, as an answer other than 429 has asked for."""
        self._not_before = max(self._not_before, now + seconds)

    def _in_window(self, now: float) -> list[float]:
        """Return when requests were sent in the past window, those that are presumed of a process before included."""
        for sent in (self._sent, self._spare):
            while sent and now - sent[0] >= WINDOW_SECONDS:
                sent.popleft()
        used = int(self._allowed * USED_AT_START)
        over = int(used * (now - self._started_at) / WINDOW_SECONDS)
        before = (self._started_at - WINDOW_SECONDS * (1 - number / used) for number in range(over + 1, used + 1))
        return [*before, *self._sent]

    def _spread(self, now: float) -> None:
        if self._remaining < self._spread_below:
            self._not_before = max(self._not_before, now + (self._resets_at - now) / (max(0, self._remaining) + 1))


def latest_reset(*resets_in: float | None) -> float | None:
    """Return the longest of the sensible times to a reset in a response's headers; None without any."""
    return max((reset_in for reset_in in resets_in if reset_in is not None and _is_sensible(reset_in)), default=None)


def _is_sensible(reset_in: float) -> bool:
    return 0 < reset_in <= LONGEST_HOLD_SECONDS
