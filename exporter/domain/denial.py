"""
What a rejected key means for the requests after it: none for a while, because each would be rejected too.

A 401 is about the key, so it holds back all endpoints of the workspace. A 403 is about a permission, so it holds back
its endpoint; but only after several in a row, because a proxy may forbid one path among many. While a denial lasts,
polls fail with its error and nothing is sent. One request a minute then shows whether it has ended.
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
        self._forbidden[endpoint] += 1
        if self._forbidden[endpoint] >= FORBIDDEN_IN_A_ROW:
            self._in_force[endpoint] = (now + HOLD_SECONDS, error)

    def forget(self, endpoint: str) -> None:
        """Note that Braze gave a good answer at *endpoint*, so that neither key nor permission is denied."""
        self._in_force.pop(_ALL, None)
        self._in_force.pop(endpoint, None)
        self._forbidden[endpoint] = 0

    def raise_while_it_lasts(self, endpoint: str, now: float) -> None:
        """
        Do nothing when a request may be sent.

        Raises:
            PollError: A denial lasts; it is the one that Braze gave, said again.

        """
        for held in (_ALL, endpoint):
            until, error = self._in_force.get(held, (now, None))
            if error is not None and now < until:
                raise type(error)(str(error))


_ALL = "*"
