"""
How far the list can be relied on to show each integration's newest sync.

Decides when a list that fails is given up, so that every integration is polled by its own endpoint, and for how long
one that the list has not shown may be left alone. Knows nothing of requests.
"""

PATIENCE = 3
"""An integration that the list has not shown for so many intervals is polled by its own endpoint."""
FAILURES = 2
"""After so many listings that failed in a row the list is given up."""


class Reliance:
    """What the newest listings have shown about the list itself. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.interval: float | None = None
        """From one whole listing to the next; None while the list cannot be relied on."""
        self.failing = False
        """Whether the newest listing failed."""
        self.pays = True
        """Whether the list is short enough to be read every interval."""
        self._failures = 0
        self._period = 0.0

    def complete(self, interval: float, *, pays: bool) -> None:
        """Note that the list was read to its end, and how long it takes until it is again."""
        self.interval = interval if pays else None
        self.pays = pays
        self._period = interval
        self._failures = 0
        self.failing = False

    def fail(self, *, retryable: bool) -> bool:
        """Note that the list could not be read; return whether it is given up."""
        self.failing = True
        self._failures += 1
        if self._failures >= FAILURES or not retryable:
            self.interval = None
        return self.interval is None

    def give_up(self) -> None:
        """Note that the list costs more than it is worth."""
        self.interval = None
        self.pays = False

    def forgets(self, listed_at: float, now: float, stale_after: float) -> bool:
        """Whether what the list said of an integration is too old to be known, even for a list that is read seldom."""
        return listed_at < now - max(stale_after, PATIENCE * self._period)

    def covers(self, listed_at: float, now: float) -> bool:
        """Whether the list shows an integration often enough to leave its own endpoint alone."""
        return self.interval is not None and listed_at >= now - PATIENCE * self.interval
