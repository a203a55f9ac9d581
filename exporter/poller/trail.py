"""
The latest requests to Braze, kept so that an integration's page can say what was asked about it, and why.

A few for each integration and a few for the list: a kilobyte for an integration. Gone with the process.
"""

from exporter.domain.asked import HISTORY, Asked

KEPT = 4
"""Requests about one integration."""


class Trail:
    """The requests of one workspace, latest first."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[Asked, ...]] = {}
        self.latest: dict[str, Asked] = {}
        """Of each endpoint."""

    def note(self, integration_id: str, asked: Asked) -> None:
        """Keep one more request; about no integration means for the list. Of a history only the latest page is kept."""
        self.latest[asked.endpoint] = asked
        before = self._asked.get(integration_id, ())
        if before and before[0].why == asked.why == HISTORY:
            before = before[1:]
        self._asked[integration_id] = (asked, *before[: KEPT - 1])

    def about(self, integration_id: str) -> tuple[Asked, ...]:
        return self._asked.get(integration_id, ())

    @property
    def for_list(self) -> tuple[Asked, ...]:
        return self.about("")

    def forget(self, integration_id: str) -> None:
        """Drop what was asked about an integration that is watched no more."""
        self._asked.pop(integration_id, None)
