"""
What a rejected key means for the requests after it: none for a while, because each would be rejected too.

A 401 is about the key, so it holds back all endpoints of the workspace. A 403 is about a permission, so it holds back
its endpoint. Both only after several in a row, because a proxy may deny one path among many. While a denial lasts,
polls fail with its error and nothing is sent, but for one request now and then that shows whether it has ended.
"""

from collections import Counter

from exporter.domain.errors import AuthError, ForbiddenError, PollError

HOLD_SECONDS = 55.0
"""Under the minute within which a failed poll is tried again."""
IN_A_ROW = 3


class Denial:
    """The denials in force for one workspace. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._in_force: dict[str, tuple[float, PollError]] = {}
        self._in_a_row: Counter[str] = Counter()

    def note(self, endpoint: str, error: AuthError | ForbiddenError, now: float) -> None:
        """Note that Braze denied a request to *endpoint*."""
        about = _ALL if isinstance(error, AuthError) else endpoint
        if about == endpoint:
            self._end(_ALL)  # a key that lacks a permission is a known key
        self._in_a_row[about] += 1
        if self._in_a_row[about] >= IN_A_ROW:
            self._in_force[about] = (now + HOLD_SECONDS, error)

    def forget(self, endpoint: str) -> None:
        """Note that Braze answered at *endpoint* as it does to a key with the permission."""
        self._end(_ALL)
        self._end(endpoint)

    def _end(self, about: str) -> None:
        self._in_force.pop(about, None)
        self._in_a_row[about] = 0

    def lasts(self, endpoint: str) -> bool:
        """Whether requests to *endpoint* are held back, but for the one that looks whether they still have to be."""
        return _ALL in self._in_force or endpoint in self._in_force

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
                raise type(error)(str(error), held_seconds=until - now)
        for held in lasting:
            self._in_force[held] = (now + HOLD_SECONDS, self._in_force[held][1])


_ALL = "*"
