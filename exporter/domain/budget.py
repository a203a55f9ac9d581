"""
How many requests we may still send: one budget for each workspace and endpoint, because that is what Braze limits.

Decides when the next request may go: never more than share x limit in any minute, later when Braze's headers show that
others use the limit too, and not before the reset that a 429 names. Must not know who wants to send, or how.

- The window slides and is exact: the times of our requests are kept. It is a little longer than a minute, because
  requests that leave a minute apart may arrive closer together.
- A new budget counts as three quarters spent, evenly over the past minute: we may be the restart of a process that has
  just spent it.
- Headers are believed only towards less. Nonsense (a reset long ago or far off, a limit of 0) is not believed at all.
- What headers say is old by the requests under way: each of ours is taken off what remained, and after a refusal one
  request goes ahead of the others.
"""

from collections import deque

WINDOW_SECONDS = 61.0
SPENT_AT_START = 0.75
FEW_REMAINING = 0.2
"""Below this share of the limit, what remains is spread up to the reset."""
LONGEST_HOLD_SECONDS = 300.0
"""No answer of Braze stops us longer: a reset further away is nonsense for a limit per minute."""
FIRST_HOLD_SECONDS = 15.0
"""After a 429 that names no sensible reset; doubled by each further one."""
LONGEST_BACKOFF_SECONDS = 60.0
"""Up to that: a limit per minute is there again after a minute."""
SCOUT_SECONDS = 5.0
"""After a refusal the others wait so long for the answer to the first request."""
_SAME_RESET_SECONDS = 2.0
"""Resets so close together are one: they are told in whole seconds, by clocks that differ."""


class Budget:
    """Requests to one endpoint of one workspace. All times are monotonic seconds."""

    def __init__(self, per_minute: int, share: float, now: float) -> None:
        self._granted: int | None = None
        """The limit that Braze named last."""
        self.configure(per_minute, share)
        spent = int(self._allowed * SPENT_AT_START)
        self._sent = deque(now - WINDOW_SECONDS * (1 - (i + 1) / spent) for i in range(spent))
        self._not_before = now
        self._refused = 0
        self._held_until = now
        self._scouting = False
        self._left, self._few = 0, 0.0
        self._resets_at = now
        """Until then *_left* requests remain to all; below *_few* they are spread."""

    def configure(self, per_minute: int, share: float) -> None:
        """Hold to another limit or share from now on; what was sent and what Braze said still counts."""
        self._configured = per_minute
        self._share = share
        self._allowed = _allowed(min(per_minute, self._granted or per_minute), share)

    @property
    def allowed(self) -> int:
        """Requests in any minute: share x the lower of the agreed limit and the one Braze names, at least 1."""
        return self._allowed

    def wait_seconds(self, now: float) -> float:
        """How long until a request may be sent; 0 when it may be sent now."""
        while self._sent and now - self._sent[0] >= WINDOW_SECONDS:
            self._sent.popleft()
        wait = max(0.0, self._not_before - now)
        if len(self._sent) >= self._allowed:
            wait = max(wait, self._sent[-self._allowed] + WINDOW_SECONDS - now)
        return wait

    def spend(self, now: float) -> None:
        """Note that a request is being sent. Call it only when `wait_seconds` says 0."""
        self._sent.append(now)
        self._left -= 1
        self._spread(now)
        if self._scouting:
            self._not_before = max(self._not_before, now + SCOUT_SECONDS)

    def learn(self, now: float, *, limit: int | None, remaining: int | None, reset_in: float | None) -> None:
        """
        Correct the budget by the headers of an answer other than 429.

        Args:
            now: Monotonic seconds.
            limit: Requests a minute that Braze grants.
            remaining: How many of them are left, to all who share the key's workspace.
            reset_in: Seconds until there are `limit` again.

        """
        self._refused = 0
        if self._scouting and now >= self._held_until:
            self._scouting, self._not_before = False, now
        if limit is not None and limit > 0:
            self._granted = limit
            self.configure(self._configured, self._share)
        if remaining is None or reset_in is None or not _is_sensible(reset_in):
            return
        same = abs(now + reset_in - self._resets_at) <= _SAME_RESET_SECONDS
        self._left = min(self._left, remaining) if same else remaining
        self._few = (limit or self._configured) * FEW_REMAINING
        self._resets_at = now + reset_in
        self._spread(now)

    def refuse(self, now: float, *, reset_in: float | None) -> float:
        """
        Hold everything back after a 429, and return for how many seconds.

        Args:
            now: Monotonic seconds.
            reset_in: Seconds until the reset that the answer names; None when it names none.

        """
        if reset_in is not None and _is_sensible(reset_in):
            hold = reset_in
        elif now < self._held_until:
            return self._held_until - now  # it was under way together with the one that was refused first
        else:
            hold = min(LONGEST_BACKOFF_SECONDS, FIRST_HOLD_SECONDS * 2.0 ** min(self._refused, 10))
            self._refused += 1
        self._held_until = now + hold
        self._scouting = True
        self._not_before = max(self._not_before, self._held_until)
        return hold

    def _spread(self, now: float) -> None:
        if now < self._resets_at and self._left < self._few:
            self._not_before = max(self._not_before, now + (self._resets_at - now) / (max(0, self._left) + 1))


def latest_reset(*resets_in: float | None) -> float | None:
    """Return the longest of the sensible times to a reset that an answer names in several ways; None without any."""
    return max((reset_in for reset_in in resets_in if reset_in is not None and _is_sensible(reset_in)), default=None)


def _is_sensible(reset_in: float) -> bool:
    return 0 < reset_in <= LONGEST_HOLD_SECONDS


def _allowed(per_minute: int, share: float) -> int:
    return max(1, int(per_minute * share + 1e-9))
