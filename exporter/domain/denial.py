"""
What a rejected key means for the requests after it: none for a while, because each would be rejected too.

A 401 is about the key, so it holds back all endpoints of the workspace. A 403 is about a permission, so it holds back
its endpoint; but only after several in a row, because a proxy may forbid one path among many. While a denial lasts,
polls fail with its error and nothing is sent, but for one request a minute that shows whether it has ended.
"""

from collections import Counter

from exporter.domain.errors import AuthError, ForbiddenError, PollError

HOLD_SECONDS = 55.0
"""Under the minute within which a failed poll is tried again."""
FORBIDDEN_IN_A_ROW = 3


class Denial:
    """The denials in force for one workspace. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._in_force: dict[str, tuple[float, PollError]] = {}
        self._forbidden: Counter[str] = Counter()

    def note(self, endpoint: str, error: AuthError | ForbiddenError, now: float) -> None:
        """Note that Braze denied a request to *endpoint*."""
        if isinstance(error, AuthError):
            self._in_force[_ALL] = (now + HOLD_SECONDS, error)
            return
        self._in_force.pop(_ALL, None)  # a key that lacks a permission is a known key
        self._forbidden[endpoint] += 1
        if self._forbidden[endpoint] >= FORBIDDEN_IN_A_ROW:
            self._in_force[endpoint] = (now + HOLD_SECONDS, error)

    def forget(self, endpoint: str) -> None:
        """Note that Braze answered at *endpoint* as it does to a key with the permission."""
        self._in_force.pop(_ALL, None)
        self._in_force.pop(endpoint, None)
        self._forbidden[endpoint] = 0

    def leave_open(self, endpoint: str, now: float) -> None:
        """Note that a request has shown nothing: no answer came, or one that has nothing to do with the key."""
        for held in (_ALL, endpoint):
            if held in self._in_force:
                self._in_force[held] = (now, self._in_force[held][1])

    def raise_while_it_lasts(self, endpoint: str, now: float) -> None:
        """
        Do nothing when a request may be sent; it is then the one that shows whether a denial has ended.

        Raises:
            PollError: A denial lasts; it is the one that Braze gave, said again.

        """
        lasting = [held for held in (_ALL, endpoint) if held in self._in_force]
        for held in lasting:
            until, error = self._in_force[held]
            if now < until:
                raise type(error)(str(error))
        for held in lasting:
            self._in_force[held] = (now + HOLD_SECONDS, self._in_force[held][1])


_ALL = "*"
